"""Which scope each address of the dashboard asks for: one table. Floor 8.

What only shows asks for ``read:events``; what changes something and is not in the table asks for
``admin``, so that a new form is closed until somebody says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as AsgiScope

from smart_api_integrations.application.audit_trail import VIEW_PAYLOAD, note
from smart_api_integrations.core.access import Principal, Scope
from smart_api_integrations.errors import NotAllowed, NotKnown, WebhooksError

OPEN = re.compile(r"/login|/logout|/static/.*")
"""Reached by everybody: without them nobody could sign in."""

READING: tuple[tuple[re.Pattern[str], Scope], ...] = (
    (re.compile(r"/endpoints/new|/endpoints/[^/]+/(edit|test)"), Scope.WRITE_ENDPOINTS),
    (re.compile(r"/events/[^/]+/(edit|forward)"), Scope.READ_PAYLOADS),
    (re.compile(r"/playground/expression"), Scope.READ_PAYLOADS),
    (re.compile(r"/settings(/.*)?"), Scope.ADMIN),
    (re.compile(r"/events/[^/]+/body"), Scope.READ_PAYLOADS),
    (re.compile(r"/messages/[^/]+/body"), Scope.READ_PAYLOADS),
)
CHANGING: tuple[tuple[re.Pattern[str], Scope], ...] = (
    (re.compile(r"/endpoints(/.*)?"), Scope.WRITE_ENDPOINTS),
    (re.compile(r"/sources/[^/]+/[^/]+/captured-keys"), Scope.ADMIN),
    (re.compile(r"/(sources|handlers)/.*|/gates"), Scope.WRITE_ENDPOINTS),
    (re.compile(r"/(dead-letters|replays|issues)(/.*)?"), Scope.REPLAY),
    (re.compile(r"/(events|messages|handlings|deliveries)/.*"), Scope.REPLAY),
    (re.compile(r"/playground(/.*)?"), Scope.SEND_EVENTS),
)
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

Refuse = Callable[[Request, WebhooksError], Awaitable[Response]]


def needed_scope(method: str, path: str) -> Scope | None:
    """Return the scope that an address asks for, or None where it is open.

    >>> needed_scope("GET", "/events/evt_1"), needed_scope("POST", "/nowhere"), needed_scope("GET", "/login")
    (<Scope.READ_EVENTS: 'read:events'>, <Scope.ADMIN: 'admin'>, None)
    """
    if OPEN.fullmatch(path):
        return None
    table, otherwise = (READING, Scope.READ_EVENTS) if method in _SAFE else (CHANGING, Scope.ADMIN)
    return next((scope for pattern, scope in table if pattern.fullmatch(path)), otherwise)


def principal_of(request: Request) -> Principal | None:
    """Return who asks, or None where nobody said."""
    who = getattr(request.state, "principal", None)
    return who if isinstance(who, Principal) else None


def has_session(request: Request) -> bool:
    """Tell whether whoever asks signed in here, and can sign out; a host's people do so there."""
    who = principal_of(request)
    return who is not None and who.by_cookie and who.id.startswith(("key_", "settings:"))


def may(request: Request, scope: str) -> bool:
    """Tell whether whoever asks has *scope*; for what a page offers and shows."""
    who = principal_of(request)
    return who is not None and who.may(Scope(scope))


class Permissions:
    """ASGI middleware that keeps the table before the dashboard."""

    def __init__(self, app: ASGIApp, *, refuse: Refuse) -> None:
        """Stand before *app*; *refuse* makes the page that says no."""
        self._app = app
        self._refuse = refuse

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Answer the request, or say what is missing."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        root = scope.get("root_path", "")
        needed = needed_scope(scope["method"], scope["path"].removeprefix(root))
        who = principal_of(request)
        error: WebhooksError | None = None
        if needed is not None and who is None:
            error = NotKnown()
        elif needed is not None and who is not None and not who.may(needed):
            error = NotAllowed.without(needed)
        if error is None and needed is Scope.READ_PAYLOADS:
            note(scope, action=VIEW_PAYLOAD)
        if error is None:
            await self._app(scope, receive, send)
            return
        response = await self._refuse(request, error)
        await response(scope, receive, send)
