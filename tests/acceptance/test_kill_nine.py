"""What was acknowledged survives SIGKILL, on both engines; a server that is broken on purpose loses some."""

from __future__ import annotations

import pytest

from benchmarks.kill_nine import fresh_database, run

pytestmark = pytest.mark.slow

ENGINES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.mark.parametrize("engine", ENGINES)
def test_no_acknowledged_event_is_missing_after_kills(engine: str) -> None:
    with fresh_database(engine) as (url, folder):
        score = run(url, folder, program="real", kills=5, seed=7)

    assert len(score.acknowledged) > 100
    assert score.missing == 0


def test_a_server_that_acknowledges_before_the_commit_is_caught() -> None:
    with fresh_database("sqlite") as (url, folder):
        score = run(url, folder, program="broken", kills=5, seed=7)

    assert score.missing > 0
