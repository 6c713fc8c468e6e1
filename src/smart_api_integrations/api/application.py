"""The FastAPI application behind ``/api``: every resource's routes and the problems. Floor 8.

It is mounted whole by the server, which puts authentication and the security headers before it.
"""

from __future__ import annotations

from fastapi import Depends, FastAPI

from smart_api_integrations import __version__
from smart_api_integrations.api import (
    alerts,
    audit,
    captured_keys,
    dead_letters,
    deliveries,
    event_types,
    events,
    finding,
    forward_rules,
    handlings,
    keys,
    messages,
    preview,
    providers,
    received,
    received_stats,
    rejections,
    replays,
    sources,
    stats,
    webhook_test,
    webhooks,
)
from smart_api_integrations.api.description import install_description
from smart_api_integrations.api.documentation import documentation_routes
from smart_api_integrations.api.permissions import require_scope
from smart_api_integrations.api.problems import install_problems
from smart_api_integrations.application.audit_trail import AuditTrail
from smart_api_integrations.application.platform import Platform

RESOURCES = (
    alerts,
    received_stats,
    received,
    rejections,
    sources,
    captured_keys,
    events,
    webhook_test,
    webhooks,
    event_types,
    forward_rules,
    preview,
    messages,
    deliveries,
    handlings,
    providers,
    finding,
    dead_letters,
    replays,
    stats,
    keys,
    audit,
)


TAGS = (
    {"name": "received", "description": "The webhooks that came in, and what was refused."},
    {"name": "sending", "description": "Endpoints, what is sent to them, and sending an event."},
    {"name": "dead letters", "description": "Work whose schedule is spent, and doing it again."},
    {"name": "access", "description": "API keys, and the log of what was done with them."},
    {"name": "replays", "description": "Jobs that do finished or dead work again, over a filter."},
    {"name": "alerts", "description": "What was alarming, and the channels that tell of it."},
    {"name": "statistics", "description": "Counts of the last 24 hours."},
)
_SUMMARY = "Receive, keep, handle and send webhooks."


def create_api(platform: Platform) -> FastAPI:
    """Return the API over *platform*: ``/api``, its description, and the pages that show it."""
    app = FastAPI(
        dependencies=[Depends(require_scope)],
        title="smart-api-integrations",
        summary=_SUMMARY,
        version=__version__,
        docs_url=None,  # FastAPI's own pages load their scripts from elsewhere
        redoc_url=None,
        openapi_url="/openapi.json",
        openapi_tags=[dict(tag) for tag in TAGS],
        generate_unique_id_function=lambda route: route.name,
    )
    for resource in RESOURCES:
        app.include_router(resource.create_router(platform), prefix="/api")
    app.router.routes.extend(documentation_routes())
    app.add_middleware(AuditTrail, access=platform.access)
    install_problems(app)
    install_description(app)
    return app
