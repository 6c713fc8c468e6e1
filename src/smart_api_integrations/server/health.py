"""``/livez``, ``/readyz`` and ``/health``: for whoever watches the process. Floor 9.

They are open to everybody and answer under any host name, so they tell nothing but states.
"""

from __future__ import annotations

import asyncio
import json
from typing import Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.server.security import with_headers

CHECK_SECONDS = 5.0


class Checked(Protocol):
    """A store that says whether it can be written to: ``storage.protocols.Journal``."""

    async def check(self) -> None:
        """Return if it can be written to now; raise ``StorageUnavailable`` if not."""


class Health:
    """An ASGI application that answers the three."""

    paths = frozenset({"/livez", "/readyz", "/health"})

    def __init__(self, journal: Checked) -> None:
        """Watch *journal*."""
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 200, or 503 where the store cannot be written to; ``/livez`` asks nothing."""
        response = await self._answer(scope["path"], scope["method"])
        await response(scope, receive, with_headers(send))

    async def _answer(self, path: str, method: str) -> Response:
        if method not in {"GET", "HEAD"}:
            return Response(status_code=405, headers={"Allow": "GET, HEAD"})
        if path == "/livez":
            return _json(200, {"status": "alive"})
        writable = await self._is_writable()
        body = {
            "status": "healthy" if writable else "unhealthy",
            "service": "webhook-gateway",
            "store": "writable" if writable else "unavailable",
        }
        return _json(200 if writable else 503, body)

    async def _is_writable(self) -> bool:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await self._journal.check()
        except (StorageUnavailable, TimeoutError):
            return False
        return True


def _json(status: int, body: dict[str, str]) -> Response:
    headers = {} if status == 200 else {"Retry-After": "5"}
    return Response(json.dumps(body), status_code=status, headers=headers, media_type="application/json")
