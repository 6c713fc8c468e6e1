"""``/api/audit``: who did what, and when. Floor 8."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from smart_api_integrations.api import representations
from smart_api_integrations.api.paging import LONGEST_ID, Before, Limit, link_next
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.access import AuditFilter

Word = Annotated[str | None, Field(max_length=LONGEST_ID)]


class AuditQuery(BaseModel):
    """Which lines are asked for."""

    actor_id: Word = Field(None, description="`key_…`, `settings:…`, `command` or `local`.")
    action: Word = Field(None, description="An operation's id, or `view_payload`, `sign_in`, `sign_out`.")
    target: Word = Field(None, description="The id of what it was done to.")
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


def create_router(platform: Platform) -> APIRouter:
    """Return the route over the audit log of *platform*."""
    router = APIRouter(prefix="/audit", tags=["access"])

    @router.get("")
    async def list_audit(
        request: Request,
        response: Response,
        *,
        query: Annotated[AuditQuery, Query()],
        before: Before = None,
        limit: Limit = 50,
    ) -> list[dict[str, Any]]:
        """List changes and looks at payloads, newest first."""
        asked = AuditFilter(**query.model_dump())
        page = await platform.access.store.audit(asked, limit=limit, before=before)
        link_next(request, response, ids=[entry.id for entry in page], limit=limit)
        return [representations.audit_entry(entry) for entry in page]

    return router
