"""Waits between attempts: as listed, spread by the jitter, longer only where the receiver asks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.retry_schedule import DELIVERIES, HANDLINGS, RetrySchedule, doubling


def seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


def test_handlings_are_tried_four_times_as_the_fourth_seed_says():
    exact = RetrySchedule(waits=HANDLINGS.waits, jitter=0)
    waits = [exact.next_wait(failures=failures, random=lambda: 0.5) for failures in range(1, 5)]
    assert waits == [seconds(5), seconds(30), seconds(300), None]


def test_deliveries_follow_the_standards_example_over_three_days():
    assert DELIVERIES.attempts == 10
    assert sum(DELIVERIES.waits, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)


@given(st.integers(1, 9), st.floats(0, 1))
def test_jitter_spreads_a_wait_by_a_fifth_at_most(failures, die):
    wait = DELIVERIES.next_wait(failures=failures, random=lambda: die)
    planned = DELIVERIES.waits[failures - 1]
    assert planned * 0.8 <= wait <= planned * 1.2


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(seconds(1), seconds(5)), (seconds(60), seconds(60)), (timedelta(days=9), timedelta(days=1))],
)
def test_a_receiver_can_make_a_wait_longer_up_to_a_day_and_never_shorter(asked, expected):
    schedule = RetrySchedule(waits=(seconds(5),), jitter=0)
    assert schedule.next_wait(failures=1, random=lambda: 0, asked=asked) == expected


def test_a_receiver_cannot_ask_for_more_attempts():
    assert RetrySchedule(waits=()).next_wait(failures=1, random=lambda: 0, asked=seconds(1)) is None


@pytest.mark.parametrize(("attempts", "waits"), [(0, []), (1, []), (3, [5, 10]), (5, [5, 10, 20, 40])])
def test_the_third_seeds_waits_double_without_jitter(attempts, waits):
    schedule = doubling(attempts=attempts, first_wait=seconds(5))
    assert schedule.waits == tuple(seconds(wait) for wait in waits)
    assert schedule.jitter == 0
    assert schedule.attempts == max(attempts, 1)
