"""A gate: what it lets through, and that a rate is never passed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.circuit_breaker import PROBE_TIME
from smart_api_integrations.core.gate import Gate, slowest, source_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
OPEN = Gate(target="ep_1")


@pytest.mark.parametrize(
    ("gate", "allowed"),
    [
        (OPEN, None),
        (replace(OPEN, failing_since=NOON, failures=3), None),
        (replace(OPEN, paused_at=NOON), 0),
        (replace(OPEN, opens_at=NOON + SECOND), 0),
        (replace(OPEN, opens_at=NOON), None),
        (replace(OPEN, opened_at=NOON - SECOND, opens_at=NOON + SECOND), 0),
        (replace(OPEN, opened_at=NOON - SECOND, opens_at=NOON), 1),
        (replace(OPEN, resume_rate=1.0), 1),
    ],
)
def test_a_gate_lets_through_what_nothing_holds_back(gate: Gate, allowed: int | None) -> None:
    assert gate.allows(now=NOON) == allowed
    assert gate.restricts is (gate not in (OPEN, replace(OPEN, failing_since=NOON, failures=3)))


def test_a_probe_shuts_the_gate_behind_itself() -> None:
    gate = replace(OPEN, opened_at=NOON - SECOND, opens_at=NOON).after(1, now=NOON)

    assert gate.allows(now=NOON + PROBE_TIME - SECOND) == 0
    assert gate.allows(now=NOON + PROBE_TIME) == 1


@given(
    rate=st.floats(0.01, 5000),
    steps=st.lists(st.floats(0, 3), min_size=1, max_size=60),
    wanted=st.integers(1, 50),
)
def test_no_span_of_time_lets_more_through_than_its_rate_and_a_small_burst(
    rate: float, steps: list[float], wanted: int
) -> None:
    gate, now, taken = OPEN, NOON, 0
    for step in steps:
        now += timedelta(seconds=step)
        allowed = gate.allows(now=now, rate=rate)
        assert allowed is not None
        count = min(allowed, wanted)
        taken += count
        if count:
            gate = gate.after(count, now=now, rate=rate)
    assert taken <= rate * ((now - NOON).total_seconds() + 0.1) * 1.001 + 1


@given(rate=st.floats(0.01, 5000))
def test_a_rate_that_waits_long_enough_lets_one_through(rate: float) -> None:
    gate = OPEN
    for second in range(3):
        now = NOON + timedelta(seconds=second * max(1, 1.01 / rate))
        assert (gate.allows(now=now, rate=rate) or 0) >= 1
        gate = gate.after(1, now=now, rate=rate)


def test_the_slower_of_two_rates_counts() -> None:
    assert slowest(3.0, None, 2.0) == 2.0
    assert replace(OPEN, resume_rate=1000.0).allows(now=NOON, rate=10.0) == 2


def test_only_a_handler_has_a_source() -> None:
    assert source_of("p:n:module.fn:x") == "p:n"
    assert source_of("p:n") is None
