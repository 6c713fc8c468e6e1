"""An endpoint's own schedule: what can be one, and what it says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.send.schedules import LONGEST_WAIT, MAX_ATTEMPTS, read_schedule


@pytest.mark.parametrize(
    ("given_schedule", "waits", "jitter"),
    [
        ([], [], 0.2),
        ([5, 60.5], [5, 60.5], 0.2),
        ({"attempts": 3}, [5, 10], 0.2),
        ({"first": 1, "factor": 10, "longest": 50, "attempts": 5, "jitter": 0}, [1, 10, 50, 50], 0),
    ],
)
def test_a_schedule_is_a_list_or_exponential(given_schedule: Any, waits: list[float], jitter: float) -> None:
    schedule = read_schedule(given_schedule)

    assert schedule is not None
    assert [wait.total_seconds() for wait in schedule.waits] == waits
    assert (schedule.jitter, schedule.attempts) == (jitter, len(waits) + 1)
    assert read_schedule(schedule) is schedule


def test_none_is_the_standard_schedule() -> None:
    assert read_schedule(None) is None


@pytest.mark.parametrize(
    "wrong",
    [
        "5,60",
        5,
        [-1],
        [LONGEST_WAIT + 1],
        ["5"],
        [True],
        [float("nan")],
        [1] * MAX_ATTEMPTS,
        {"first": 0},
        {"factor": 0.5},
        {"attempts": MAX_ATTEMPTS + 1},
        {"jitter": 2},
        {"base": 2},
        {"first": None},
    ],
)
def test_what_cannot_be_a_schedule_is_refused_by_its_name(wrong: Any) -> None:
    with pytest.raises(InvalidInput, match="retry_schedule"):
        read_schedule(wrong)


@given(
    first=st.floats(0.1, LONGEST_WAIT),
    factor=st.floats(1, 10),
    longest=st.floats(0.1, LONGEST_WAIT),
    attempts=st.integers(1, MAX_ATTEMPTS),
)
def test_no_exponential_wait_passes_the_longest_or_shrinks(
    first: float, factor: float, longest: float, attempts: int
) -> None:
    schedule = read_schedule({"first": first, "factor": factor, "longest": longest, "attempts": attempts})

    assert schedule is not None
    waits = [wait.total_seconds() for wait in schedule.waits]
    assert len(waits) == attempts - 1
    assert waits == sorted(waits)
    assert all(wait <= longest + 1e-6 for wait in waits)
