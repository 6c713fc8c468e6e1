"""The gate before a target: whether its work may begin now, and how much of it. Floor 1.

A target is a handler or an endpoint; a source has a gate too, before all of its handlers. A target that
nothing is the matter with has no gate. What a gate holds back waits in the store, and is counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from smart_api_integrations.core.circuit_breaker import PROBE_TIME

BURST = timedelta(seconds=0.1)
"""How much of a rate may begin at once: more would be a burst, less would be a wake-up for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What holds back the work of one target.

    Attributes:
        target: An endpoint's id, a handler's name, or a source: ``provider:name``.
        paused_at: When somebody paused it, or it was switched off; None while it is not.
        opens_at: Before this nothing more begins: a rate's next place, the end of an open breaker, or the
            time that a busy endpoint asked for.
        resume_rate: How much may begin in a second until its backlog is gone; None for no such limit.
        opened_at: When its breaker opened; None while it is closed.
        openings: How often it opened without a success in between.
        throttles: How often it answered that it is too busy, without a success in between.
        failing_since: The first failure after the last success; None where the last attempt succeeded.
        failures: How many there were since then.
        warned: The last warning that was sent, in percent of the patience.
    """

    target: str
    paused_at: datetime | None = None
    opens_at: datetime | None = None
    resume_rate: float | None = None
    opened_at: datetime | None = None
    openings: int = 0
    throttles: int = 0
    failing_since: datetime | None = None
    failures: int = 0
    warned: int = 0

    @property
    def restricts(self) -> bool:
        """Whether it holds back anything, as far as is known without a clock."""
        held = (self.paused_at, self.opens_at, self.opened_at, self.resume_rate)
        return any(each is not None for each in held)

    def allows(self, *, now: datetime, rate: float | None = None) -> int | None:
        """Return how much may begin now; None for no limit. *rate* is the target's own, per second."""
        if self.paused_at is not None or (self.opens_at is not None and self.opens_at > now):
            return 0
        if self.opened_at is not None:
            return 1  # the probe
        pace = slowest(rate, self.resume_rate)
        if pace is None:
            return None
        return int((now - self._base(now)) / timedelta(seconds=1 / pace)) + 1

    def after(self, count: int, *, now: datetime, rate: float | None = None) -> Gate:
        """Return the gate after *count* began."""
        if self.opened_at is not None:
            return replace(self, opens_at=now + PROBE_TIME)
        pace = slowest(rate, self.resume_rate)
        if pace is None:
            return self
        return replace(self, opens_at=self._base(now) + count * timedelta(seconds=1 / pace))

    def _base(self, now: datetime) -> datetime:
        """Return the first place of the rate that is not taken and not forgone."""
        return now - BURST if self.opens_at is None else max(self.opens_at, now - BURST)


def slowest(*rates: float | None) -> float | None:
    """Return the least of *rates*; None where there is none.

    >>> slowest(None, 5.0, 2.0), slowest(None, None)
    (2.0, None)
    """
    return min((rate for rate in rates if rate is not None), default=None)


def source_of(target: str) -> str | None:
    """Return the source of a handler's name, ``provider:name``; None for an endpoint or a source.

    >>> source_of("github:default:shop.on_push"), source_of("github:default"), source_of("ep_1")
    ('github:default', None, None)
    """
    parts = target.split(":", 2)
    return ":".join(parts[:2]) if len(parts) == 3 else None
