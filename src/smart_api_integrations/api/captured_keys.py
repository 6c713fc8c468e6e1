"""``/api/sources/{provider}/{name}/captured-keys``: letting a handshake bring a secret. Floor 8."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from smart_api_integrations.api.representations import time
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.captured_key import CapturedKey

_USUAL_MINUTES = 60
_MOST_MINUTES = 24 * 60


def create_router(platform: Platform) -> APIRouter:
    """Return the routes over the captured keys of *platform*."""
    router = APIRouter(prefix="/sources/{provider}/{name}/captured-keys", tags=["received"])

    @router.post("", status_code=201)
    async def await_captured_key(
        provider: str,
        name: str,
        minutes: Annotated[int, Query(ge=1, le=_MOST_MINUTES)] = _USUAL_MINUTES,
    ) -> dict[str, Any]:
        """Let the next handshake bring this webhook's secret, once, within so many minutes."""
        key = await platform.brought_keys.wait_for(provider, name, wait=timedelta(minutes=minutes))
        return captured_key_document(key)

    @router.get("")
    async def list_captured_keys(provider: str, name: str) -> list[dict[str, Any]]:
        """List what is awaited and what came, newest first; never the secrets."""
        found = await platform.brought_keys.keys()
        return captured_key_documents(found.get((provider, name), ()))

    @router.delete("")
    async def forget_captured_keys(provider: str, name: str) -> dict[str, int]:
        """Remove what came and what is awaited: requests signed with it verify no more."""
        return {"forgotten": await platform.brought_keys.forget(provider, name)}

    return router


def captured_key_documents(keys: Sequence[CapturedKey]) -> list[dict[str, Any]]:
    """Return several keys as the API shows them."""
    return [captured_key_document(key) for key in keys]


def captured_key_document(key: CapturedKey) -> dict[str, Any]:
    """Return a key as the API shows it: everything but its secret."""
    return {
        "id": key.id,
        "provider": key.provider,
        "name": key.webhook_name,
        "variable": key.variable,
        "awaited_until": time(key.awaited_until),
        "captured_at": time(key.captured_at),
        "remote_address": key.remote_address,
    }
