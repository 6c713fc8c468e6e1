"""Where a host application hands in its webhook requests, with a store behind it or without. Floor 7.

Theory of operation:

1. Every adapter of ``frameworks`` turns its request into an ``IncomingRequest``, hands it in here and gets
   the ``Answer`` of the one gateway: no framework judges, keeps or handles anything by itself.
2. With a store it is the gateway of a ``Webhooks``, which is started by the first request where nobody
   started it before. Without one it is a gateway of its own, whose handlers run while the provider waits.
3. A synchronous host waits in its request's thread, where plain handlers run and the body is read; an
   asynchronous host awaits, and its coroutine functions run in its own event loop.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from smart_api_integrations.application.configuration import settings_from_surroundings
from smart_api_integrations.application.portal import BorrowedLoop, Portal
from smart_api_integrations.application.storeless import (
    all_inline,
    refuse_brought_secrets,
    storeless_gateway,
)
from smart_api_integrations.application.surroundings import build_catalogue
from smart_api_integrations.core.source_addresses import client_address
from smart_api_integrations.core.webhook_schema import WebhookEvent
from smart_api_integrations.errors import ConfigurationError, SecretMissing, StorageUnavailable
from smart_api_integrations.providers.catalogue import Catalogue, Key
from smart_api_integrations.receive.answer import UNAVAILABLE, Answer
from smart_api_integrations.receive.gateway import Gateway
from smart_api_integrations.receive.incoming import IncomingRequest
from smart_api_integrations.receive.places import CallingThread, Place
from smart_api_integrations.settings import Settings

if TYPE_CHECKING:
    from smart_api_integrations.application.webhooks import Webhooks

logger = logging.getLogger(__name__)

Reader = Callable[[], tuple[bytes, bool]]
"""Reads the next piece of a body, blocking, and tells whether more follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRequest:
    """The head of a request as a host application has it.

    Attributes:
        path: As the sender wrote it, decoded, with whatever the application is mounted under.
        headers: Pairs in order; a name with an underscore is dropped, for a proxy may have forged it.
        peer: The address of whoever connected.
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    peer: str | None


class Reception:
    """The ways in of one host application.

    Attributes:
        settings: What it was built from.
        catalogue: The providers.
    """

    def __init__(self, webhooks: Webhooks | None, settings: Settings, catalogue: Catalogue) -> None:
        """Stand before *webhooks*, or before a gateway without a store; see ``open_reception``.

        Raises:
            ConfigurationError: A webhook's YAML demands a store that is not there.
        """
        self.settings = settings
        self.catalogue = catalogue
        self.webhooks = webhooks
        self._storeless = storeless_gateway(settings, catalogue) if webhooks is None else None
        self._begun = 0

    @property
    def paths(self) -> Mapping[str, Key]:
        """The paths that YAML files name, without a trailing slash."""
        return self.catalogue.paths

    def answer(self, request: HostRequest, way: Key, *, read: Reader) -> Answer:
        """Answer a request of a synchronous host, from the thread that serves it; never raises for it."""
        thread = CallingThread()

        async def next_piece() -> tuple[bytes, bool]:
            return await thread.run(read)

        try:
            home, gateway = self._inside()
            incoming = self._incoming(request, next_piece)
            return thread.wait(home.begin(gateway.accept(incoming, *way, place=thread)))
        except (StorageUnavailable, ConfigurationError, CancelledError) as error:
            return _unavailable(error)

    async def answer_here(
        self,
        request: HostRequest,
        way: Key,
        *,
        next_piece: Callable[[], Awaitable[tuple[bytes, bool]]],
        place: Place,
    ) -> Answer:
        """Answer a request of an asynchronous host, in its event loop; never raises for it."""
        incoming = self._incoming(request, next_piece)
        try:
            if self._storeless is not None:
                return await self._storeless.accept(incoming, *way, place=place)
            home, gateway = await self._inside_from_a_loop()
            return await home.wait(gateway.accept(_read_at_home(incoming), *way, place=place))
        except (StorageUnavailable, ConfigurationError) as error:
            return _unavailable(error)

    async def verified(
        self,
        request: HostRequest,
        way: Key,
        *,
        next_piece: Callable[[], Awaitable[tuple[bytes, bool]]],
    ) -> WebhookEvent:
        """Return the event of a request that verifies; it is neither kept nor handled.

        Raises:
            RequestRejected: It does not verify, or cannot be read.
            SecretMissing: The webhook is known, and its secret is not set.
        """
        missing = self.catalogue.unmounted.get(way)
        if missing is not None:
            message = f"{missing} is not set: set it to the signing secret of {'/'.join(way)}."
            raise SecretMissing(message)
        return await self._judging.verified(self._incoming(request, next_piece), *way)

    def begin(self) -> None:
        """Start the platform in the background, where there is one and nobody did: what waits is worked on.

        For hosts that tell of every request: the first one after a start begins, whatever it asks for.
        """
        if self.webhooks is None or self._begun == os.getpid() or self.webhooks.is_running:
            return
        self._begun = os.getpid()
        threading.Thread(target=self._begin, name="webhooks-start", daemon=True).start()

    def _begin(self) -> None:
        try:
            self._started()
        except (StorageUnavailable, ConfigurationError) as error:
            _unavailable(error)

    @cached_property
    def _judging(self) -> Gateway:
        """A gateway that needs no store, and so no start: it is asked for verification only."""
        return storeless_gateway(self.settings, all_inline(self.catalogue))

    def _inside(self) -> tuple[BorrowedLoop, Gateway]:
        if self._storeless is None:
            started = self._started()
            return started.home, started.platform.gateway
        return _shared_portal(os.getpid()), self._storeless

    async def _inside_from_a_loop(self) -> tuple[BorrowedLoop, Gateway]:
        if self.webhooks is not None and not self.webhooks.is_running:
            await asyncio.to_thread(self.webhooks.start)
        return self._inside()

    def _started(self) -> Webhooks:
        if self.webhooks is None:
            message = "There is no store here: give one, as in Webhooks(database_url=…).init_app(app)."
            raise ConfigurationError(message)
        return self.webhooks if self.webhooks.is_running else self.webhooks.start()

    def _incoming(
        self, request: HostRequest, next_piece: Callable[[], Awaitable[tuple[bytes, bool]]]
    ) -> IncomingRequest:
        headers = tuple(pair for pair in request.headers if "_" not in pair[0])
        return IncomingRequest(
            method=request.method,
            path=request.path,
            query=request.query,
            headers=headers,
            remote_address=client_address(request.peer, headers, trusted=self.settings.trusted_proxies),
            next_piece=next_piece,
        )


def open_reception(webhooks: Webhooks | None = None, **settings: object) -> Reception:
    """Return the reception of an application: before *webhooks*, or else as its settings say.

    Without *webhooks* there is a store exactly where the settings name one: ``database_url`` here,
    ``WEBHOOKS_DATABASE_URL``, or ``webhooks.toml``.

    Raises:
        ConfigurationError: A setting, a YAML or a secret cannot be used; or both *webhooks* and settings
            are given.
    """
    if webhooks is not None and settings:
        message = f"Give {', '.join(settings)} to Webhooks(…): with `webhooks` they would not be heard."
        raise ConfigurationError(message)
    if webhooks is None:
        found = settings_from_surroundings(**settings)
        if "database_url" not in found.model_fields_set:
            catalogue = build_catalogue(found)
            refuse_brought_secrets(catalogue)
            return Reception(None, found, catalogue)
        from smart_api_integrations.application.webhooks import Webhooks  # noqa: PLC0415 - needs the server extra

        webhooks = Webhooks(**settings)
    return Reception(webhooks, webhooks.settings, webhooks.catalogue)


@lru_cache(maxsize=1)
def _shared_portal(_process: int) -> Portal:
    """Return the event loop of every reception without a store; a child has none of its parent's threads."""
    return Portal("webhooks-reception")


def _read_at_home(incoming: IncomingRequest) -> IncomingRequest:
    """Return *incoming* as another event loop can read it: its body comes from the loop that we are in."""
    here = asyncio.get_running_loop()

    async def next_piece() -> tuple[bytes, bool]:
        if asyncio.get_running_loop() is here:
            return await incoming.next_piece()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_awaited(incoming), here))

    return replace(incoming, next_piece=next_piece)


async def _awaited(incoming: IncomingRequest) -> tuple[bytes, bool]:
    return await incoming.next_piece()


def _unavailable(error: BaseException) -> Answer:
    logger.error("A webhook request could not be taken: %s", error, extra={"action": "reception.unavailable"})
    return UNAVAILABLE
