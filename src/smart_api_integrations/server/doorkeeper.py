"""Who asks: by a key, by a session's cookie, or by sitting at this machine. Floor 9.

``Doorkeeper`` knows the platform's own keys; ``HostDoorkeeper`` asks the application that the pages are
part of.
"""

from __future__ import annotations

import base64
import binascii
import inspect
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Scope

from smart_api_integrations.core.access import LOCAL, ROLES, Principal, Role
from smart_api_integrations.core.page_policy import SESSION_COOKIES
from smart_api_integrations.core.rate_limits import TokenBucket, Windows, address_key
from smart_api_integrations.server.refusals import (
    HOST_SAYS_NO,
    KEY_WRONG_API,
    KEY_WRONG_PAGE,
    NOT_LOOPBACK,
    Refusal,
    too_many,
)

WRONG_KEYS_PER_MINUTE = 30

Verdict = Principal | Refusal
HostAnswer = Principal | Role | str | None
Authorise = Callable[[Scope], HostAnswer | Awaitable[HostAnswer]]
"""Asked with the ASGI scope of a request: a role's name, a principal of your own, or None for nobody."""


class KnowsKeys(Protocol):
    """Who shows a key or a cookie: ``application.access.Access``."""

    async def needs_key(self) -> bool:
        """Tell whether there is a key."""

    async def holder_of(self, value: str) -> Principal | None:
        """Return whose key it is."""

    async def signed_in(self, cookie: str) -> Principal | None:
        """Return whose session it is."""


class Gatekeeper(Protocol):
    """Says who asks."""

    async def admit(self, scope: Scope, *, is_api: bool, at_home: bool, address: str | None) -> Verdict:
        """Return who asks, or why they may not.

        Args:
            scope: The request.
            is_api: It is for programs; else a page for people.
            at_home: It certainly came from this machine.
            address: Where it came from.
        """


class Doorkeeper:
    """Lets in whoever shows a key; without any key, whoever sits at this machine."""

    def __init__(self, keys: KnowsKeys, *, per_minute: int, clock: Callable[[], float]) -> None:
        """Ask *keys*; a key gets *per_minute* requests of the API, 0 for any number."""
        self._keys = keys
        self._per_minute = per_minute
        self._clock = clock
        self._wrong = Windows()
        self._buckets: dict[str, TokenBucket] = {}

    async def admit(self, scope: Scope, *, is_api: bool, at_home: bool, address: str | None) -> Verdict:
        """See ``Gatekeeper.admit``."""
        if not await self._keys.needs_key():
            return LOCAL if at_home else NOT_LOOPBACK
        headers = Headers(scope=scope)
        key = shown_key(headers)
        who = await self._keys.holder_of(key) if key is not None else await self._by_cookie(headers)
        if who is None:
            return self._unknown(address, is_api=is_api, showed=key is not None)
        return self._within_limit(who) if is_api else who

    async def _by_cookie(self, headers: Headers) -> Principal | None:
        cookies = cookie_parser(headers.get("cookie", ""))
        for name in SESSION_COOKIES:
            if cookies.get(name):
                return await self._keys.signed_in(cookies[name])
        return None

    def _unknown(self, address: str | None, *, is_api: bool, showed: bool) -> Refusal:
        key, now = address_key(address), self._clock()
        if showed and self._wrong.hit(key, now) > WRONG_KEYS_PER_MINUTE:
            left = max(1, math.ceil(self._wrong.seconds_left(key, now)))
            return too_many("Too many wrong keys came from this address.", retry_after=left)
        return KEY_WRONG_API if is_api else KEY_WRONG_PAGE

    def _within_limit(self, who: Principal) -> Verdict:
        if not self._per_minute:
            return who
        bucket = self._buckets.get(who.id)
        if bucket is None:
            bucket = self._buckets[who.id] = TokenBucket(per_minute=self._per_minute, burst=None)
        wait = bucket.take(self._clock())
        if not wait:
            return who
        return too_many(
            "This key has sent more requests than WEBHOOKS_API_PER_MINUTE allows.",
            retry_after=max(1, math.ceil(wait)),
        )


class HostDoorkeeper:
    """Asks the application that the pages are part of."""

    def __init__(self, authorise: Authorise) -> None:
        """Ask *authorise*."""
        self._authorise = authorise

    async def admit(self, scope: Scope, *, is_api: bool, at_home: bool, address: str | None) -> Verdict:  # noqa: ARG002 - the host decides
        """See ``Gatekeeper.admit``; the application's users come with its cookies."""
        answer = self._authorise(scope)
        if inspect.isawaitable(answer):
            answer = await answer
        if isinstance(answer, Principal):
            return replace(
                answer, by_cookie=True
            )  # whatever the host knows it by, a browser may send by itself
        if answer is None:
            return HOST_SAYS_NO
        role = Role(answer)
        return Principal(
            id=f"host:{role}", name=f"{role} of the host", scopes=ROLES[role], role=role, by_cookie=True
        )


def shown_key(headers: Headers) -> str | None:
    """Return the key of the ``Authorization`` header: a bearer token, or the password of HTTP Basic."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    return _password(value) if scheme.lower() == "basic" else None


def is_bearer(headers: Headers) -> bool:
    """Tell whether the request carries what no browser adds by itself."""
    return headers.get("authorization", "").partition(" ")[0].lower() == "bearer"


def _password(value: str) -> str:
    try:
        decoded = base64.b64decode(value.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return decoded.partition(":")[2]
