"""Handlers as a list and as a page: what they run on, how they are run, and how they do. Floor 8."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from smart_api_integrations.core.issues import Issue, IssueState
from smart_api_integrations.core.journal import AttemptStatistics
from smart_api_integrations.core.retry_schedule import RetrySchedule
from smart_api_integrations.core.webhook import Handler, WebhookProcessor
from smart_api_integrations.dashboard.views import words
from smart_api_integrations.dashboard.views.endpoints import DEGRADED_BELOW, FAILING_BELOW
from smart_api_integrations.dashboard.views.gates import GateView
from smart_api_integrations.dashboard.views.measures import UNKNOWN, duration, number, plural, share, span
from smart_api_integrations.dashboard.views.visible import shortened, visible
from smart_api_integrations.dashboard.views.words import Badge, Source

LONGEST_ERROR = 160

NEVER_RAN = Badge(tone="idle", icon="clock", word="Not run in 24 h")
NOT_REGISTERED = Badge(tone="bad", icon="warn", word="Not registered")
UNMOUNTED = Badge(tone="idle", icon="skip", word="Not mounted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A handler by its name, with everything it is registered for."""

    name: str
    provider: str
    webhook_name: str
    handlers: tuple[Handler, ...]

    @property
    def first(self) -> Handler:
        """Its first registration; the options of the others are the same but for the pattern."""
        return self.handlers[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerRow:
    """One line of the list of handlers, over the last day."""

    name: str
    path: str
    short: str
    patterns: str
    source: Source
    badge: Badge
    why: str
    succeeded: str
    runs: str
    mean: str
    waiting: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerPage:
    """Everything on the page of a handler but its issues.

    Attributes:
        options: How it is run, as names and values.
        last_error: What the newest failure said; empty where none is known.
    """

    row: HandlerRow
    gate: GateView
    day: AttemptStatistics
    whole: AttemptStatistics
    whole_succeeded: str
    options: tuple[tuple[str, str], ...]
    last_error: str
    dead: str
    is_registered: bool


def registered(processors: Iterable[WebhookProcessor]) -> Mapping[str, Registered]:
    """Return every handler of *processors* by its name, in the order of registration."""
    found: dict[str, Registered] = {}
    for processor in processors:
        for handlers in processor.handlers.values():
            for handler in handlers:
                known = found.get(handler.name)
                found[handler.name] = Registered(
                    name=handler.name,
                    provider=processor.provider,
                    webhook_name=processor.name,
                    handlers=(*(known.handlers if known else ()), handler),
                )
    return found


def handler_row(
    name: str, known: Registered | None, *, day: AttemptStatistics, gate: GateView, is_mounted: bool
) -> HandlerRow:
    """Return the line of one handler; *known* is None where this process has none of the name."""
    provider, webhook_name, _ = (*name.split(":", 2), "", "")[:3]
    badge, why = _state(known, day, gate, is_mounted=is_mounted)
    patterns = [] if known is None else [handler.pattern for handler in known.handlers]
    return HandlerRow(
        name=name,
        path=words.handler_path(name),
        short=visible(words.handler(name)),
        patterns=visible(", ".join(dict.fromkeys(patterns))) or UNKNOWN,
        source=words.source(provider, webhook_name or "default"),
        badge=badge,
        why=why,
        succeeded=share(day.successful, day.total_attempts),
        runs=number(day.total_attempts),
        mean=duration(day.avg_duration_ms) if day.total_attempts else UNKNOWN,
        waiting=gate.waiting,
    )


def _state(
    known: Registered | None, day: AttemptStatistics, gate: GateView, *, is_mounted: bool
) -> tuple[Badge, str]:
    if known is None:
        return NOT_REGISTERED, "no such handler in this process"
    if not is_mounted:
        return UNMOUNTED, "its source takes no events"
    if gate.badge is not None:
        return gate.badge, gate.title
    if not day.total_attempts:
        return NEVER_RAN, ""
    rate = day.successful / day.total_attempts
    failed = f"{plural(day.failed, 'failed run')} in 24 h"
    if rate < FAILING_BELOW:
        return words.FAILING, failed
    return (words.DEGRADED, failed) if rate < DEGRADED_BELOW else (words.ACTIVE, "")


def handler_page(
    row: HandlerRow,
    known: Registered | None,
    *,
    gate: GateView,
    day: AttemptStatistics,
    whole: AttemptStatistics,
    issues: Sequence[Issue],
    default_timeout: timedelta,
    now: datetime,
) -> HandlerPage:
    """Return the page of one handler; *issues* are its own, newest first."""
    open_issues = [issue for issue in issues if issue.state(now=now) is IssueState.OPEN]
    dead = sum(issue.dead for issue in issues)
    return HandlerPage(
        row=row,
        gate=gate,
        day=day,
        whole=whole,
        whole_succeeded=share(whole.successful, whole.total_attempts),
        options=() if known is None else _options(known, default_timeout),
        last_error=shortened(visible(open_issues[0].message), LONGEST_ERROR) if open_issues else "",
        dead=number(dead),
        is_registered=known is not None,
    )


def _options(known: Registered, default_timeout: timedelta) -> tuple[tuple[str, str], ...]:
    handler = known.first
    limit = f"{span(handler.timeout)}" if handler.timeout else f"{span(default_timeout)}, the setting"
    together = (
        "no limit of its own" if handler.concurrency is None else f"{handler.concurrency} in one process"
    )
    order = (
        "none: events run side by side" if handler.ordering_key is None else "one after the other by its key"
    )
    return (
        ("Runs on", visible(", ".join(dict.fromkeys(each.pattern for each in known.handlers)))),
        ("Tries", _tries(handler.schedule)),
        ("Time limit", limit),
        ("At once", together),
        ("Order", order),
        ("Kept as", visible(known.name)),
    )


def _tries(schedule: RetrySchedule) -> str:
    if not schedule.waits:
        return "one, then dead letter"
    waits = ", ".join(span(wait, parts=1) for wait in schedule.waits)
    return f"{schedule.attempts}, after waits of {waits}, then dead letter"
