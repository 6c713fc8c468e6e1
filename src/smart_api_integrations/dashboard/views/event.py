"""The page of one event: what happened to it in one line, what is open, and who said what. Floor 8."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from smart_api_integrations.core.edited_copy import SCHEME, original_of
from smart_api_integrations.core.journal import Message, ReceivedEvent, Trace, Work
from smart_api_integrations.core.lifecycle import ROADS, Kind, State, event_state
from smart_api_integrations.dashboard.views import words
from smart_api_integrations.dashboard.views.measures import Moment, clock, moment, plural, size, span
from smart_api_integrations.dashboard.views.trace import Part, attempts_of, done_of, timeline
from smart_api_integrations.dashboard.views.verification import Verification, secret_rank, verification
from smart_api_integrations.dashboard.views.visible import shortened, visible
from smart_api_integrations.dashboard.views.words import Badge, Source

LONGEST_ERROR = 200
_UNCHECKED = {"none": "none is demanded", SCHEME: "edited by a person"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One field of the line at the top; a link into the trace where *anchor* is given."""

    tone: str
    icon: str
    title: str
    note: str
    anchor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callout:
    """What is open: what happened, what happens next by itself, and what can be done.

    Attributes:
        replay: The id of the dead letter that the button replays; empty where there is none.
        anchor: The id of the work that it is about.
    """

    tone: str
    icon: str
    title: str
    text: str
    anchor: str
    replay: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A name and a value; *href* makes it a link, *copies* gives it a button, *moment* is a time."""

    name: str
    value: str = ""
    href: str = ""
    moment: Moment | None = None
    copies: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Everything on the page of an event, but the request's and the responses' bodies."""

    id: str
    title: str
    source: Source
    badge: Badge
    received: Moment
    size: str
    sender: str
    stages: tuple[Stage, ...]
    callout: Callout | None
    verification: Verification
    parts: tuple[Part, ...]
    ids: tuple[Fact, ...]
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePage:
    """The page of a message that no received event caused."""

    id: str
    title: str
    badge: Badge
    created: Moment
    size: str
    callout: Callout | None
    parts: tuple[Part, ...]


def event_page(trace: Trace, event: ReceivedEvent, *, now: datetime) -> EventPage:
    """Return the page of *event* with its *trace*."""
    return EventPage(
        id=event.id,
        title=visible(words.event_name(event.event_type, event.action)),
        source=words.source(event.provider, event.webhook_name),
        badge=_badge(trace),
        received=moment(event.received_at, now),
        size=size(len(event.body)),
        sender=visible(event.remote_address or ""),
        stages=_stages(trace, event, now),
        callout=callout(trace, now=now),
        verification=verification(event),
        parts=timeline(trace, now=now),
        ids=_ids(trace, event),
        facts=_facts(event, now),
    )


def message_page(trace: Trace, message: Message, *, now: datetime) -> MessagePage:
    """Return the page of *message* with its *trace*."""
    states = [work.state for work in trace.deliveries]
    return MessagePage(
        id=message.id,
        title=visible(message.event),
        badge=delivery_badge(states),
        created=moment(message.created_at, now),
        size=size(len(message.body)),
        callout=callout(trace, now=now),
        parts=timeline(trace, now=now),
    )


def delivery_badge(states: Sequence[State]) -> Badge:
    """Return the badge of a message whose deliveries stand where *states* say: the worst that is open."""
    for state in (State.FAILED, State.RETRY_SCHEDULED, State.DELIVERING, State.PENDING):
        if state in states:
            return words.STATES[state]
    if not states:
        return Badge(tone="idle", icon="skip", word="No endpoint")
    return words.STATES[State.DELIVERED if State.DELIVERED in states else State.CANCELLED]


def open_state(handlings: Sequence[State], deliveries: Sequence[State]) -> Badge:
    """Return the badge of an event: its handlings' worst, or its deliveries' where that is worse."""
    state = event_state(handlings)
    unsettled = {State.FAILED, State.RETRY_SCHEDULED}
    if state is State.FAILED or not unsettled & set(deliveries):
        return words.STATES[state]
    return delivery_badge(deliveries)


def callout(trace: Trace, *, now: datetime) -> Callout | None:
    """Return the one thing that must be said first: a dead letter, else what waits for its next try."""
    works = [*trace.handlings, *trace.deliveries]
    for state, say in ((State.FAILED, _dead), (State.RETRY_SCHEDULED, _retrying)):
        open_works = [work for work in works if work.state is state]
        if open_works:
            return say(open_works[0], trace, now, len(open_works) - 1)
    return None


def _badge(trace: Trace) -> Badge:
    badge = open_state([work.state for work in trace.handlings], [work.state for work in trace.deliveries])
    retrying = [work for work in (*trace.handlings, *trace.deliveries) if work.state is State.RETRY_SCHEDULED]
    if badge.word == words.STATES[State.RETRY_SCHEDULED].word and retrying:
        return badge.saying(f"{retrying[0].failures} of {retrying[0].max_attempts}")
    return badge


def _name(work: Work, trace: Trace) -> str:
    if work.kind is Kind.HANDLING:
        return visible(words.handler(work.target))
    return visible(words.address(trace.endpoints.get(work.target)))


def _said(work: Work, trace: Trace) -> str:
    attempts = attempts_of(work, trace.attempts)
    said = attempts[-1].error_message if attempts else None
    if not said:
        return ""
    text = shortened(visible(said), LONGEST_ERROR)
    return f"It last said: {text} " if text.endswith((".", "…")) else f"It last said: {text}. "


def _dead(work: Work, trace: Trace, _now: datetime, others: int) -> Callout:
    title = f"{_name(work, trace)} is a dead letter: {plural(max(work.failures, 1), 'try')} failed"
    todo = "Nothing more happens by itself: mend the cause, then replay it."
    return Callout(
        tone="bad",
        icon="dead",
        title=title,
        text=f"{_said(work, trace)}{todo}{_and(others)}",
        anchor=work.id,
        replay=work.id,
    )


def _retrying(work: Work, trace: Trace, now: datetime, others: int) -> Callout:
    left = work.max_attempts - work.failures
    due = work.due_at or now
    when = (
        f"starts at {clock(due).text} UTC, in {span(due - now)}"
        if due > now
        else "starts as soon as a worker is free"
    )
    end = " If that fails too, it becomes a dead letter." if left == 1 else ""
    tries = "one try is left" if left == 1 else f"{left} tries are left"
    return Callout(
        tone="wait",
        icon="clock",
        title=f"{_name(work, trace)} failed {plural(work.failures, 'time')}; {tries}",
        text=f"{_said(work, trace)}The next try {when}.{end}{_and(others)}",
        anchor=work.id,
    )


def _and(others: int) -> str:
    if not others:
        return ""
    return f" The same holds for {others} more below."


def _stages(trace: Trace, event: ReceivedEvent, now: datetime) -> tuple[Stage, ...]:
    believed = verification(event)
    checked = _UNCHECKED.get(event.proof.scheme) or f"{secret_rank(event.proof)} secret"
    return (
        Stage(tone="ok", icon="ok", title="Received", note="stored before the answer", anchor="received"),
        Stage(
            tone=believed.tone,
            icon=believed.icon,
            title="Verified" if believed.tone == "ok" else "Not checked",
            note=checked,
            anchor="verify",
        ),
        _work_stage(trace.handlings, "Handled", "No handler matches", now),
        _published_stage(trace.messages),
        _work_stage(trace.deliveries, "Delivered", "Nothing to deliver", now),
    )


def _published_stage(messages: Sequence[Message]) -> Stage:
    if not messages:
        return Stage(tone="none", icon="skip", title="Nothing published", note="no handler sent anything")
    names = visible(", ".join(sorted({message.event for message in messages})))
    return Stage(tone="ok", icon="ok", title=f"Published {len(messages)}", note=names, anchor="published")


def _work_stage(works: Sequence[Work], verb: str, nothing: str, now: datetime) -> Stage:
    if not works:
        return Stage(tone="none", icon="skip", title=nothing, note="")
    done, total = done_of(works)
    title = f"{verb} {done} of {total}"
    anchor = "handled" if works[0].kind is Kind.HANDLING else "delivered"
    dead = sum(work.state is State.FAILED for work in works)
    if dead:
        return Stage(tone="bad", icon="dead", title=title, note=plural(dead, "dead letter"), anchor=anchor)
    waiting = [work.due_at for work in works if work.state is State.RETRY_SCHEDULED and work.due_at]
    if waiting:
        first = min(waiting)
        note = f"next try in {span(first - now)}" if first > now else "next try is due"
        return Stage(tone="wait", icon="clock", title=title, note=note, anchor=anchor)
    if done < total:
        running = any(work.state is ROADS[work.kind].running for work in works)
        note = "running now" if running else "waits for a worker"
        return Stage(tone="run", icon="run", title=title, note=note, anchor=anchor)
    return Stage(tone="ok", icon="ok", title=title, note="nothing is open", anchor=anchor)


def _ids(trace: Trace, event: ReceivedEvent) -> tuple[Fact, ...]:
    found = [Fact(name="Ours", value=event.id, copies=True)]
    if event.event_id:
        who = words.source(event.provider).title
        found.append(Fact(name=f"{who}'s", value=visible(event.event_id), copies=True))
    original = original_of(event)
    if original is not None:
        found.append(
            Fact(name="Copied from", value=visible(original), href=f"/search?q={original}", copies=True)
        )
    found += [
        Fact(name="Message", value=message.id, href=f"/messages/{message.id}", copies=True)
        for message in trace.messages[:5]
    ]
    return tuple(found)


def _facts(event: ReceivedEvent, now: datetime) -> tuple[Fact, ...]:
    made = [Fact(name="Made at", moment=moment(event.occurred_at, now))] if event.occurred_at else []
    return (
        Fact(
            name="Source",
            value=words.source(event.provider, event.webhook_name).title,
            href=f"/events?provider={event.provider}",
        ),
        Fact(name="Type", value=visible(event.event_type or "none")),
        *([Fact(name="Action", value=visible(event.action))] if event.action else []),
        Fact(name="Received", moment=moment(event.received_at, now)),
        *made,
        Fact(name="Repeats", value=f"{event.duplicates}, first kept" if event.duplicates else "none"),
        Fact(name="Tenant", value=event.tenant),
    )
