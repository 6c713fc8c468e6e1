"""``/settings``: what this process runs with, the keys that open it, and what was done with them. Floor 8."""

from __future__ import annotations

import os
import platform as python
from datetime import timedelta
from importlib.metadata import version

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.application.access import NewKey
from smart_api_integrations.application.configuration import sources_of
from smart_api_integrations.core.access import LOCAL, SCOPES, AuditFilter, Role
from smart_api_integrations.dashboard.desk import PAGE_LENGTH, Desk, asked, read_form
from smart_api_integrations.dashboard.permissions import principal_of
from smart_api_integrations.dashboard.views.settings import audit_row, key_row, setting_rows
from smart_api_integrations.errors import InvalidInput

LIVES = {"": "until it is revoked", "30": "30 days", "90": "90 days", "365": "a year"}
MOST_KEYS = 100


def create_routes(desk: Desk) -> list[Route]:
    """Return the routes of the settings, the keys and the audit log."""

    async def settings(request: Request) -> Response:
        rows = setting_rows(desk.platform.settings, sources_of(desk.platform.settings, os.environ))
        about = {
            "Version": version("smart-api-integrations"),
            "Python": python.python_version(),
            "Process": str(os.getpid()),
            "Roles": ", ".join(desk.platform.settings.roles),
            "Sources": f"{len(desk.platform.webhooks)} set up of {len(desk.platform.sources)} known",
            "Handlers": str(len(desk.platform.handlers)),
        }
        return await desk.page(request, "settings.html", rows=rows, about=about)

    async def keys(request: Request) -> Response:
        return await _keys(desk, request)

    async def add(request: Request) -> Response:
        return await _add_key(desk, request)

    async def revoke(request: Request) -> Response:
        await desk.platform.access.revoke_key(request.path_params["key_id"])
        return desk.go(request, "/settings/keys")

    async def rotate(request: Request) -> Response:
        made = await desk.platform.access.rotate_key(
            request.path_params["key_id"], by=principal_of(request) or LOCAL
        )
        return await _keys(desk, request, made=made.value, name=made.key.name, status=201)

    async def audit(request: Request) -> Response:
        return await _audit(desk, request)

    return [
        Route("/settings", settings),
        Route("/settings/keys", keys, methods=["GET"]),
        Route("/settings/keys", add, methods=["POST"]),
        Route("/settings/keys/{key_id}/revoke", revoke, methods=["POST"]),
        Route("/settings/keys/{key_id}/rotate", rotate, methods=["POST"]),
        Route("/settings/audit", audit),
    ]


async def _keys(
    desk: Desk, request: Request, *, made: str = "", name: str = "", fault: str = "", status: int = 200
) -> Response:
    found = await desk.journal.access.keys(limit=MOST_KEYS)
    now = desk.journal.now()
    return await desk.page(
        request,
        "settings_keys.html",
        rows=[key_row(key, now=now) for key in found],
        roles=[role.value for role in Role],
        scopes={scope.value: said for scope, said in SCOPES.items()},
        lives=LIVES,
        settings_keys=len(desk.platform.settings.api_keys),
        made=made,
        name=name,
        fault=fault,
        status=status,
    )


async def _add_key(desk: Desk, request: Request) -> Response:
    form = await read_form(request)
    days = form.get("days", "")
    lifetime = timedelta(days=int(days)) if days in LIVES and days else None
    new = NewKey(name=form.get("name", ""), role=form.get("role") or None, lifetime=lifetime)
    try:
        made = await desk.platform.access.create_key(new, by=principal_of(request) or LOCAL)
    except InvalidInput as error:
        return await _keys(desk, request, fault=str(error), status=422)
    return await _keys(desk, request, made=made.value, name=made.key.name, status=201)


async def _audit(desk: Desk, request: Request) -> Response:
    before, target = asked(request, "before"), asked(request, "target").strip()
    found = await desk.journal.access.audit(
        AuditFilter(target=target or None), limit=PAGE_LENGTH + 1, before=before or None
    )
    now = desk.journal.now()
    return await desk.page(
        request,
        "settings_audit.html",
        rows=[audit_row(entry, now=now) for entry in found[:PAGE_LENGTH]],
        target=target,
        older=found[PAGE_LENGTH - 1].id if len(found) > PAGE_LENGTH else "",
        is_first=not before,
    )
