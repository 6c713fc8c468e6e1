"""``/replays``: jobs that do finished or dead work again; making one, and stopping it. Floor 8."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.application.audit_trail import note
from smart_api_integrations.core.access import Principal
from smart_api_integrations.core.durations import moment_or_age
from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.core.replay import DEFAULT_RATE, OVER, Mode, Replay, ReplayFilter
from smart_api_integrations.dashboard.desk import Desk, asked, read_form
from smart_api_integrations.dashboard.views.lists import work_row
from smart_api_integrations.dashboard.views.replays import (
    KINDS,
    MODES,
    JobView,
    PreviewView,
    job_view,
    preview_view,
)
from smart_api_integrations.errors import InvalidInput

LENGTH = 20
FIELDS = ("kind", "mode", "type", "target", "provider", "since", "until")


def create_routes(desk: Desk) -> list[Route]:
    """Return the routes of the list, of one job, and of the buttons on both."""

    async def replays(request: Request) -> Response:
        form = {name: asked(request, name) for name in FIELDS}
        return await _list(desk, request, form)

    async def start(request: Request) -> Response:
        return await _start(desk, request)

    async def replay(request: Request) -> Response:
        return await _one(desk, request)

    moves = {
        "pause": desk.platform.replays.pause,
        "resume": desk.platform.replays.resume,
        "cancel": desk.platform.replays.cancel,
    }

    async def move(request: Request) -> Response:
        replay_id = request.path_params["replay_id"]
        await moves[request.url.path.rpartition("/")[2]](replay_id)
        return desk.go(request, f"/replays/{replay_id}")

    return [
        Route("/replays", replays, methods=["GET"]),
        Route("/replays", start, methods=["POST"]),
        Route("/replays/{replay_id}", replay),
        *(Route(f"/replays/{{replay_id}}/{verb}", move, methods=["POST"]) for verb in moves),
    ]


def _filter(desk: Desk, form: Mapping[str, str]) -> ReplayFilter:
    """Return what a form asks for.

    Raises:
        InvalidInput: A field cannot be used.
    """
    now = desk.journal.now()
    if form["kind"] not in set(Kind) or form["mode"] not in set(Mode):
        message = "Say what to do again: handlers or deliveries, and which of them."
        raise InvalidInput(message)
    since, until = (moment_or_age(form[name], now=now) if form[name] else None for name in ("since", "until"))
    return ReplayFilter(
        kind=Kind(form["kind"]),
        mode=Mode(form["mode"]),
        event_type=form["type"].strip() or None,
        target=form["target"].strip() or None,
        provider=form["provider"].strip() or None,
        since=since,
        until=until,
    )


async def _list(
    desk: Desk, request: Request, form: Mapping[str, str], *, fault: str = "", status: int = 200
) -> Response:
    before = asked(request, "before")
    jobs, known = await asyncio.gather(
        desk.platform.replays.jobs(limit=LENGTH + 1, before=before or None), _endpoints(desk)
    )
    views = {job.id: await _view(desk, job, known) for job in jobs[:LENGTH]}
    preview: PreviewView | None = None
    if form["kind"] and not fault:
        form = {**form, "mode": form["mode"] or "failed"}
        try:
            preview = await _preview(desk, form, known)
        except InvalidInput as error:
            fault, status = str(error), 422
    targets = [(name, "handler") for name in desk.platform.handlers]
    targets += [(each.id, each.description or each.url.partition("?")[0]) for each in known.values()]
    return await desk.page(
        request,
        "replays.html",
        status=status,
        running=[views[job.id] for job in jobs[:LENGTH] if job.state not in OVER],
        earlier=[views[job.id] for job in jobs[:LENGTH] if job.state in OVER],
        older=jobs[LENGTH - 1].id if len(jobs) > LENGTH else "",
        is_first=not before,
        form={**form, "kind": form["kind"] or "handling", "mode": form["mode"] or "failed"},
        kinds=KINDS,
        modes=MODES,
        targets=targets,
        preview=preview,
        rate=f"{DEFAULT_RATE:g}",
        fault=fault,
    )


async def _preview(desk: Desk, form: Mapping[str, str], known: Mapping[str, Endpoint]) -> PreviewView:
    counted = await desk.platform.replays.preview(_filter(desk, form))
    gates = {gate.target: gate for gate in await desk.journal.gates.gates()}
    return preview_view(counted, form, now=desk.journal.now(), gates=gates, endpoints=known)


async def _start(desk: Desk, request: Request) -> Response:
    fields = await read_form(request)
    form = {name: fields.get(name, "") for name in FIELDS}
    who = getattr(request.state, "principal", None)
    try:
        rate = float(fields.get("rate") or DEFAULT_RATE)
        job = await desk.platform.replays.start(
            _filter(desk, form),
            rate=rate,
            note=fields.get("note", "").strip(),
            by=who.name if isinstance(who, Principal) else "",
        )
    except InvalidInput as error:
        return await _list(desk, request, form, fault=str(error), status=422)
    except ValueError:
        return await _list(desk, request, form, fault="The rate is no number: take one like 20.", status=422)
    note(request.scope, target=job.id, total=job.total)
    return desk.go(request, f"/replays/{job.id}")


async def _one(desk: Desk, request: Request) -> Response:
    job, _ = await desk.platform.replays.get(request.path_params["replay_id"])
    before, status = asked(request, "before"), asked(request, "status")
    state = State.FAILED if status else None
    works = await desk.journal.replays.items(job.id, limit=LENGTH + 1, before=before or None, state=state)
    traces, known = await asyncio.gather(desk.traces_of(works[:LENGTH]), _endpoints(desk))
    now = desk.journal.now()
    return await desk.page(
        request,
        "replay.html",
        job=await _view(desk, job, known),
        rows=[
            work_row(work, trace, now=now, endpoints=known)
            for work, trace in zip(works[:LENGTH], traces, strict=True)
        ],
        only="failed" if status else "",
        older=works[LENGTH - 1].id if len(works) > LENGTH else "",
        is_first=not before,
    )


async def _view(desk: Desk, job: Replay, known: Mapping[str, Endpoint]) -> JobView:
    outcomes = await desk.journal.replays.outcomes(job)
    return job_view(job, outcomes, now=desk.journal.now(), endpoints=known)


async def _endpoints(desk: Desk) -> Mapping[str, Endpoint]:
    return {endpoint.id: endpoint for endpoint in await desk.journal.endpoints.endpoints()}
