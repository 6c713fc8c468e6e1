"""``/issues``: failures with one cause as one thing, and what people say of them. Floor 8."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.core.issues import Issue, IssueKind, IssueState
from smart_api_integrations.core.journal import Attempt
from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.dashboard.desk import Desk, asked, read_form
from smart_api_integrations.dashboard.pages.dead_letters import done_said
from smart_api_integrations.dashboard.permissions import may
from smart_api_integrations.dashboard.views.issues import NOTHING, STATES, by_state, issue_row
from smart_api_integrations.dashboard.views.lists import work_row
from smart_api_integrations.dashboard.views.trace import attempts_of
from smart_api_integrations.dashboard.views.visible import visible
from smart_api_integrations.errors import InvalidInput, NotFound

MOST_ISSUES = 100
MEMBERS = 20
MUTES = {
    "1h": ("for an hour", timedelta(hours=1)),
    "1d": ("for a day", timedelta(days=1)),
    "7d": ("for a week", timedelta(days=7)),
}


def create_routes(desk: Desk) -> list[Route]:
    """Return the routes of the list, of one issue, and of what is said of it."""

    async def issues(request: Request) -> Response:
        return await _list(desk, request)

    async def issue(request: Request) -> Response:
        return await _one(desk, request)

    async def mark(request: Request) -> Response:
        issue_id = request.path_params["issue_id"]
        form = await read_form(request)
        state = _state(form.get("state", ""))
        lasting = MUTES.get(form.get("for", ""), ("", None))[1] if state is IssueState.MUTED else None
        await desk.journal.issues.mark(issue_id, state, lasting=lasting)
        return desk.go(request, f"/issues/{issue_id}")

    return [
        Route("/issues", issues),
        Route("/issues/{issue_id}", issue, methods=["GET"]),
        Route("/issues/{issue_id}", mark, methods=["POST"]),
    ]


def _state(word: str) -> IssueState:
    try:
        return IssueState(word)
    except ValueError as error:
        message = "An issue can be open, muted or resolved."
        raise InvalidInput(message) from error


async def _list(desk: Desk, request: Request) -> Response:
    found, endpoints = await asyncio.gather(
        desk.journal.issues.issues(limit=MOST_ISSUES), desk.journal.endpoints.endpoints()
    )
    known, now = {entry.id: entry for entry in endpoints}, desk.journal.now()
    groups = by_state([issue_row(issue, endpoints=known, now=now) for issue in found])
    word = asked(request, "state")
    state = IssueState(word) if word in set(IssueState) else IssueState.OPEN
    rows = groups[state]
    return await desk.page(
        request,
        "issues.html",
        rows=rows,
        views=[(each, name, len(groups[each])) for each, name in STATES.items()],
        state=state,
        nothing=NOTHING[state],
        first_said=await _said(desk, request, found, rows[0].id) if rows else "",
        mutes={word: name for word, (name, _) in MUTES.items()},
    )


async def _one(desk: Desk, request: Request) -> Response:
    issue = await desk.journal.issues.issue(request.path_params["issue_id"])
    if issue is None:
        message = "No issue has this id."
        raise NotFound(message)
    before, now = asked(request, "before"), desk.journal.now()
    endpoints = {entry.id: entry for entry in await desk.journal.endpoints.endpoints()}
    members = await desk.journal.work.dead_letters(limit=MEMBERS + 1, before=before or None, issue=issue.id)
    traces = await desk.traces_of(members[:MEMBERS])
    return await desk.page(
        request,
        "issue.html",
        page=issue_row(issue, endpoints=endpoints, now=now),
        said=await _said(desk, request, [issue], issue.id),
        rows=[
            work_row(work, trace, now=now, endpoints=endpoints)
            for work, trace in zip(members[:MEMBERS], traces, strict=True)
        ],
        done=done_said(request),
        older=members[MEMBERS - 1].id if len(members) > MEMBERS else "",
        is_first=not before,
        mutes={word: name for word, (name, _) in MUTES.items()},
    )


async def _said(desk: Desk, request: Request, issues: Sequence[Issue], issue_id: str) -> str:
    """Return what the newest failure of an issue said: the end of its traceback, else nothing."""
    if not may(request, "read:payloads"):
        return ""
    issue = next(each for each in issues if each.id == issue_id)
    if issue.kind is not IssueKind.HANDLING:
        return ""
    work = await desk.journal.work.work(issue.last_id)
    trace = None if work is None else await desk.journal.events.trace(work.subject_id)
    if work is None or trace is None or work.kind is not Kind.HANDLING:
        return ""
    return _end(attempts_of(work, trace.attempts))


def _end(attempts: Sequence[Attempt]) -> str:
    failed = [attempt for attempt in attempts if attempt.error_detail]
    lines = (failed[-1].error_detail or "").rstrip().splitlines() if failed else []
    return visible("\n".join(lines[-3:]), lines=True)
