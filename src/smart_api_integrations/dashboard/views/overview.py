"""The overview: the answer, then the numbers, then what needs somebody. Floor 8."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.journal import Backlog, Rejection, TrafficPoint, Work
from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.dashboard.views import words
from smart_api_integrations.dashboard.views.endpoints import EndpointRow
from smart_api_integrations.dashboard.views.measures import Moment, counted, moment, number, plural, share
from smart_api_integrations.dashboard.views.reasons import reason_of
from smart_api_integrations.dashboard.views.traffic import Range
from smart_api_integrations.dashboard.views.visible import visible

MOST_CAUSES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer to "is all well?": a sentence, and what it means."""

    tone: str
    icon: str
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """A number with one line of meaning; a link where there is a list behind it."""

    name: str
    value: str
    unit: str = ""
    meaning: str = ""
    when: Moment | None = None
    tone: str = ""
    icon: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCause:
    """Failures with one cause, as one row."""

    title: str
    text: str
    count: str
    tone: str
    icon: str
    href: str


def verdict(backlog: Backlog, endpoints: Iterable[EndpointRow]) -> Verdict:
    """Return the sentence at the top."""
    failing = [row for row in endpoints if row.badge is words.FAILING]
    waiting = f"{plural(backlog.waiting, 'piece')} of work {'waits' if backlog.waiting == 1 else 'wait'}."
    kept = "Everything that arrived is stored. " + (waiting if backlog.waiting else "Nothing waits.")
    if backlog.dead and failing:
        broken = f"{plural(len(failing), 'endpoint')} {_verb(len(failing), 'fails', 'fail')}"
        title = f"{broken}, and {_dead(backlog.dead)}"
        return Verdict(tone="bad", icon="warn", title=title, text=kept)
    if failing:
        title = f"{plural(len(failing), 'endpoint')} {_verb(len(failing), 'is', 'are')} failing"
        return Verdict(tone="bad", icon="warn", title=title, text=kept)
    if backlog.dead:
        title = _dead(backlog.dead)
        return Verdict(tone="bad", icon="warn", title=title[:1].upper() + title[1:], text=kept)
    if backlog.waiting:
        return Verdict(tone="run", icon="run", title="All is well, and work is under way", text=kept)
    return Verdict(tone="ok", icon="ok", title="All is well: nothing needs you", text=kept)


def stats(
    points: Sequence[TrafficPoint], backlog: Backlog, span: Range, *, now: datetime
) -> tuple[Stat, ...]:
    """Return the strip of numbers over the range that is looked at."""
    came = sum(point.accepted for point in points)
    repeats = sum(point.duplicate for point in points)
    rejected = sum(point.rejected for point in points)
    delivered = sum(point.delivered for point in points)
    failed = sum(point.delivery_failed for point in points)
    handled = sum(point.handled for point in points)
    unhandled = sum(point.handling_failed for point in points)
    oldest = backlog.oldest_due_at
    return (
        Stat(
            name="Accepted",
            value=number(came),
            meaning=f"in {span.name}" + (f", {plural(repeats, 'repeat')}" if repeats else ""),
            href="/events",
        ),
        Stat(
            name="Verified",
            value=share(came + repeats, came + repeats + rejected),
            unit="%" if came + repeats + rejected else "",
            meaning=f"{number(rejected)} rejected",
            href="/rejections",
        ),
        _rate("Handled", handled, unhandled, "/events"),
        _rate("Delivered", delivered, failed, "/endpoints"),
        Stat(
            name="Waiting",
            value=counted(backlog.waiting),
            meaning="oldest due" if oldest else f"{counted(backlog.running)} running",
            when=moment(oldest, now) if oldest else None,
        ),
        Stat(
            name="Dead letters",
            value=counted(backlog.dead),
            meaning="until replayed" if backlog.dead else "none",
            tone="bad" if backlog.dead else "",
            icon="dead" if backlog.dead else "",
            href="/dead-letters",
        ),
    )


def open_causes(
    dead: Sequence[Work], rejections: Sequence[Rejection], endpoints: Mapping[str, Endpoint], *, now: datetime
) -> tuple[OpenCause, ...]:
    """Return what failed lately, gathered by its cause, dead letters first."""
    found = [*_dead_causes(dead, endpoints, now), *_rejection_causes(rejections, now)]
    return tuple(found[:MOST_CAUSES])


def _dead_causes(dead: Sequence[Work], endpoints: Mapping[str, Endpoint], now: datetime) -> list[OpenCause]:
    groups: dict[tuple[Kind, str], list[Work]] = {}
    for work in dead:
        groups.setdefault((work.kind, work.target), []).append(work)
    return [
        OpenCause(
            title=visible(
                words.handler(target) if kind is Kind.HANDLING else words.address(endpoints.get(target))
            ),
            text=f"dead letters, last {moment(max(work.updated_at for work in works), now).text}",
            count=number(len(works)),
            tone="bad",
            icon="dead",
            href="/dead-letters",
        )
        for (kind, target), works in sorted(groups.items(), key=lambda group: -len(group[1]))
    ]


def _rejection_causes(rejections: Sequence[Rejection], now: datetime) -> list[OpenCause]:
    groups: dict[tuple[str, str, str], list[Rejection]] = {}
    for rejection in rejections:
        groups.setdefault((rejection.provider, rejection.webhook_name, rejection.reason), []).append(
            rejection
        )
    return [
        OpenCause(
            title=f"{words.source(provider, name).title}: {reason_of(alike[0]).short}",
            text=f"rejected, last {moment(alike[0].received_at, now).text}",
            count=number(sum(rejection.sampled for rejection in alike)),
            tone="reject",
            icon="shield-x",
            href=f"/rejections/{alike[0].id}",
        )
        for (provider, name, _), alike in groups.items()
    ]


def _rate(name: str, good: int, bad: int, href: str) -> Stat:
    return Stat(
        name=name,
        value=share(good, good + bad),
        unit="%" if good + bad else "",
        meaning=plural(bad, "failed try") if bad else f"{number(good)} in all",
        tone="wait" if bad else "",
        icon="warn" if bad else "",
        href=href,
    )


def _dead(count: int) -> str:
    return f"{plural(count, 'dead letter')} {_verb(count, 'waits', 'wait')} for you"


def _verb(count: int, one: str, many: str) -> str:
    return one if count == 1 else many
