"""Whether webhooks are missing: against a provider's usual rhythm, or against what was set by hand. Floor 1.

The model of the rhythm, of one provider and event type:

1. The history is how many events came in each hour of the last ``WEEKS`` weeks. It is judged once it
   spans ``LEAST_WEEKS`` weeks and holds ``LEAST_EVENTS`` events; until then nothing is said.
2. For each of the 168 hours of a week, k of n past ones had an event. That one had none is then, with
   Laplace's rule, as likely as ``1 - (k + 1) / (n + 2)``: never 0, and less sure the shorter the history
   is. Where even the poorest of them had c events, a part f of the hour is silent with
   ``exp(-c * f / BURST)`` at most: a steady stream that stops is found within minutes. ``BURST`` allows
   for events that come in bunches.
3. The likelihood of a silence is the product over its hours, parts of hours in proportion. Below ``UNLIKELY``
   it is an alert. Nights, weekends and rare types ask for long silences by themselves.

Hours are UTC's. What a season changes is learned within ``WEEKS``; a holiday may be told once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from math import exp, log

from smart_api_integrations.core.alerts import Finding, Severity
from smart_api_integrations.errors import InvalidInput

WEEKS = 4
LEAST_WEEKS = 2
LEAST_EVENTS = 30
UNLIKELY = 0.001
BURST = 4.0
HOUR = timedelta(hours=1)

_HOURS_OF_WEEK = 168
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often events of one kind came, by the hour.

    Attributes:
        hours: Events in each hour since 1970 that had any.
    """

    provider: str
    event_type: str
    hours: Mapping[int, int]

    @property
    def subject(self) -> str:
        """What it is the rhythm of."""
        return f"{self.provider}:{self.event_type}" if self.event_type else self.provider

    def is_known(self, now: datetime) -> bool:
        """Tell whether there is enough of it to judge by."""
        if sum(self.hours.values()) < LEAST_EVENTS:
            return False
        return hour_of(now) - min(self.hours) >= LEAST_WEEKS * _HOURS_OF_WEEK

    def likelihood(self, last: datetime, now: datetime) -> float:
        """Return how likely it is that nothing came between *last* and *now*, 0 to 1."""
        total = 0.0
        begin = last
        while begin < now and total > log(UNLIKELY) * 4:
            end = min(now, _EPOCH + (hour_of(begin) + 1) * HOUR)
            total += self._log_silent(hour_of(begin), (end - begin) / HOUR)
            begin = end
        return exp(total)

    def _log_silent(self, hour: int, part: float) -> float:
        """Return the logarithm of how likely a *part* of an hour without an event is."""
        first = min(self.hours)
        past = [
            self.hours.get(before, 0)
            for before in range(hour - _HOURS_OF_WEEK, hour - (WEEKS + 1) * _HOURS_OF_WEEK, -_HOURS_OF_WEEK)
            if before >= first
        ]
        had = sum(count > 0 for count in past)
        by_share = log(1 - (had + 1) / (len(past) + 2)) if had else 0.0
        by_count = -min(past, default=0) / BURST
        return min(by_share, by_count) * part


def hour_of(moment: datetime) -> int:
    """Return the hours since 1970."""
    return (moment - _EPOCH) // HOUR


def missing_by_rhythm(rhythm: Rhythm, last: datetime, now: datetime) -> Finding | None:
    """Return what there is to say of a silence since *last*, or None where it is nothing unusual."""
    if not rhythm.is_known(now):
        return None
    likelihood = rhythm.likelihood(last, now)
    if likelihood >= UNLIKELY:
        return None
    return Finding(
        rule="missing_webhooks",
        subject=rhythm.subject,
        severity=Severity.WARNING,
        title=f"No {rhythm.subject} webhook for {_spoken(now - last)}",
        message=f"The last came {last:%Y-%m-%d %H:%M} UTC. By its rhythm of the last weeks such a silence is "
        f"expected less than once in {round(1 / max(likelihood, 1e-6)):,} times. Does the provider still "
        "send, and to the right address?",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What was set by hand: at least so many events in every span, within hours of the day.

    Attributes:
        event_type: Exactly this one; None for all of the provider.
        begins: From when of the day on it is expected, and ``ends`` until when; the same for all day.
        days: On which days, Monday is 0.
    """

    provider: str
    event_type: str | None = None
    count: int = 1
    span: timedelta = HOUR
    begins: int = 0
    ends: int = 24
    days: frozenset[int] = frozenset(range(7))

    @property
    def subject(self) -> str:
        """What is expected, in short."""
        return self.provider if self.event_type is None else f"{self.provider}:{self.event_type}"

    def window(self, now: datetime, zone: tzinfo) -> datetime | None:
        """Return since when events are counted at *now*, or None where none are expected now.

        The first span of a day is let pass: what is expected from nine o'clock on is missed at ten.
        """
        local = now.astimezone(zone)
        opens = datetime.combine(local.date(), time(self.begins % 24), tzinfo=zone)
        closes = datetime.combine(local.date(), time(), tzinfo=zone) + timedelta(hours=self.ends)
        if self.begins == 0 and self.ends == 24 and len(self.days) == 7:
            return now - self.span
        if local.weekday() not in self.days or not opens + self.span <= local <= closes:
            return None
        return now - self.span


def missing_by_hand(expected: Expected, arrived: int) -> Finding | None:
    """Return what there is to say where *arrived* came in the window, or None where it is enough."""
    if arrived >= expected.count:
        return None
    return Finding(
        rule="expected_webhooks",
        subject=expected.subject,
        severity=Severity.CRITICAL,
        title=f"{expected.subject}: {arrived} of {expected.count} expected webhooks",
        message=f"In the last {_spoken(expected.span)} {arrived} came; at least {expected.count} were "
        "expected. Does the provider still send, and to the right address?",
    )


_EXPECTED = re.compile(
    r"(?P<provider>[a-z0-9][a-z0-9_-]*)(?::(?P<type>\S+))?"
    r"\s+(?P<count>\d{1,6})/(?P<every>\d{1,4})(?P<unit>[mhd])"
    r"(?:\s+(?P<begins>\d{1,2})-(?P<ends>\d{1,2}))?(?:\s+(?P<from>[a-z]{3})-(?P<to>[a-z]{3}))?"
)
_UNITS = {"m": timedelta(minutes=1), "h": HOUR, "d": timedelta(days=1)}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def read_expected(text: str) -> Expected:
    """Return what *text* asks for: ``stripe 1/1h 9-18 mon-fri``, ``github:push 1/1d``.

    >>> read_expected("stripe 2/30m 9-18").span.total_seconds()
    1800.0

    Raises:
        InvalidInput: It cannot be read.
    """
    found = _EXPECTED.fullmatch(text.strip())
    expected = "'provider[:type] count/span [hour-hour] [day-day]', such as 'stripe 1/1h 9-18 mon-fri'"
    if found is None:
        raise InvalidInput.at(field="expected_webhooks", found=repr(text)[:80], expected=expected)
    begins, ends = int(found["begins"] or 0), int(found["ends"] or 24)
    span = int(found["every"]) * _UNITS[found["unit"]]
    days = _days(found["from"], found["to"])
    if not 0 <= begins < ends <= 24 or not int(found["count"]) or not span or days is None:
        raise InvalidInput.at(field="expected_webhooks", found=repr(text)[:80], expected=expected)
    return Expected(
        provider=found["provider"],
        event_type=found["type"],
        count=int(found["count"]),
        span=span,
        begins=begins,
        ends=ends,
        days=days,
    )


def _days(first: str | None, last: str | None) -> frozenset[int] | None:
    if first is None or last is None:
        return frozenset(range(7))
    if first not in _DAYS or last not in _DAYS:
        return None
    begin, end = _DAYS.index(first), _DAYS.index(last)
    return frozenset(day % 7 for day in range(begin, end + 1 + 7 * (end < begin)))


def rhythms(arrivals: Sequence[tuple[str, str, int, int]]) -> list[Rhythm]:
    """Return the rhythm of each provider, and of each of its types.

    *arrivals* are rows of provider, type, hour and count.
    """
    hours: dict[tuple[str, str], dict[int, int]] = {}
    for provider, event_type, hour, count in arrivals:
        for kind in dict.fromkeys(((provider, event_type), (provider, ""))):
            found = hours.setdefault(kind, {})
            found[hour] = found.get(hour, 0) + count
    return [Rhythm(provider=key[0], event_type=key[1], hours=found) for key, found in sorted(hours.items())]


def _spoken(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes / 60:.0f} hours" if minutes < 2880 else f"{minutes / 1440:.0f} days"
