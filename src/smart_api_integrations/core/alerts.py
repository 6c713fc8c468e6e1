"""What there is to be alarmed about, and what becomes of an alert. Floor 1.

Rules:

1. A check turns measures into findings by the functions of ``RULES``; each has a key: what, and of what.
2. Of one key one alert is open at a time. It is told of when it opens and when it gets worse; and once more
   when nothing was found for ``GRACE``, as recovered. Opening again within the cool-down tells nobody.
3. Nothing here reads a clock, a store or a network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from smart_api_integrations.core.broker_event import BROKER
from smart_api_integrations.core.gate import Gate
from smart_api_integrations.core.journal import Backlog

GRACE = timedelta(minutes=3)
"""How long nothing must be found before an alert is over: one quiet check is no recovery."""

WINDOW = timedelta(minutes=15)
"""What rates are taken over; the fourth seed's."""


class Severity(StrEnum):
    """How bad it is."""

    WARNING = "warning"
    CRITICAL = "critical"


class News(StrEnum):
    """What there is to tell of an alert."""

    OPENED = "opened"
    WORSE = "worse"
    RECOVERED = "recovered"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatistics:
    """How often events of one provider came to one status, and how long they took to.

    Attributes:
        status: ``received``, ``duplicate``, ``no_handler``, ``verification_failed``, ``invalid_json``,
            ``rejected``; or of handlings ``completed``, ``skipped``, ``failed``, ``retry_scheduled``.
        avg_seconds: From the receipt to the end of the handling, waiting and retries included; None for
            what has no such time.
    """

    provider: str
    webhook_name: str
    status: str
    count: int
    avg_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a check found. ``key`` tells it from others, over checks and processes."""

    rule: str
    subject: str
    severity: Severity
    title: str
    message: str

    @property
    def key(self) -> str:
        """What it is about."""
        return f"{self.rule}|{self.subject}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert, from its opening to its end.

    Attributes:
        id: ``alr_`` and a ULID.
        opened_at: When it was first found; ``seen_at`` when last.
        notified_at: When channels were last told of it, or None where nobody was.
        untold: The news that is still to be told, or None: a crash before telling loses none.
        resolved_at: When it was over, or None.
        told: What each channel answered to the last news.
    """

    id: str
    rule: str
    subject: str
    severity: Severity
    title: str
    message: str
    opened_at: datetime
    seen_at: datetime
    notified_at: datetime | None = None
    untold: News | None = None
    resolved_at: datetime | None = None
    told: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What it is about, as ``Finding.key``."""
        return f"{self.rule}|{self.subject}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From when on something is found; the first three are the fourth seed's.

    Attributes:
        least: Rates are taken of at least so many.
    """

    error_warning: float = 0.10
    error_critical: float = 0.30
    slow: timedelta = timedelta(seconds=30)
    least: int = 5
    backlog_warning: timedelta = timedelta(minutes=5)
    backlog_critical: timedelta = timedelta(minutes=30)
    refused_least: int = 10
    refused_share: float = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What one check looks at.

    Attributes:
        statistics: Of the last ``WINDOW``.
        gates: Every gate that there is.
        disabled: The endpoints that were switched off by themselves: id, and why.
        silences: What was found of webhooks that are missing.
    """

    now: datetime
    statistics: Sequence[SourceStatistics] = ()
    backlog: Backlog | None = None
    gates: Sequence[Gate] = ()
    disabled: Mapping[str, str] = field(default_factory=dict)
    silences: Sequence[Finding] = ()


def findings(measures: Measures, thresholds: Thresholds) -> list[Finding]:
    """Return everything that *measures* show to be wrong."""
    return [found for rule in RULES for found in rule(measures, thresholds)]


def _by_provider(measures: Measures) -> dict[str, dict[str, SourceStatistics]]:
    """Return the statistics by provider and status, its webhooks added up."""
    found: dict[str, dict[str, SourceStatistics]] = {}
    for each in measures.statistics:
        known = found.setdefault(each.provider, {})
        before = known.get(each.status)
        known[each.status] = each if before is None else added(before, each)
    return found


def added(one: SourceStatistics, other: SourceStatistics) -> SourceStatistics:
    """Return both as one."""
    count = one.count + other.count
    times = [(each.avg_seconds, each.count) for each in (one, other) if each.avg_seconds is not None]
    timed = sum(n for _, n in times)
    average = sum(seconds * n for seconds, n in times) / timed if timed else None
    return replace(one, count=count, avg_seconds=average)


def _error_rates(measures: Measures, thresholds: Thresholds) -> Iterable[Finding]:
    for provider, by_status in _by_provider(measures).items():
        counts = {status: each.count for status, each in by_status.items()}
        failed = counts.get("failed", 0) + counts.get("retry_scheduled", 0)
        total = failed + counts.get("completed", 0) + counts.get("skipped", 0)
        if total < thresholds.least or failed <= thresholds.error_warning * total:
            continue
        critical = failed > thresholds.error_critical * total
        yield Finding(
            rule="error_rate",
            subject=provider,
            severity=Severity.CRITICAL if critical else Severity.WARNING,
            title=f"{provider}: {failed / total:.0%} of handlings fail",
            message=f"{failed} of {total} handlings in the last 15 minutes failed.",
        )


def _slow(measures: Measures, thresholds: Thresholds) -> Iterable[Finding]:
    for provider, by_status in _by_provider(measures).items():
        completed = by_status.get("completed")
        if completed is None or completed.avg_seconds is None:
            continue
        if completed.avg_seconds > thresholds.slow.total_seconds():
            yield Finding(
                rule="slow_handling",
                subject=provider,
                severity=Severity.WARNING,
                title=f"{provider}: events take {completed.avg_seconds:.0f} s to be handled",
                message="On average over the last 15 minutes, from the receipt to the end of the handler: "
                "waiting and retries included.",
            )


def _backlog(measures: Measures, thresholds: Thresholds) -> Iterable[Finding]:
    oldest = None if measures.backlog is None else measures.backlog.oldest_due_at
    age = timedelta() if oldest is None else measures.now - oldest
    if measures.backlog is not None and age > thresholds.backlog_warning:
        critical = age > thresholds.backlog_critical
        yield Finding(
            rule="backlog_age",
            subject="all",
            severity=Severity.CRITICAL if critical else Severity.WARNING,
            title=f"Work waits for {age.total_seconds() / 60:.0f} minutes",
            message=f"{measures.backlog.waiting} handlings and deliveries wait, the oldest due one since "
            f"{oldest:%Y-%m-%d %H:%M} UTC. Do workers run, and enough of them?",
        )


def _refusals(measures: Measures, thresholds: Thresholds) -> Iterable[Finding]:
    for provider, by_status in _by_provider(measures).items():
        refused = by_status.get("verification_failed")
        if refused is None or refused.count < thresholds.refused_least:
            continue
        received = by_status.get("received")
        total = refused.count + (0 if received is None else received.count)
        if refused.count > thresholds.refused_share * total:
            critical = received is None
            yield Finding(
                rule="verification_failures",
                subject=provider,
                severity=Severity.CRITICAL if critical else Severity.WARNING,
                title=f"{provider}: {refused.count} requests did not verify",
                message=f"{refused.count} of {total} requests in the last 15 minutes. Was the secret changed "
                "at the provider? The rejections say why each was refused.",
            )


def _breakers(measures: Measures, _thresholds: Thresholds) -> Iterable[Finding]:
    for gate in measures.gates:
        if gate.opened_at is None or gate.target in measures.disabled:
            continue
        is_broker = gate.target == BROKER
        yield Finding(
            rule="breaker_open",
            subject=gate.target,
            severity=Severity.CRITICAL if is_broker else Severity.WARNING,
            title="The broker does not take events" if is_broker else f"Endpoint {gate.target} fails",
            message=f"Its breaker is open since {gate.opened_at:%Y-%m-%d %H:%M} UTC; what is sent to it "
            "waits, and one attempt at a time tries whether it is back.",
        )


def _disabled(measures: Measures, _thresholds: Thresholds) -> Iterable[Finding]:
    for endpoint_id, reason in measures.disabled.items():
        yield Finding(
            rule="endpoint_disabled",
            subject=endpoint_id,
            severity=Severity.CRITICAL,
            title=f"Endpoint {endpoint_id} was switched off",
            message=f"Reason: {reason}. It gets nothing new until somebody switches it on again.",
        )


def _silences(measures: Measures, _thresholds: Thresholds) -> Iterable[Finding]:
    return measures.silences


RULES: Sequence[Callable[[Measures, Thresholds], Iterable[Finding]]] = (
    _error_rates,
    _slow,
    _backlog,
    _refusals,
    _breakers,
    _disabled,
    _silences,
)

_WORST = (Severity.WARNING, Severity.CRITICAL)


def moved_on(
    known: Sequence[Alert],
    found: Sequence[Finding],
    *,
    now: datetime,
    cooldown: timedelta,
    new_id: Callable[[str], str],
) -> list[Alert]:
    """Return the alerts that a check opened, changed or ended, with what is to be told of each.

    Args:
        known: Those that are open, and those that ended within the cool-down.
        found: What the check found.
        now: When it was.
        cooldown: How long after the last news nobody is told that it opened again.
        new_id: Makes an id.
    """
    open_ = {alert.key: alert for alert in known if alert.resolved_at is None}
    ended = {alert.key: alert for alert in sorted(known, key=_end) if alert.resolved_at is not None}
    changed: list[Alert] = []
    for finding in {each.key: each for each in found}.values():
        before = open_.pop(finding.key, None)
        if before is None:
            changed.append(
                _opened(finding, ended.get(finding.key), now=now, cooldown=cooldown, new_id=new_id)
            )
        else:
            changed.append(_seen(before, finding, now=now))
    changed += [
        replace(alert, resolved_at=now, untold=News.RECOVERED if _was_told(alert) else None)
        for alert in open_.values()
        if now - alert.seen_at >= GRACE
    ]
    return changed


def _opened(
    finding: Finding,
    last: Alert | None,
    *,
    now: datetime,
    cooldown: timedelta,
    new_id: Callable[[str], str],
) -> Alert:
    told_at = None if last is None else last.notified_at
    quiet = told_at is not None and now - told_at < cooldown
    return Alert(
        id=new_id("alr_"),
        rule=finding.rule,
        subject=finding.subject,
        severity=finding.severity,
        title=finding.title,
        message=finding.message,
        opened_at=now,
        seen_at=now,
        notified_at=told_at if quiet else None,
        untold=None if quiet else News.OPENED,
    )


def _seen(before: Alert, finding: Finding, *, now: datetime) -> Alert:
    is_worse = _WORST.index(finding.severity) > _WORST.index(before.severity)
    return replace(
        before,
        severity=max(before.severity, finding.severity, key=_WORST.index),
        title=finding.title,
        message=finding.message,
        seen_at=now,
        untold=before.untold or (News.WORSE if is_worse else None),
    )


def _was_told(alert: Alert) -> bool:
    return alert.notified_at is not None


def _end(alert: Alert) -> datetime:
    return alert.resolved_at or alert.seen_at
