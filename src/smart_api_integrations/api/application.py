"""The FastAPI application behind ``/api``: every resource's routes and the problems. Floor 8.

It is mounted whole by the server, which puts authentication and the security headers before it.
"""

from __future__ import annotations

from fastapi import FastAPI

from smart_api_integrations.api import (
    dead_letters,
    deliveries,
    events,
    received,
    rejections,
    sources,
    stats,
    webhook_test,
    webhooks,
)
from smart_api_integrations.api.problems import install_problems
from smart_api_integrations.application.platform import Platform

RESOURCES = (received, rejections, sources, events, webhook_test, webhooks, deliveries, dead_letters, stats)


def create_api(platform: Platform) -> FastAPI:
    """Return the API over *platform*, with its paths under ``/api`` and ``/openapi.json``.

    There is no page of documentation: FastAPI's own loads scripts from elsewhere.
    """
    app = FastAPI(title="smart-api-integrations", docs_url=None, redoc_url=None, openapi_url="/openapi.json")
    for resource in RESOURCES:
        app.include_router(resource.create_router(platform), prefix="/api")
    install_problems(app)
    return app
