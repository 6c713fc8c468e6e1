"""The dashboard as one Starlette application. Floor 8.

It checks no credentials: whoever mounts it puts that before it, and says who asks in
``request.state.principal``. What they may do is decided here, by ``permissions``.
"""

from __future__ import annotations

import logging

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from smart_api_integrations.application.audit_trail import AuditTrail
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.dashboard.desk import Desk
from smart_api_integrations.dashboard.first_mark import FirstMark
from smart_api_integrations.dashboard.pages import (
    again,
    alerts,
    dead_letters,
    endpoint_changes,
    endpoints,
    event,
    events,
    gates,
    handlers,
    issues,
    live,
    login,
    messages,
    overview,
    playground,
    rejections,
    replays,
    search,
    settings,
    sources,
    tail,
)
from smart_api_integrations.dashboard.permissions import Permissions
from smart_api_integrations.dashboard.rendering import PACKAGE, VERSION_MARK, Renderer
from smart_api_integrations.errors import InvalidInput, NotFound, NotKnown, StorageUnavailable

logger = logging.getLogger(__name__)

PAGES = (
    alerts,
    overview,
    events,
    event,
    again,
    issues,
    live,
    tail,
    rejections,
    messages,
    endpoints,
    endpoint_changes,
    dead_letters,
    replays,
    sources,
    handlers,
    gates,
    playground,
    settings,
    search,
    login,
)
PATHS = frozenset(
    {
        "/alerts",
        "/dead-letters",
        "/deliveries",
        "/endpoints",
        "/events",
        "/gates",
        "/handlers",
        "/handlings",
        "/issues",
        "/live",
        "/login",
        "/logout",
        "/messages",
        "/playground",
        "/rejections",
        "/replays",
        "/search",
        "/settings",
        "/sources",
        "/static",
    }
)
"""The first part of every path that the dashboard answers."""

KEPT = "public, max-age=31536000, immutable"
_STORES = {"sqlite": "SQLite, synced on every commit", "postgresql": "PostgreSQL"}


class CachedFiles(StaticFiles):
    """The style sheets and scripts: those whose address names a version may be kept for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file; of a folder that only names the version, the file itself."""
        folder, _, name = path.partition("/")
        is_versioned = folder.startswith(VERSION_MARK)
        response = await super().get_response(name if is_versioned else path, scope)
        response.headers["Cache-Control"] = KEPT if is_versioned else "no-cache"
        return response


def create_dashboard(platform: Platform) -> Starlette:
    """Return the dashboard over *platform*, to be mounted at ``/`` or under any prefix."""
    engine = platform.settings.database_url.partition(":")[0].partition("+")[0]
    desk = Desk(platform, Renderer(_STORES.get(engine, engine)))
    routes: list[BaseRoute] = [route for page in PAGES for route in page.create_routes(desk)]
    routes.append(Mount("/static", CachedFiles(packages=[(PACKAGE, "static")]), name="static"))
    faults = FaultPages(desk)
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(AuditTrail, access=platform.access, named_by_path=True),
            Middleware(Permissions, refuse=faults.not_allowed),
            Middleware(FirstMark, journal=platform.journal),
        ],
        exception_handlers={
            HTTPException: faults.http,
            NotFound: faults.not_found,
            InvalidInput: faults.invalid,
            StorageUnavailable: faults.unavailable,
            Exception: faults.unexpected,
        },
    )


class FaultPages:
    """The pages of what went wrong: what, why, what to do."""

    def __init__(self, desk: Desk) -> None:
        """Render with *desk*, without asking the store."""
        self._desk = desk

    async def http(self, request: Request, error: Exception) -> Response:
        """Answer an unknown address, or a method that it does not take."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        if status == 404:
            return await self.not_found(request, NotFound("There is no page at this address."))
        return self._page(
            request, status, "This cannot be done here", "The address does not take this kind of request."
        )

    async def not_found(self, request: Request, error: Exception) -> Response:
        """Answer an id that is unknown."""
        hint = "It may be misspelled, or be past its retention. The search above takes any id."
        return self._page(request, 404, "Nothing is here", f"{error} {hint}")

    async def not_allowed(self, request: Request, error: Exception) -> Response:
        """Answer who may not do what they asked for."""
        if isinstance(error, NotKnown):
            return self._page(request, 401, "Who is asking?", str(error))
        hint = "Sign out, and in again with a key that has it; the server's `webhooks keys create` makes one."
        return self._page(request, 403, "Your key does not allow this", f"{error} {hint}")

    async def invalid(self, request: Request, error: Exception) -> Response:
        """Answer what was asked for and cannot be done."""
        return self._page(request, 422, "This could not be done", f"{error} Nothing was changed.")

    async def unavailable(self, request: Request, _error: Exception) -> Response:
        """Answer while the store is away."""
        text = (
            "The database does not answer. Nothing that was accepted is lost: providers are told to send "
            "again until it is back. Look at the server's log, and at the database."
        )
        response = self._page(request, 503, "The journal cannot be reached", text)
        response.headers["Retry-After"] = "5"
        return response

    async def unexpected(self, request: Request, _error: Exception) -> Response:
        """Answer a fault of ours; the server logs it."""
        return self._page(
            request, 500, "This page failed", "The server's log has the reason. Receiving goes on."
        )

    def _page(self, request: Request, status: int, title: str, text: str) -> Response:
        return self._desk.plain_page(
            request, "fault.html", status=status, title=title, text=text, code=status
        )
