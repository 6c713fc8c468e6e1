"""Replay jobs and their previews as pages show them. Floor 8."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.gate import Gate
from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.core.replay import OVER, Mode, Preview, Replay, ReplayOutcomes, ReplayState
from smart_api_integrations.dashboard.views import words
from smart_api_integrations.dashboard.views.measures import SPACE, Moment, moment, number, plural, span
from smart_api_integrations.dashboard.views.visible import visible
from smart_api_integrations.dashboard.views.words import Badge

KINDS = (
    ("handling", "Handlers", "What came in, run by its handlers again"),
    ("delivery", "Deliveries", "What was sent, sent to its endpoints again"),
)
MODES = (
    ("failed", "What failed", "Dead letters; work that succeeded is left alone"),
    ("missing", "What is missing", "What a handler or endpoint never got, because it came later"),
    ("all", "Everything", "Handlers and endpoints get the same id again"),
)
BADGES: Mapping[ReplayState, Badge] = {
    ReplayState.RUNNING: Badge(tone="run", icon="run", word="Running"),
    ReplayState.PAUSED: Badge(tone="wait", icon="pause", word="Paused"),
    ReplayState.COMPLETED: Badge(tone="ok", icon="ok", word="Completed"),
    ReplayState.CANCELLED: Badge(tone="idle", icon="x", word="Cancelled"),
}
_NOUNS = {Kind.HANDLING: ("handling", "handlings"), Kind.DELIVERY: ("delivery", "deliveries")}
_CANCEL = ("cancel", "x", "Cancel")
_MOVES: Mapping[ReplayState, Sequence[tuple[str, str, str]]] = {
    ReplayState.RUNNING: (("pause", "pause", "Pause"), _CANCEL),
    ReplayState.PAUSED: (("resume", "play", "Resume"), _CANCEL),
}
_BAR = 1000
_SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One colour of a job's bar."""

    tone: str
    name: str
    count: str
    x: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """One job: *words* is its filter, *moves* are the buttons that it has."""

    id: str
    title: str
    words: str
    badge: Badge
    by: str
    created: Moment
    passed: str
    total: str
    said: str
    now: int
    most: int
    parts: Sequence[Part]
    failed: int
    moves: Sequence[tuple[str, str, str]]


def job_view(
    job: Replay, outcomes: ReplayOutcomes, *, now: datetime, endpoints: Mapping[str, Endpoint]
) -> JobView:
    """Return one job as it is drawn."""
    passed = job.done + job.skipped
    most = passed if job.state is ReplayState.COMPLETED else max(job.total, passed)
    left = most - passed
    said = f"{number(passed)} of {number(most)}{'' if job.is_exact else '+'}, {job.rate:g} a second"
    if job.state is ReplayState.RUNNING and left:
        said += f", about {span(timedelta(seconds=left / job.rate + 1), parts=1)} left"
    return JobView(
        id=job.id,
        title=visible(job.note) or _title(job, endpoints),
        words=visible(filter_words(job)),
        badge=BADGES[job.state],
        by=visible(job.by),
        created=moment(job.created_at, now),
        passed=number(passed),
        total=number(most),
        said=said,
        now=passed,
        most=most,
        parts=_parts(job, outcomes, left),
        failed=outcomes.failed,
        moves=() if job.state in OVER else _MOVES[job.state],
    )


def _title(job: Replay, endpoints: Mapping[str, Endpoint]) -> str:
    asked = job.filter
    what = {Mode.FAILED: "What failed", Mode.MISSING: "What is missing", Mode.ALL: "Everything"}[asked.mode]
    if asked.target is None:
        return f"{what}, all {_NOUNS[asked.kind][1]}"
    name = asked.target if asked.kind is Kind.HANDLING else words.address(endpoints.get(asked.target))
    return f"{what} of {visible(name)}"


def filter_words(job: Replay) -> str:
    """Return a filter as the words of the command line that make it."""
    asked = job.filter
    pairs = [
        ("kind", asked.kind),
        ("mode", asked.mode),
        ("type", asked.event_type),
        ("provider", asked.provider),
        ("target", asked.target),
        ("tenant", asked.tenant),
        ("status", ",".join(asked.states) or None),
        ("since", asked.since and f"{asked.since:%Y-%m-%dT%H:%M:%SZ}"),
        ("until", asked.until and f"{asked.until:%Y-%m-%dT%H:%M:%SZ}"),
    ]
    return " ".join(f"{name}:{value}" for name, value in pairs if value)


def _parts(job: Replay, outcomes: ReplayOutcomes, left: int) -> list[Part]:
    good = "delivered" if job.filter.kind is Kind.DELIVERY else "handled"
    counts = (
        ("out" if job.filter.kind is Kind.DELIVERY else "in", good, outcomes.done),
        ("fail", "failed", outcomes.failed),
        ("wait", "under way", outcomes.open),
        ("idle", "left", 0 if job.state in OVER else left),
    )
    whole = max(1, sum(count for _, _, count in counts))
    parts: list[Part] = []
    at = 0
    for tone, name, count in counts:
        width = _BAR * count // whole
        parts.append(Part(tone=tone, name=name, count=number(count), x=at, width=width))
        at += width
    return parts


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewView:
    """What a job would do; *holds* say what will make it wait."""

    count: str
    is_some: bool
    said: str
    facts: Sequence[tuple[str, str]]
    holds: Sequence[str]
    command: str


def preview_view(
    counted: Preview,
    form: Mapping[str, str],
    *,
    now: datetime,
    gates: Mapping[str, Gate],
    endpoints: Mapping[str, Endpoint],
) -> PreviewView:
    """Return a preview as it is drawn, with the command that does the same."""
    kind = Kind(form["kind"])
    names = {
        target: visible(
            words.address(endpoints.get(target)) if kind is Kind.DELIVERY else words.handler(target)
        )
        for target in counted.targets
    }
    facts = [
        (visible(name) or "no type", number(count)) for name, count in [*counted.event_types.items()][:_SHOWN]
    ]
    facts += [(names[target], number(count)) for target, count in [*counted.targets.items()][:_SHOWN]]
    oldest = "" if counted.oldest is None else f", the oldest from {moment(counted.oldest, now).text}"
    shut = [target for target in counted.targets if target in gates and gates[target].allows(now=now) == 0]
    noun = _NOUNS[kind][counted.count != 1]
    return PreviewView(
        count=f"{number(counted.count)}{'' if counted.is_exact else '+'}{SPACE}{noun}",
        is_some=counted.count > 0,
        said=f"for {plural(len(counted.targets), 'target')}{oldest}" if counted.count else "Nothing fits.",
        facts=facts,
        holds=[f"{names[target]} is held back now. Its work will wait until it opens." for target in shut],
        command=_command(form),
    )


def _command(form: Mapping[str, str]) -> str:
    target = {"handling": "--handler", "delivery": "--endpoint"}[form["kind"]]
    options = {
        "--kind": form["kind"],
        "--mode": form["mode"],
        "--event-type": form["type"],
        target: form["target"],
        "--provider": form["provider"],
        "--since": form["since"],
        "--until": form["until"],
    }
    told = [f"{name} {shlex.quote(value)}" for name, value in options.items() if value]
    return " ".join(["webhooks replays create", *told])
