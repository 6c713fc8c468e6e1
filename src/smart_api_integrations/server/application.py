"""The one ASGI application: the ways in, health, the API, the dashboard. Floor 9.

The ways in come first and pass through nothing: no middleware, no router but a set of paths.
"""

from __future__ import annotations

import json
import time

from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from smart_api_integrations.api import create_api
from smart_api_integrations.api.application import RESOURCES
from smart_api_integrations.api.documentation import READERS, is_documentation
from smart_api_integrations.application.parts import load_tracing
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.dashboard import PATHS, create_dashboard
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.server import metrics_page
from smart_api_integrations.server.doorkeeper import Doorkeeper, Gatekeeper
from smart_api_integrations.server.health import Health
from smart_api_integrations.server.metrics_page import MetricsPage
from smart_api_integrations.server.security import (
    AccessRules,
    SecurityShell,
    inner_path,
    is_api,
    with_headers,
)
from smart_api_integrations.settings import Settings
from smart_api_integrations.watch import activity_log

WAYS_IN = "/webhooks/"
_API = "/api"
_DESCRIPTION = "/openapi.json"
_RESERVED = frozenset({_API, _DESCRIPTION, *READERS, *Health.paths, metrics_page.PATH, *PATHS})


class Application:
    """Sends every request where it belongs."""

    def __init__(self, platform: Platform, *, ingest: ASGIApp, pages: ASGIApp, metrics: ASGIApp) -> None:
        """Send the ways in of *platform* to *ingest*, and everything else but health to *pages*."""
        self._ingest = ingest
        self._metrics = metrics
        self._pages = pages
        self._health = Health(platform.journal, worker=platform.worker_state)
        self._ways_in = own_paths(platform)

    def drain(self) -> None:
        """Say at ``/readyz`` that requests should go elsewhere."""
        self._health.drain()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        path: str = scope["path"]
        if path.startswith(WAYS_IN) or path.rstrip("/") in self._ways_in:
            await self._ingest(scope, receive, send)
        elif path in Health.paths:
            await self._health(scope, receive, send)
        elif path == metrics_page.PATH:
            await self._metrics(scope, receive, send)
        else:
            await self._pages(scope, receive, send)


class Pages:
    """The API and the dashboard, behind the security shell."""

    def __init__(self, api: ASGIApp, dashboard: ASGIApp) -> None:
        """Take both."""
        self._api = api
        self._dashboard = dashboard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send ``/api`` and its description to the API, everything else to the dashboard."""
        path = inner_path(scope)
        await (self._api if is_api(path) or is_documentation(path) else self._dashboard)(scope, receive, send)


class NotHere:
    """Answers what another process is for."""

    def __init__(self, role: str) -> None:
        """Stand where a process with *role* has something."""
        problem = {
            "type": "about:blank",
            "title": "Not Found",
            "status": 404,
            "code": "role_elsewhere",
            "detail": f"This process has not the role {role}.",
            "hint": "Ask a process that was started with it in WEBHOOKS_ROLES.",
        }
        self._body = json.dumps(problem)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 404."""
        response = Response(self._body, status_code=404, media_type="application/problem+json")
        await response(scope, receive, with_headers(send))


def create_app(platform: Platform, *, ingest: ASGIApp) -> Application:
    """Return the ASGI application over *platform*; *ingest* takes the ways in, raw.

    What belongs to a role that this process has not is answered with 404. From now on what happens is
    counted, and logged and traced where the settings say so. The platform is opened and
    closed by the caller.

    Raises:
        ConfigurationError: A provider's own path is one that the API or the dashboard has.
    """
    roles = platform.settings.roles
    activity_log.follow(platform.telemetry)
    if platform.settings.tracing:
        load_tracing().follow(platform.telemetry)
    pages: ASGIApp = NotHere("api")
    if "api" in roles:
        pages = create_pages(platform)
    return Application(
        platform,
        ingest=ingest if "gateway" in roles else NotHere("gateway"),
        pages=pages,
        metrics=guarded(MetricsPage(platform), platform),
    )


def create_pages(platform: Platform, gatekeeper: Gatekeeper | None = None) -> ASGIApp:
    """Return the API and the dashboard over *platform*; *gatekeeper*, else its own keys, say who asks."""
    return guarded(Pages(create_api(platform), create_dashboard(platform)), platform, gatekeeper)


def guarded(app: ASGIApp, platform: Platform, gatekeeper: Gatekeeper | None = None) -> ASGIApp:
    """Return *app* behind the security shell; *gatekeeper*, else the platform's own keys, say who asks."""
    settings = platform.settings
    keeper = gatekeeper or Doorkeeper(
        platform.access, per_minute=settings.api_per_minute, clock=time.monotonic
    )
    return SecurityShell(app, access_rules(settings), keeper)


def access_rules(settings: Settings) -> AccessRules:
    """Return from where the API and the dashboard may be used."""
    return AccessRules(
        is_loopback=settings.is_loopback,
        public_url=settings.public_url,
        max_body_bytes=settings.max_body_bytes,
        https_from=settings.trusted_proxies if settings.require_https else None,
        trusted_proxies=settings.trusted_proxies,
        allowed_hosts=frozenset(host.lower() for host in settings.allowed_hosts),
    )


def own_paths(platform: Platform) -> frozenset[str]:
    """Return the paths that the providers' YAML names, without a trailing slash.

    Raises:
        ConfigurationError: One of them is taken.
    """
    taken = _RESERVED | _api_paths(platform)
    for path, (provider, name) in platform.paths.items():
        first = "/" + path.strip("/").partition("/")[0]
        if path.rstrip("/") in taken or first in _RESERVED - {_API}:
            message = (
                f"providers/{provider}/webhook.yaml, webhook {name}: its path {path!r} is taken by the "
                f"server itself. Choose one under {WAYS_IN}, or any other free one."
            )
            raise ConfigurationError(message)
    return frozenset(path.rstrip("/") for path in platform.paths)


def _api_paths(platform: Platform) -> frozenset[str]:
    """Return the paths of the API's routes, as they are written there: those with an id have braces.

    So the first guide's ``/api/webhooks/myapi/`` is free: no id is spelt like that.
    """
    routers = (resource.create_router(platform) for resource in RESOURCES)
    return frozenset(
        f"{_API}{route.path}" for router in routers for route in router.routes if isinstance(route, Route)
    )


async def _live(receive: Receive, send: Send) -> None:
    """Follow the lifespan protocol; the platform lives outside of it."""
    for word in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{word}.complete"})
