"""``/api/sources``: the ways in, mounted and not. Floor 8."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from smart_api_integrations.application.platform import Platform


def create_router(platform: Platform) -> APIRouter:
    """Return the route over the inbound webhooks of *platform*."""
    router = APIRouter(prefix="/sources", tags=["received"])

    @router.get("")
    async def list_sources() -> list[dict[str, Any]]:
        """List every inbound webhook; ``missing`` names the variable that one waits for.

        ``by_handshake`` says that a handshake may bring its secret: see its captured keys.
        """
        brought = platform.brought_keys.sources
        mounted = [
            {
                "provider": webhook.provider,
                "name": webhook.name,
                "path": webhook.path,
                "documentation": webhook.documentation,
                "mounted": True,
                "missing": None,
                "by_handshake": (webhook.provider, webhook.name) in brought,
            }
            for webhook in platform.webhooks.values()
        ]
        unmounted = [
            {
                "provider": provider,
                "name": name,
                "path": None,
                "documentation": None,
                "mounted": False,
                "missing": variable,
                "by_handshake": (provider, name) in brought,
            }
            for (provider, name), variable in platform.unmounted.items()
        ]
        return sorted(mounted, key=_order) + sorted(unmounted, key=_order)

    return router


def _order(source: dict[str, Any]) -> tuple[str, str]:
    return source["provider"], source["name"]
