"""``/api/replays``: doing finished or dead work again over a filter, as a job. Floor 8."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from smart_api_integrations.api import replay_shapes, representations
from smart_api_integrations.api.paging import Before, Limit, link_next
from smart_api_integrations.api.permissions import principal_of
from smart_api_integrations.application.audit_trail import note
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.core.replay import DEFAULT_RATE, LONGEST_NOTE, Mode, ReplayFilter


class NewReplay(BaseModel):
    """What to do again."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind = Field(description="Handlings of received events, or deliveries of messages.")
    mode: Mode = Field(
        Mode.FAILED,
        description="Dead letters, what was never made (its target came later), or all that is over.",
    )
    event_type: str | None = Field(None, description="A pattern.", examples=["order.*"])
    provider: str | None = Field(None, description="Whose events; of handlings only.")
    target: str | None = Field(
        None,
        description="An endpoint's id, a handler's name, or a source: `provider:name`.",
    )
    status: list[State] = Field(default_factory=list, description="Which ends, with the mode `all`.")
    tenant: str | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = Field(None, description="Now where it is left out; never later.")
    rate: float | None = Field(
        None, description=f"How much a second; {DEFAULT_RATE:.0f} where it is left out."
    )
    note: str = Field("", max_length=LONGEST_NOTE, description="Why.")
    dry_run: bool = Field(default=False, description="Count what it would do, and do nothing.")

    def filter(self) -> ReplayFilter:
        """Return the filter that the fields say."""
        return ReplayFilter(
            kind=self.kind,
            mode=self.mode,
            tenant=self.tenant,
            event_type=self.event_type,
            provider=self.provider,
            target=self.target,
            states=tuple(self.status),
            since=self.since,
            until=self.until,
        )


def create_router(platform: Platform) -> APIRouter:
    """Return the routes over the replay jobs of *platform*."""
    router = APIRouter(prefix="/replays", tags=["replays"])
    replays = platform.replays

    @router.post("", status_code=201)
    async def create_replay(new: NewReplay, request: Request, response: Response) -> dict[str, Any]:
        """Start a job, and return it with how much it is; with `dry_run` only count (200).

        It begins at once, runs at its rate wherever a worker runs, and keeps its place through restarts.
        """
        asked = new.filter()
        if new.dry_run:
            response.status_code = 200
            return replay_shapes.preview(asked, await replays.preview(asked))
        who = principal_of(request)
        job = await replays.start(asked, rate=new.rate, note=new.note, by=who.name)
        note(request.scope, target=job.id, kind=job.filter.kind, mode=job.filter.mode, total=job.total)
        response.headers["Location"] = f"{request.url.path.rstrip('/')}/{job.id}"
        return replay_shapes.replay(job)

    @router.get("")
    async def list_replays(
        request: Request, response: Response, *, before: Before = None, limit: Limit = 50
    ) -> list[dict[str, Any]]:
        """List jobs, newest first."""
        page = await replays.jobs(limit=limit, before=before)
        link_next(request, response, ids=[job.id for job in page], limit=limit)
        return [replay_shapes.replay(job) for job in page]

    @router.get("/{replay_id}")
    async def get_replay(replay_id: str) -> dict[str, Any]:
        """Return one job, and where the work stands that it made due: of the newest 10,000 pieces."""
        return replay_shapes.replay_with_outcomes(*await replays.get(replay_id))

    @router.get("/{replay_id}/items")
    async def list_replay_items(
        replay_id: str,
        request: Request,
        response: Response,
        *,
        status: Annotated[State | None, Query(description="Only work in this state.")] = None,
        before: Before = None,
        limit: Limit = 50,
    ) -> list[dict[str, Any]]:
        """List the work that a job made due, newest first."""
        await replays.get(replay_id)
        page = await platform.journal.replays.items(replay_id, limit=limit, before=before, state=status)
        link_next(request, response, ids=[part.id for part in page], limit=limit)
        return [representations.work(part) for part in page]

    _add_moves(router, platform)
    return router


def _add_moves(router: APIRouter, platform: Platform) -> None:
    """Add the routes that pause, resume and cancel a job."""
    replays = platform.replays

    @router.post("/{replay_id}/pause")
    async def pause_replay(replay_id: str) -> dict[str, Any]:
        """Make nothing more due; what is due goes its way."""
        return replay_shapes.replay(await replays.pause(replay_id))

    @router.post("/{replay_id}/resume")
    async def resume_replay(replay_id: str) -> dict[str, Any]:
        """Go on where the job was."""
        return replay_shapes.replay(await replays.resume(replay_id))

    @router.post("/{replay_id}/cancel")
    async def cancel_replay(replay_id: str) -> dict[str, Any]:
        """End the job where it is. What it made due stays due; a cancelled job cannot go on."""
        return replay_shapes.replay(await replays.cancel(replay_id))
