"""When an endpoint that fails is left alone, for how long, and when it is switched off. Floor 1.

Rules:

1. A breaker opens where at least ``share`` of at least ``least`` attempts in ``window`` failed. While it
   is open nothing begins; then one attempt, the probe, is let through, over all workers.
2. A probe that succeeds closes it. One that fails opens it again, for twice as long, up to ``longest``.
   What began before it opened says nothing about what is now.
3. An endpoint that answers that it is too busy (429, 502, 503, 504) is left alone for the time that it
   asks for; where it asks for none, for a second, doubled with every such answer, up to a minute.
4. An endpoint that did nothing but fail for ``patience``, and often enough, is switched off. Its owner is
   warned at each of ``WARNINGS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

THROTTLING = frozenset({429, 502, 503, 504})
"""What Standard Webhooks asks a sender to slow down for, and 503, which RFC 9110 gives a Retry-After."""

WARNINGS = (50, 70, 90)
"""Percent of the patience after which a warning is sent; Outpost's steps."""

OURS = frozenset(
    {
        "filter_failed",
        "transformation_failed",
        "secret_unreadable",
        "message_gone",
        "hop_limit",
        "invalid_request",
    }
)
"""Codes of failures that say nothing about an endpoint: it was never called."""

PROBE_TIME = timedelta(seconds=90)
"""How long a probe may be on its way, longer than any endpoint's timeout, before another is let through."""

_LONGEST_THROTTLE = timedelta(seconds=60)


def is_endpoints_fault(code: str | None) -> bool:
    """Tell whether a failure of this code counts against its endpoint.

    >>> [is_endpoints_fault(code) for code in ("timeout", "filter_failed", "proxy_refused")]
    [True, False, False]
    """
    return code is None or not (code in OURS or code.startswith("proxy_"))


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRules:
    """The numbers of the rules above; Convoy's, whose breaker is the best of the open ones."""

    share: float = 0.7
    least: int = 10
    window: timedelta = timedelta(minutes=5)
    shortest: timedelta = timedelta(seconds=30)
    longest: timedelta = timedelta(minutes=15)
    patience: timedelta = timedelta(days=5)
    least_failures: int = 10

    def opens(self, *, attempts: int, failed: int) -> bool:
        """Tell whether a breaker opens after *failed* of *attempts* in the window.

        >>> rules = BreakerRules()
        >>> rules.opens(attempts=10, failed=7), rules.opens(attempts=9, failed=9)
        (True, False)
        """
        return attempts >= self.least and failed >= self.share * attempts

    def open_for(self, *, openings: int) -> timedelta:
        """Return how long a breaker stays open that opens for the *openings*-th time in a row.

        >>> [BreakerRules().open_for(openings=n).total_seconds() for n in (1, 2, 6, 1000)]
        [30.0, 60.0, 900.0, 900.0]
        """
        doubled: int = 2 ** min(max(openings, 1) - 1, 16)
        return min(self.shortest * doubled, self.longest)

    def worn_out(self, *, failing_since: datetime, failures: int, now: datetime) -> int:
        """Return how much of the patience is used up: 0, one of ``WARNINGS``, or 100.

        >>> from datetime import UTC
        >>> monday = datetime(2026, 1, 5, tzinfo=UTC)
        >>> BreakerRules().worn_out(failing_since=monday, failures=12, now=monday + timedelta(days=4))
        70
        """
        if failures < self.least_failures:
            return 0
        percent = (now - failing_since) / self.patience * 100
        return max((step for step in (*WARNINGS, 100) if percent >= step), default=0)


BROKER_RULES = BreakerRules(shortest=timedelta(seconds=5), longest=timedelta(minutes=1))
"""Of our own broker: it is one that we are to be back at soon, and it is never switched off."""


def throttle_for(*, asked: timedelta, throttles: int) -> timedelta:
    """Return how long an endpoint is left alone after its *throttles*-th busy answer in a row.

    >>> throttle_for(asked=timedelta(minutes=5), throttles=1).total_seconds()
    300.0
    >>> [throttle_for(asked=timedelta(0), throttles=n).total_seconds() for n in (1, 2, 3, 100)]
    [1.0, 2.0, 4.0, 60.0]
    """
    if asked > timedelta(0):
        return asked
    return min(timedelta(seconds=2 ** min(max(throttles, 1) - 1, 10)), _LONGEST_THROTTLE)
