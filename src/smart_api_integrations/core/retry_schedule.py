"""When the next attempt of a piece of work is due, or that there is none. Floor 1.

Rules:

1. A schedule is a list of waits. Attempt n is followed by wait n; after the last wait the
   work is a dead letter.
2. A receiver that says when to come back (``Retry-After``) is believed, but never sooner than
   the schedule and never later than ``longest_wait``; jitter comes on top.
3. Nothing here reads a clock or rolls a die: the caller passes the die, and adds the wait to
   the store's own clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySchedule:
    """The waits between the attempts of one piece of work.

    Attributes:
        waits: What follows the first failed attempt, the second, and so on.
        longest_wait: The most that a receiver's ``Retry-After`` can ask for.
        jitter: The share by which each wait is spread at random, both ways, 0 to 1.
    """

    waits: tuple[timedelta, ...]
    longest_wait: timedelta = timedelta(hours=24)
    jitter: float = 0.2

    @property
    def attempts(self) -> int:
        """How many attempts there are in all."""
        return len(self.waits) + 1

    def next_wait(
        self,
        *,
        failures: int,
        random: Callable[[], float],
        asked: timedelta | None = None,
    ) -> timedelta | None:
        """Return how long to wait after the *failures*-th failure, or None for a dead letter.

        *random* returns a number from 0 to 1; *asked* is what the receiver's ``Retry-After`` said.

        >>> hourly = RetrySchedule(waits=(timedelta(hours=1),), jitter=0)
        >>> hourly.next_wait(failures=1, random=lambda: 0)
        datetime.timedelta(seconds=3600)
        >>> hourly.next_wait(failures=2, random=lambda: 0) is None
        True
        """
        if failures > len(self.waits):
            return None
        wait = self.waits[max(failures, 1) - 1]
        spread = 1 + self.jitter * (2 * random() - 1)
        if asked is None:
            return wait * spread
        return max(wait * spread, min(asked, self.longest_wait))


def doubling(*, attempts: int, first_wait: timedelta) -> RetrySchedule:
    """Return the schedule of the third seed: *attempts* in all, each wait twice the one before.

    It has no jitter: whoever sets ``retry_delay`` counts on the exact seconds.

    >>> [int(wait.total_seconds()) for wait in doubling(attempts=4, first_wait=timedelta(seconds=5)).waits]
    [5, 10, 20]
    """
    waits = tuple(first_wait * 2**step for step in range(max(attempts, 1) - 1))
    return RetrySchedule(waits=waits, jitter=0)


def exponential(
    *, attempts: int, first_wait: timedelta, factor: float, longest_wait: timedelta, jitter: float
) -> RetrySchedule:
    """Return a schedule of *attempts* in all, each wait *factor* times the one before, up to *longest_wait*.

    >>> schedule = exponential(attempts=5, first_wait=timedelta(seconds=1), factor=3,
    ...                        longest_wait=timedelta(seconds=10), jitter=0)
    >>> [wait.total_seconds() for wait in schedule.waits]
    [1.0, 3.0, 9.0, 10.0]
    """
    waits = []
    wait = min(first_wait, longest_wait)
    for _ in range(max(attempts, 1) - 1):
        waits.append(wait)
        wait = min(longest_wait, wait * factor)
    return RetrySchedule(waits=tuple(waits), jitter=jitter)


def _minutes(*minutes: float) -> tuple[timedelta, ...]:
    return tuple(timedelta(minutes=value) for value in minutes)


HANDLINGS = RetrySchedule(waits=_minutes(5 / 60, 0.5, 5))
"""The fourth seed's default: 5 s, 30 s, 300 s."""

DELIVERIES = RetrySchedule(waits=_minutes(5 / 60, 5, 30, 120, 300, 600, 840, 1200, 1440))
"""Standard Webhooks' example schedule: ten attempts over 75 hours and 35 minutes."""
