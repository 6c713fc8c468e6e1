"""Fetching the keys that requests are verified with, and keeping them for a while. Floor 3.

Rules:

1. Everything goes through the one guarded client: https, no redirects, no address inside.
2. What failed is never kept as "there is no key": the request is answered 503, and its sender tries again.
3. One address is asked once at a time, whoever waits. A name that a kept answer lacks asks again, but not
   sooner than ``refetch_min``; and what requests can make us ask for in a minute is bounded, because
   anybody can send a request.
"""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Protocol

from cryptography.x509 import Certificate, load_der_x509_certificate

from smart_api_integrations.core.outbound_request import Answer, OutboundRequest
from smart_api_integrations.core.signatures.certificates import CertificateRefused
from smart_api_integrations.core.signatures.fetched_keys import FetchedKeys, WantedKey
from smart_api_integrations.core.signatures.secrets import Secret
from smart_api_integrations.errors import DeliveryError, KeyUnavailable, SignatureMismatch

FETCH_SECONDS = 5.0
MOST_FETCHES = 60
"""Fetches in a minute, for all webhooks together; keys change once in days."""
MOST_KEPT = 256
_MINUTE = timedelta(minutes=1)
_UNKNOWN_NAME = frozenset({400, 404})

Place = tuple[str, bytes | None]


class Transport(Protocol):
    """What sends requests: ``network.http_transport.HttpTransport``."""

    async def send(self, request: OutboundRequest, *, timeout: float) -> Answer:  # noqa: ASYNC109
        """Send *request*; return the answer, or raise ``DeliveryError``, within *timeout* seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    keys: FetchedKeys
    since: datetime
    until: datetime

    def lacks(self, wanted: WantedKey, *, now: datetime) -> bool:
        """Tell whether a newer answer may hold a name that this one does not."""
        return not self.keys.named(wanted.key_id) and now - self.since >= wanted.address.refetch_min


@cache
def system_roots() -> tuple[Certificate, ...]:
    """Return the authorities that the system trusts; those that cannot be read are left out."""
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an old authority's serial number may be zero
        for written in ssl.create_default_context().get_ca_certs(binary_form=True):
            with suppress(ValueError):
                found.append(load_der_x509_certificate(written))
    return tuple(found)


class KeySource:
    """Finds the key for a request, at hand or over the network. Belongs to one event loop."""

    def __init__(
        self,
        transport: Transport,
        *,
        now: Callable[[], datetime],
        roots: Callable[[], Sequence[Certificate]] = system_roots,
    ) -> None:
        """Fetch over *transport*; believe certificates that *roots* vouch for."""
        self._transport = transport
        self._now = now
        self._roots = roots
        self._kept: OrderedDict[Place, _Kept] = OrderedDict()
        self._running: dict[Place, asyncio.Task[_Kept]] = {}
        self._fetched: deque[datetime] = deque(maxlen=MOST_FETCHES)

    async def find(self, wanted: WantedKey) -> tuple[Secret, ...]:
        """Return the keys that the request may be signed with, at least one.

        Raises:
            KeyUnavailable: They could not be fetched; the sender is to try again.
            SignatureMismatch: The provider has no key of that name, or the certificate is not to be believed.
        """
        place = (wanted.url, wanted.body)
        kept, now = self._kept.get(place), self._now()
        if kept is None or now >= kept.until or kept.lacks(wanted, now=now):
            kept = await self._refresh(place, wanted)
        found = kept.keys.named(wanted.key_id)
        if not found:
            message = "The provider has no key of the name that the request gives."
            raise SignatureMismatch(message)
        return found

    async def _refresh(self, place: Place, wanted: WantedKey) -> _Kept:
        task = self._running.get(place)
        if task is None:
            task = self._running[place] = asyncio.create_task(self._fetch(place, wanted))
            task.add_done_callback(lambda _: self._running.pop(place, None))
        return await asyncio.shield(task)  # a sender that hangs up does not end the others' waiting

    async def _fetch(self, place: Place, wanted: WantedKey) -> _Kept:
        self._count()
        answer = await self._answer(wanted)
        now, roots = self._now(), self._roots() if wanted.address.subjects else ()
        try:
            keys = wanted.address.read(answer.body, now=now, roots=roots)
        except CertificateRefused as error:
            message = f"The key is not to be believed: {error}."
            raise SignatureMismatch(message) from error
        except (ValueError, RecursionError) as error:
            message = "The address of the key answered with something that is no key of the algorithm."
            raise KeyUnavailable(message) from error
        kept = _Kept(keys=keys, since=now, until=min(now + wanted.address.cache, keys.until))
        self._kept[place] = kept
        self._kept.move_to_end(place)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return kept

    async def _answer(self, wanted: WantedKey) -> Answer:
        asks = OutboundRequest(
            method="GET" if wanted.body is None else "POST",
            url=wanted.url,
            headers={"Accept": "*/*"} if wanted.body is None else {"Content-Type": "application/json"},
            body=wanted.body or b"",
        )
        try:
            answer = await self._transport.send(asks, timeout=FETCH_SECONDS)
        except DeliveryError as error:
            message = f"The key could not be fetched: {error}."
            raise KeyUnavailable(message) from error
        if wanted.body is not None and answer.status in _UNKNOWN_NAME:
            message = "The provider has no key of the name that the request gives."
            raise SignatureMismatch(message)
        if answer.status != 200 or answer.truncated:
            message = f"The key could not be fetched: its address answered {answer.status}."
            raise KeyUnavailable(message)
        return answer

    def _count(self) -> None:
        now = self._now()
        if len(self._fetched) == MOST_FETCHES and now - self._fetched[0] < _MINUTE:
            message = f"More than {MOST_FETCHES} keys were asked for within a minute."
            raise KeyUnavailable(message)
        self._fetched.append(now)
