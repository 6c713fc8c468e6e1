"""``/livez``, ``/readyz`` and ``/health``: for whoever watches the process. Floor 9.

They are open to everybody and answer under any host name, so they tell nothing but states. ``/livez`` asks
nothing: a process that answers lives, and restarting it would not bring a database back. ``/readyz`` says
whether it is any use to send requests here: the journal can be written to, the worker runs where it
should, and no stop has begun. ``/health`` is the fourth guide's.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.server.security import with_headers

CHECK_SECONDS = 5.0
KEPT_SECONDS = 1.0
GOOD = frozenset({"ok", "elsewhere"})


class Checked(Protocol):
    """A store that says whether it can be written to: ``storage.protocols.Journal``."""

    async def check(self) -> None:
        """Return if it can be written to now; raise ``StorageUnavailable`` if not."""


class Health:
    """An ASGI application that answers the three."""

    paths = frozenset({"/livez", "/readyz", "/health"})

    def __init__(self, journal: Checked, *, worker: Callable[[], str] = lambda: "elsewhere") -> None:
        """Watch *journal*, and *worker*, which says ``ok``, ``elsewhere``, or what is the matter."""
        self._journal = journal
        self._worker = worker
        self._draining = False
        self._checking = asyncio.Lock()
        self._checked_at = float("-inf")
        self._writable = False

    def drain(self) -> None:
        """Say from now on that requests should go elsewhere; they are answered all the same."""
        self._draining = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 200, or 503 where requests should go elsewhere."""
        response = await self._answer(scope["path"], scope["method"])
        await response(scope, receive, with_headers(send))

    async def _answer(self, path: str, method: str) -> Response:
        if method not in {"GET", "HEAD"}:
            return Response(status_code=405, headers={"Allow": "GET, HEAD"})
        if path == "/livez":
            return _json(200, {"status": "alive"})
        writable = await self._is_writable()
        if path == "/health":
            body = {
                "status": "healthy" if writable else "unhealthy",
                "service": "webhook-gateway",
                "store": "writable" if writable else "unavailable",
            }
            return _json(200 if writable else 503, body)
        checks = {
            "store": "ok" if writable else "unavailable",
            "worker": self._worker(),
            "stop": "begun" if self._draining else "ok",
        }
        ready = GOOD.issuperset(checks.values())
        return _json(200 if ready else 503, {"status": "ready" if ready else "not ready", "checks": checks})

    async def _is_writable(self) -> bool:
        """Ask the store, at most once in ``KEPT_SECONDS`` however many ask us."""
        async with self._checking:
            if time.monotonic() - self._checked_at > KEPT_SECONDS:
                self._writable = await self._asked()
                self._checked_at = time.monotonic()
            return self._writable

    async def _asked(self) -> bool:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await self._journal.check()
        except (StorageUnavailable, TimeoutError):
            return False
        return True


def _json(status: int, body: Mapping[str, object]) -> Response:
    headers = {} if status == 200 else {"Retry-After": "5"}
    return Response(json.dumps(body), status_code=status, headers=headers, media_type="application/json")
