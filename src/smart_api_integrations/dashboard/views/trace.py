"""The trace of one event or message as a timeline: received, handled, published, delivered. Floor 8.

The left column is time since the beginning. Every attempt is a step; what waited between two of them is
a gap with its length; what is still to come is the last step of its work.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from smart_api_integrations.core.journal import Attempt, AttemptStatus, Message, ReceivedEvent, Trace, Work
from smart_api_integrations.core.lifecycle import ROADS, Kind, State
from smart_api_integrations.dashboard.views import words
from smart_api_integrations.dashboard.views.measures import (
    Moment,
    clock,
    duration,
    exact,
    plural,
    size,
    span,
)
from smart_api_integrations.dashboard.views.payload import text_view
from smart_api_integrations.dashboard.views.verification import method
from smart_api_integrations.dashboard.views.visible import shortened, visible
from smart_api_integrations.dashboard.views.wire import Wire, longest, wire

LONGEST_ERROR = 300
MOST_DUPLICATES_NAMED = 1
_WORTH_A_GAP = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A response code, loud as it matters."""

    text: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the timeline.

    Attributes:
        anchor: Its id on the page, for links; the first step of a work has the work's id.
        at: Time since the beginning, in words; *moment* instead where it has one.
        form: ``new`` begins another work, ``gap`` is waiting, ``next`` is to come; else empty.
        name: What it is about; with *href* a link.
        said: What there is to say beside the name.
        below: A second line; *is_error* draws it as one.
        answer: The id of the attempt whose request and response can be shown.
        replay: The id of the dead letter that a button here replays.
    """

    anchor: str = ""
    at: str = ""
    moment: Moment | None = None
    form: str = ""
    icon: str = ""
    tone: str = ""
    name: str = ""
    href: str = ""
    said: str = ""
    below: str = ""
    is_error: bool = False
    is_code: bool = False
    took: str = ""
    chip: Chip | None = None
    wire: Wire | None = None
    traceback: str = ""
    is_open: bool = False
    result: str = ""
    answer: str = ""
    replay: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One stretch of the trace under its own heading."""

    anchor: str
    icon: str
    title: str
    note: str
    steps: tuple[Step, ...]


def timeline(trace: Trace, *, now: datetime) -> tuple[Part, ...]:
    """Return the parts of *trace* that there are, in order."""
    began = _beginning(trace, now)
    parts = (
        _received(trace.event) if trace.event is not None else None,
        _work_part(trace, trace.handlings, began=began, now=now),
        _published(trace.messages, began),
        _work_part(trace, trace.deliveries, began=began, now=now),
    )
    return tuple(part for part in parts if part is not None)


def done_of(works: Sequence[Work]) -> tuple[int, int]:
    """Return how many of *works* ended well, and how many there are."""
    good = {State.COMPLETED, State.SKIPPED, State.NO_HANDLER, State.DELIVERED}
    return sum(work.state in good for work in works), len(works)


def attempts_of(work: Work, attempts: Iterable[Attempt]) -> list[Attempt]:
    """Return the attempts of one piece of work, in order."""
    return sorted((entry for entry in attempts if entry.work_id == work.id), key=lambda entry: entry.number)


def _beginning(trace: Trace, now: datetime) -> datetime:
    if trace.event is not None:
        return trace.event.received_at
    return min((message.created_at for message in trace.messages), default=now)


def _since(began: datetime, then: datetime) -> str:
    passed = then - began
    if passed < timedelta(0):
        return duration(0)
    if passed < timedelta(minutes=1):
        return "+" + duration(passed.total_seconds() * 1000)
    return "+" + span(passed)


def _received(event: ReceivedEvent) -> Part:
    came = f"from {visible(event.remote_address)}" if event.remote_address else ""
    steps = [
        Step(
            moment=exact(event.received_at),
            tone="dot",
            name=f"{visible(event.method)} {visible(event.path)}",
            below=came,
            took=size(len(event.body)),
        ),
        _believed(event),
        Step(icon="db", tone="ok", name="Stored", said="synced to disk before the answer"),
        Step(icon="ok", tone="ok", name="Answered 200"),
    ]
    if event.duplicates:
        times = (
            "Same event again"
            if event.duplicates == MOST_DUPLICATES_NAMED
            else f"Repeated {event.duplicates} times"
        )
        steps.append(Step(icon="twin", tone="idle", name=times, below="answered 200, nothing was run again"))
    return Part(anchor="received", icon="in", title="Received", note="", steps=tuple(steps))


def _believed(event: ReceivedEvent) -> Step:
    if event.proof.scheme == "none":
        return Step(
            icon="warn", tone="wait", name="Not checked", said="its configuration demands no signature"
        )
    secret = f", {event.proof.secret_name}" if event.proof.secret_name else ""
    return Step(icon="shield-ok", tone="ok", name="Verified", said=method(event.proof) + secret)


def _published(messages: Sequence[Message], began: datetime) -> Part | None:
    if not messages:
        return None
    makers = {words.handler(message.handler) for message in messages if message.handler}
    steps = tuple(
        Step(
            anchor=message.id,
            at=_since(began, message.created_at),
            icon="ok",
            tone="ok",
            name=visible(message.event),
            href=f"/messages/{message.id}",
            below=message.id,
            is_code=True,
            took=size(len(message.body)),
        )
        for message in messages
    )
    note = f"by {visible(', '.join(sorted(makers)))}" if makers else ""
    return Part(anchor="published", icon="send", title="Published", note=note, steps=steps)


def _work_part(trace: Trace, works: Sequence[Work], *, began: datetime, now: datetime) -> Part | None:
    if not works:
        return None
    done, total = done_of(works)
    scale = longest(trace.attempts)
    steps: list[Step] = []
    for work in works:
        own = _work_steps(work, trace, began=began, now=now, scale=scale)
        steps += own if not steps else [_beginning_anew(own[0]), *own[1:]]
    is_handling = works[0].kind is Kind.HANDLING
    return Part(
        anchor="handled" if is_handling else "delivered",
        icon="handler" if is_handling else "out",
        title="Handlers" if is_handling else "Deliveries",
        note=f"{done} of {total} done",
        steps=tuple(steps),
    )


def _beginning_anew(step: Step) -> Step:
    return step if step.form else replace(step, form="new")


def _work_steps(work: Work, trace: Trace, *, began: datetime, now: datetime, scale: float) -> list[Step]:
    name, href = _named(work, trace)
    attempts = attempts_of(work, trace.attempts)
    steps: list[Step] = []
    for index, attempt in enumerate(attempts):
        if index:
            steps += _gap(attempts[index - 1], attempt)
        step = _attempt_step(attempt, name=name, href=href, began=began, scale=scale)
        is_last = index + 1 == len(attempts)
        steps.append(_with_detail(step, attempt, work, is_last=is_last, tries=len(attempts)))
    steps += _ending(work, name=name, href=href, now=now)
    if not steps:
        badge = words.STATES[work.state]
        steps = [Step(icon=badge.icon, tone=badge.tone, name=name, href=href, said=badge.word.lower())]
    return [replace(steps[0], anchor=work.id), *steps[1:]]


def _named(work: Work, trace: Trace) -> tuple[str, str]:
    if work.kind is Kind.HANDLING:
        return visible(words.handler(work.target)), ""
    endpoint = trace.endpoints.get(work.target)
    return visible(words.address(endpoint)), f"/endpoints/{work.target}" if endpoint else ""


def _gap(before: Attempt, after: Attempt) -> list[Step]:
    waited = after.started_at - before.started_at - timedelta(milliseconds=before.duration_ms)
    return [Step(form="gap", said=f"waited {span(waited)}")] if waited >= _WORTH_A_GAP else []


def _attempt_step(attempt: Attempt, *, name: str, href: str, began: datetime, scale: float) -> Step:
    badge = words.ATTEMPTS.get(attempt.status, words.UNKNOWN_ATTEMPT)
    return Step(
        at=_since(began, attempt.started_at),
        icon=badge.icon,
        tone=badge.tone,
        name=name,
        href=href,
        below=_below(attempt),
        is_error=attempt.status in {AttemptStatus.FAILED, AttemptStatus.LOST},
        is_code=attempt.kind is Kind.HANDLING,
        took=duration(attempt.duration_ms),
        chip=_chip(attempt),
        wire=wire(attempt.phases, scale=scale) if attempt.kind is Kind.DELIVERY else None,
        answer=attempt.id if attempt.kind is Kind.DELIVERY else "",
    )


def _with_detail(step: Step, attempt: Attempt, work: Work, *, is_last: bool, tries: int) -> Step:
    has_result = attempt.result is not None and attempt.result != "null"
    return replace(
        step,
        said=_tries(attempt, work, tries),
        traceback=visible(attempt.error_detail or "", lines=True),
        is_open=is_last,
        result=text_view(attempt.result or "") if has_result else "",
    )


def _tries(attempt: Attempt, work: Work, tries: int) -> str:
    if attempt.status == AttemptStatus.SUCCEEDED and tries == 1:
        return "at the first try"
    if attempt.number <= work.max_attempts:
        return f"try {attempt.number} of {work.max_attempts}"
    return f"try {attempt.number}, after a replay"


def _below(attempt: Attempt) -> str:
    if attempt.status == AttemptStatus.LOST:
        return "the process that ran it stopped; nothing is known about its end"
    return shortened(visible(attempt.error_message or ""), LONGEST_ERROR)


def _chip(attempt: Attempt) -> Chip | None:
    if attempt.response_code is None:
        return None
    if attempt.status == AttemptStatus.SUCCEEDED:
        return Chip(text=str(attempt.response_code), tone="ok")
    return Chip(text=str(attempt.response_code), tone="wait" if attempt.response_code == 429 else "bad")


def _ending(work: Work, *, name: str, href: str, now: datetime) -> list[Step]:
    """Return the step that is to come, or the one that says how it ended badly."""
    road = ROADS[work.kind]
    coming = Step(form="next", icon="clock", tone="wait", name=name, href=href)
    if work.state is road.running:
        verb = "running now" if work.kind is Kind.HANDLING else "being sent now"
        return [Step(icon="run", tone="run", at="now", name=name, href=href, said=verb)]
    if work.state is road.fresh:
        return [replace(coming, at="next", tone="run", said="waits for a worker")]
    if work.state is State.RETRY_SCHEDULED and work.due_at is not None:
        last = ", the last," if work.failures + 1 >= work.max_attempts else ""
        at = f"in {span(work.due_at - now)}" if work.due_at > now else "due now"
        return [replace(coming, at=at, said=f"next try{last} at {clock(work.due_at).text} UTC")]
    if work.state is State.FAILED:
        return [_dead(work, name=name, href=href)]
    if work.state is State.CANCELLED:
        return [Step(icon="x", tone="idle", name=name, said="cancelled: its endpoint was deleted")]
    return []


def _dead(work: Work, *, name: str, href: str) -> Step:
    spent = plural(work.failures or work.attempt_count, "try") if work.attempt_count else "refused"
    return Step(
        icon="dead",
        tone="bad",
        name=name,
        href=href,
        said=f"is a dead letter: {spent} failed. It stays until somebody replays it.",
        replay=work.id,
    )
