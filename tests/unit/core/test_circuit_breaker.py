"""The breaker's numbers: when it opens, for how long, and when patience ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.circuit_breaker import WARNINGS, BreakerRules, throttle_for

RULES = BreakerRules()
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attempts", "failed", "opens"),
    [(0, 0, False), (9, 9, False), (10, 6, False), (10, 7, True), (100, 69, False), (100, 70, True)],
)
def test_it_opens_at_seventy_percent_of_at_least_ten(attempts: int, failed: int, opens: bool) -> None:
    assert RULES.opens(attempts=attempts, failed=failed) is opens


@given(st.integers(0, 10**9))
def test_every_opening_is_at_least_as_long_as_the_one_before_and_bounded(openings: int) -> None:
    length = RULES.open_for(openings=openings)

    assert RULES.shortest <= length <= RULES.open_for(openings=openings + 1) <= RULES.longest


@given(st.integers(0, 10**9), st.timedeltas(timedelta(0), timedelta(hours=24)))
def test_a_busy_endpoint_is_left_alone_for_what_it_asks_or_for_a_bounded_time(
    throttles: int, asked: timedelta
) -> None:
    length = throttle_for(asked=asked, throttles=throttles)

    assert length == asked if asked else timedelta(seconds=1) <= length <= timedelta(minutes=1)


@pytest.mark.parametrize(
    ("days", "failures", "worn"),
    [(0, 50, 0), (2.4, 50, 0), (2.5, 50, 50), (3.5, 50, 70), (4.6, 50, 90), (5, 50, 100), (50, 9, 0)],
)
def test_patience_wears_out_in_steps_and_never_by_a_few_failures(
    days: float, failures: int, worn: int
) -> None:
    now = MONDAY + timedelta(days=days)

    assert RULES.worn_out(failing_since=MONDAY, failures=failures, now=now) == worn
    assert worn in {0, *WARNINGS, 100}
