"""``/api/providers`` and ``/api/handlers``: what is known, and what runs on it. Floor 8."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter

from smart_api_integrations.api import representations
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.errors import NotFound


def create_router(platform: Platform) -> APIRouter:
    """Return the routes over the providers and the handlers of *platform*."""
    router = APIRouter(tags=["received"])

    @router.get("/providers")
    async def list_providers() -> list[dict[str, Any]]:
        """List every known provider by name, and which of its webhooks are mounted."""
        return _providers(platform)

    @router.get("/providers/{provider}")
    async def get_provider(provider: str) -> dict[str, Any]:
        """Return one provider."""
        found = next((entry for entry in _providers(platform) if entry["provider"] == provider), None)
        if found is None:
            message = "No provider has this name."
            raise NotFound(message)
        return found

    @router.get("/handlers")
    async def list_handlers() -> list[dict[str, Any]]:
        """List the handlers that this process has registered, with what waits for each."""
        gates, now = platform.journal.gates, platform.journal.now()
        registered = platform.registered_handlers
        held = await asyncio.gather(*(gates.gate(handler.name) for handler in registered))
        waiting = await asyncio.gather(*(gates.waiting(handler.name) for handler in registered))
        return [
            representations.handler(handler) | representations.gate(gate, waiting=count, now=now)
            for handler, gate, count in zip(registered, held, waiting, strict=True)
        ]

    return router


def _providers(platform: Platform) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for provider, name in sorted({*platform.webhooks, *platform.unmounted}):
        entry = found.setdefault(provider, {"provider": provider, "documentation": None, "webhooks": []})
        webhook = platform.webhooks.get((provider, name))
        entry["documentation"] = entry["documentation"] or (webhook and webhook.documentation)
        entry["webhooks"].append(
            {
                "name": name,
                "mounted": webhook is not None,
                "missing": platform.unmounted.get((provider, name)),
            }
        )
    return list(found.values())
