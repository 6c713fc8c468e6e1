"""Whatever is killed, hung or restarted: nothing acknowledged is lost, and the books balance."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from benchmarks.chaos import Balance, run
from tests.own_services import postgres_programs

pytestmark = pytest.mark.slow


@pytest.mark.skipif(postgres_programs() is None, reason="PostgreSQL's programs are not here")
@pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not here")
def test_two_gateways_and_three_workers_lose_nothing_while_all_is_killed_and_restarted():
    balance = run(seconds=25, pause=1.5, seed=3)

    assert balance.faults() == []
    assert balance.acknowledged > 50
    assert sum(balance.disturbances.values()) >= 5


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"acknowledged": 0}, "nothing was acknowledged"),
        ({"missing_events": 1}, "1 acknowledged events are not kept"),
        ({"never_handled": 2}, "2 events were never handled"),
        ({"never_arrived": 3}, "3 messages never arrived"),
        ({"dead": 1}, "1 dead letters"),
        ({"drained_after": None}, "it was not drained"),
        ({"longest_orphaned": 60.0}, "a lease stood 60 s beyond its end"),
    ],
)
def test_a_balance_that_does_not_hold_is_told(broken, says):
    good: dict[str, Any] = {"acknowledged": 10, "drained_after": 1.0}

    assert Balance(**good).faults() == []
    assert Balance(**(good | broken)).faults() == [says]


def test_repeats_beyond_what_was_under_way_are_told():
    balance = Balance(acknowledged=1, drained_after=1.0)
    balance.runs.update({"evt_1": 2})
    balance.arrivals.update({"evt_1": 2})

    assert len(balance.faults()) == 2
    balance.disturbances["kill worker"] = 1
    assert balance.faults() == []
