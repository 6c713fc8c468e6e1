"""Alerts as a list: what, how bad, since when, and who took the news; and counts by source. Floor 8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from smart_api_integrations.core.alerts import Alert, Severity, SourceStatistics
from smart_api_integrations.dashboard.views import words
from smart_api_integrations.dashboard.views.measures import UNKNOWN, Moment, moment, number, span
from smart_api_integrations.dashboard.views.visible import visible
from smart_api_integrations.dashboard.views.words import Badge, Source

_OPEN: Mapping[Severity, Badge] = {
    Severity.WARNING: Badge(tone="wait", icon="warn", word="Warning"),
    Severity.CRITICAL: Badge(tone="bad", icon="warn", word="Critical"),
}
_OVER = Badge(tone="ok", icon="ok", word="Recovered")
_TAKEN = "ok"
COUNTED = ("received", "completed", "retry_scheduled", "failed", "verification_failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """One alert as its line shows it.

    Attributes:
        told: Who took the news, and who did not with its reason.
    """

    id: str
    badge: Badge
    title: str
    message: str
    rule: str
    opened: Moment
    lasted: str
    told: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsRow:
    """One source's counts of the last 24 hours, in the order of ``COUNTED``, and its mean time."""

    source: Source
    counts: tuple[str, ...]
    average: str


def alert_row(alert: Alert, *, now: datetime) -> AlertRow:
    """Return the line of *alert*."""
    return AlertRow(
        id=alert.id,
        badge=_OPEN[alert.severity] if alert.resolved_at is None else _OVER,
        title=visible(alert.title),
        message=visible(alert.message),
        rule=alert.rule.replace("_", " "),
        opened=moment(alert.opened_at, now),
        lasted=span((alert.resolved_at or now) - alert.opened_at),
        told=tuple(_told(*key.partition(":")[::2], answer) for key, answer in alert.told.items()),
    )


def _told(news: str, channel: str, answer: str) -> str:
    if answer == _TAKEN:
        return f"{channel} was told: {news}"
    return visible(f"{channel} was not told: {news} ({answer})")


def answers_said(answers: Mapping[str, str]) -> tuple[str, ...]:
    """Return what each channel answered, in words."""
    return tuple(
        f"{name} took it" if answer == _TAKEN else visible(f"{name} did not: {answer}")
        for name, answer in answers.items()
    )


def statistics_rows(statistics: Sequence[SourceStatistics]) -> list[StatisticsRow]:
    """Return a line for each source."""
    by_source: dict[tuple[str, str], dict[str, SourceStatistics]] = {}
    for each in statistics:
        by_source.setdefault((each.provider, each.webhook_name), {})[each.status] = each
    return [
        StatisticsRow(
            source=words.source(provider, name),
            counts=tuple(
                number(by_status[status].count) if status in by_status else UNKNOWN for status in COUNTED
            ),
            average=_average(by_status.get("completed")),
        )
        for (provider, name), by_status in by_source.items()
    ]


def _average(completed: SourceStatistics | None) -> str:
    if completed is None or completed.avg_seconds is None:
        return UNKNOWN
    return span(timedelta(seconds=completed.avg_seconds))
