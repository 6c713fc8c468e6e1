"""The rows of the lists: events, messages, dead letters, deliveries. Floor 8."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.journal import Attempt, EventSummary, Message, Rejection, Trace, Work
from smart_api_integrations.core.lifecycle import Kind, State, event_state
from smart_api_integrations.dashboard.views import words
from smart_api_integrations.dashboard.views.event import open_state
from smart_api_integrations.dashboard.views.measures import UNKNOWN, Moment, duration, moment, plural, size
from smart_api_integrations.dashboard.views.reasons import reason_of
from smart_api_integrations.dashboard.views.trace import Chip, attempts_of
from smart_api_integrations.dashboard.views.visible import shortened, visible
from smart_api_integrations.dashboard.views.words import Badge, Source

LONGEST_SAID = 120

_UNSETTLED = frozenset({State.FAILED, State.RETRY_SCHEDULED})
_DONE = frozenset({State.COMPLETED, State.SKIPPED, State.NO_HANDLER, State.DELIVERED, State.CANCELLED})

Wanted = Callable[[EventSummary], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A saved filter over the list of events: its word in the URL, its name, and what it lets through.

    With ``states`` the journal finds what it wants; otherwise it is looked for among the newest.
    """

    status: str
    name: str
    wants: Wanted
    states: tuple[State, ...] = ()


VIEWS: tuple[View, ...] = (
    View(status="", name="All", wants=lambda _event: True),
    View(
        status="attention",
        name="Needs attention",
        wants=lambda event: bool(_UNSETTLED & {*event.handlings, *event.deliveries}),
        states=(State.FAILED, State.RETRY_SCHEDULED),
    ),
    View(
        status="retrying",
        name="Retrying",
        wants=lambda event: State.RETRY_SCHEDULED in (*event.handlings, *event.deliveries),
        states=(State.RETRY_SCHEDULED,),
    ),
    View(
        status="failed",
        name="Failed",
        wants=lambda event: State.FAILED in (*event.handlings, *event.deliveries),
        states=(State.FAILED,),
    ),
    View(
        status="no_handler",
        name="No handler",
        wants=lambda event: event_state(event.handlings) is State.NO_HANDLER,
    ),
)


def view_of(status: str) -> View:
    """Return the view that *status* names, else the one of all events."""
    return next((view for view in VIEWS if view.status == status), VIEWS[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One line of the list of events."""

    id: str
    badge: Badge
    type: str
    source: Source
    work: str
    sent: str
    size: str
    received: Moment


def event_row(event: EventSummary, *, now: datetime) -> EventRow:
    """Return the line of one event."""
    repeats = f", {plural(event.duplicates, 'repeat')}" if event.duplicates else ""
    return EventRow(
        id=event.id,
        badge=open_state(event.handlings, event.deliveries),
        type=visible(words.event_name(event.event_type, event.action)),
        source=words.source(event.provider, event.webhook_name),
        work=_progress(event.handlings, "handled", "None matches"),
        sent=_progress(event.deliveries, "sent", "nothing to send") + repeats,
        size=size(event.size),
        received=moment(event.received_at, now),
    )


def _progress(states: Sequence[State], verb: str, nothing: str) -> str:
    if not states:
        return nothing
    done = sum(state in _DONE for state in states)
    return f"{len(states)} {verb}" if done == len(states) else f"{done} of {len(states)} {verb}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectionRow:
    """One line of the list of rejected requests."""

    id: str
    reason: str
    detail: str
    source: Source
    status_code: int
    sender: str
    count: str
    received: Moment


def rejection_row(rejection: Rejection, *, now: datetime) -> RejectionRow:
    """Return the line of one rejected request, or of several alike."""
    return RejectionRow(
        id=rejection.id,
        reason=reason_of(rejection).short,
        detail=shortened(visible(rejection.detail), LONGEST_SAID),
        source=words.source(rejection.provider, rejection.webhook_name),
        status_code=rejection.status_code,
        sender=visible(rejection.remote_address or UNKNOWN),
        count=plural(rejection.sampled, "request") if rejection.sampled > 1 else "",
        received=moment(rejection.received_at, now),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """One line of the list of messages."""

    id: str
    event: str
    cause: str
    cause_id: str
    size: str
    created: Moment


def message_row(message: Message, *, now: datetime) -> MessageRow:
    """Return the line of one message."""
    cause = words.handler(message.handler) if message.handler else "your code"
    return MessageRow(
        id=message.id,
        event=visible(message.event),
        cause=visible(cause),
        cause_id=message.event_id or "",
        size=size(len(message.body)),
        created=moment(message.created_at, now),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRow:
    """One line of the dead letters, or of an endpoint's deliveries.

    Attributes:
        icon: Whether it is a handling or a delivery.
        said: What its last attempt said; empty where it had none.
        chip: The response's status of its last attempt.
    """

    id: str
    badge: Badge
    icon: str
    kind: str
    name: str
    subject: str
    tries: str
    said: str
    took: str
    chip: Chip | None
    updated: Moment


def work_row(work: Work, trace: Trace | None, *, now: datetime, endpoints: Mapping[str, Endpoint]) -> WorkRow:
    """Return the line of one piece of work, its last attempt out of *trace*."""
    last = _last_attempt(work, trace.attempts if trace else ())
    is_handling = work.kind is Kind.HANDLING
    name = words.handler(work.target) if is_handling else words.address(endpoints.get(work.target))
    return WorkRow(
        id=work.id,
        badge=words.STATES[work.state],
        icon="handler" if is_handling else "out",
        kind="Handler" if is_handling else "Delivery",
        name=visible(name),
        subject=_subject(work, trace),
        tries=plural(work.attempt_count, "try"),
        said=shortened(visible((last.error_message or "") if last else ""), LONGEST_SAID),
        took=duration(last.duration_ms) if last else UNKNOWN,
        chip=_chip(last),
        updated=moment(work.updated_at, now),
    )


def _last_attempt(work: Work, attempts: Iterable[Attempt]) -> Attempt | None:
    own = attempts_of(work, attempts)
    return own[-1] if own else None


def _subject(work: Work, trace: Trace | None) -> str:
    if trace is None:
        return ""
    if work.kind is Kind.HANDLING and trace.event is not None:
        return visible(words.event_name(trace.event.event_type, trace.event.action))
    sent = [message.event for message in trace.messages if message.id == work.subject_id]
    return visible(sent[0]) if sent else ""


def _chip(attempt: Attempt | None) -> Chip | None:
    if attempt is None or attempt.response_code is None:
        return None
    return Chip(text=str(attempt.response_code), tone="ok" if attempt.status == "succeeded" else "bad")
