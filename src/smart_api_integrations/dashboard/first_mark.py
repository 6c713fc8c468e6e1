"""Where the journal stood before a page was read: from there its live stream goes on. Floor 8.

Read after the page, a mark would skip what came in between the two.
"""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.storage.protocols import Journal

_STATE = "mark"
_WITHOUT = ("/static/", "/live/stream")
_SINCE = timedelta(minutes=1)


class FirstMark:
    """ASGI middleware that reads the journal's mark before each page."""

    def __init__(self, app: ASGIApp, journal: Journal) -> None:
        """Stand before *app*."""
        self._app = app
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note the mark with the request, and pass it on."""
        if scope["type"] == "http" and scope["method"] == "GET" and not _is_without(scope):
            scope.setdefault("state", {})[_STATE] = await self._token()
        await self._app(scope, receive, send)

    async def _token(self) -> str:
        try:
            mark = await self._journal.mark(self._journal.now() - _SINCE)
        except StorageUnavailable:  # the page itself says so
            return ""
        return mark.token


def mark_of(request: Request) -> str:
    """Return where the journal stood before *request*; empty where that is not known."""
    state = request.scope.get("state") or {}
    return str(state.get(_STATE, ""))


def _is_without(scope: Scope) -> bool:
    path = str(scope["path"]).removeprefix(scope.get("root_path", ""))
    return path.startswith(_WITHOUT)
