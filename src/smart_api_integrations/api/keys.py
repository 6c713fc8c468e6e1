"""``/api/keys``: API keys, each told once. Floor 8."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from smart_api_integrations.api import representations
from smart_api_integrations.api.paging import Before, Limit, link_next
from smart_api_integrations.api.permissions import principal_of
from smart_api_integrations.application.access import MadeKey, NewKey
from smart_api_integrations.application.audit_trail import note
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.access import DEFAULT_OVERLAP, Role, Scope
from smart_api_integrations.errors import NotFound

Days = Annotated[float, Field(gt=0, le=3650)]


class KeyRequest(BaseModel):
    """A new API key: with a role, or with scopes of its own."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "ci", "role": "viewer"}]}
    )

    name: Annotated[str, Field(min_length=1, max_length=100)]
    role: Role | None = None
    scopes: Annotated[list[Scope], Field(max_length=len(Scope), description="Instead of a role.")] = []
    expires_in_days: Days | None = Field(None, description="Until it ends by itself; never where absent.")


class Rotation(BaseModel):
    """How a key is replaced."""

    model_config = ConfigDict(extra="forbid")

    overlap_hours: Annotated[float, Field(ge=0, le=720, description="How long both keys work.")] = 24


def create_router(platform: Platform) -> APIRouter:
    """Return the routes over the API keys of *platform*."""
    router = APIRouter(prefix="/keys", tags=["access"])
    access = platform.access

    @router.get("")
    async def list_keys(
        request: Request, response: Response, *, before: Before = None, limit: Limit = 50
    ) -> list[dict[str, Any]]:
        """List API keys, newest first, those that are over too. Keys of the settings are not among them."""
        page = await access.store.keys(limit=limit, before=before)
        link_next(request, response, ids=[key.id for key in page], limit=limit)
        return [representations.api_key(key, now=platform.journal.now()) for key in page]

    @router.post("", status_code=201)
    async def create_key(asked: KeyRequest, request: Request, response: Response) -> dict[str, Any]:
        """Make an API key. The key itself is in this answer and in no later one."""
        lifetime = None if asked.expires_in_days is None else timedelta(days=asked.expires_in_days)
        new = NewKey(name=asked.name, role=asked.role, scopes=asked.scopes, lifetime=lifetime)
        made = await access.create_key(new, by=principal_of(request))
        return _told(platform, request, response, made)

    @router.get("/{key_id}")
    async def get_key(key_id: str) -> dict[str, Any]:
        """Return one API key, without the key itself."""
        key = await access.store.key(key_id)
        if key is None:
            message = "No API key has this id."
            raise NotFound(message)
        return representations.api_key(key, now=platform.journal.now())

    @router.post("/{key_id}/rotate", status_code=201)
    async def rotate_key(
        key_id: str, request: Request, response: Response, rotation: Rotation | None = None
    ) -> dict[str, Any]:
        """Make a key like this one, which goes on for the overlap and then ends."""
        overlap = DEFAULT_OVERLAP if rotation is None else timedelta(hours=rotation.overlap_hours)
        made = await access.rotate_key(key_id, overlap=overlap, by=principal_of(request))
        note(request.scope, replaced=key_id)
        return _told(platform, request, response, made)

    @router.delete("/{key_id}", status_code=204)
    async def revoke_key(key_id: str) -> None:
        """End an API key and its sessions at once; it stays in the list."""
        await access.revoke_key(key_id)

    return router


def _told(platform: Platform, request: Request, response: Response, made: MadeKey) -> dict[str, Any]:
    response.headers["Location"] = f"{request.scope.get('root_path', '')}/api/keys/{made.key.id}"
    note(request.scope, target=made.key.id, name=made.key.name, scopes=sorted(made.key.scopes))
    return representations.api_key(made.key, now=platform.journal.now()) | {"key": made.value}
