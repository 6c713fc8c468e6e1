"""What a replay's filter names, and which filters cannot be."""

from datetime import UTC, datetime, timedelta

import pytest

from smart_api_integrations.core.lifecycle import ROADS, Kind, State
from smart_api_integrations.core.replay import (
    DEFAULT_RATE,
    OVER,
    Mode,
    ReplayFilter,
    ReplayOutcomes,
    ReplayState,
    checked_replay_rate,
)
from smart_api_integrations.errors import InvalidInput

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def asked(kind: Kind = Kind.HANDLING, **values) -> ReplayFilter:
    return ReplayFilter(kind=kind, **values)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"kind": Kind.DELIVERY, "provider": "github"}, "provider"),
        ({"states": (State.COMPLETED,)}, "status"),
        ({"mode": Mode.ALL, "states": (State.DELIVERED,)}, "no end of a handling"),
        ({"mode": Mode.ALL, "states": (State.PROCESSING,)}, "no end of a handling"),
        ({"since": NOON, "until": NOON}, "earlier"),
        ({"event_type": ""}, "empty"),
        ({"target": "x" * 513}, "longer"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(wrong, says):
    with pytest.raises(InvalidInput, match=says):
        asked(**wrong).check()


def test_a_filter_that_means_something_is_not():
    asked(mode=Mode.ALL, states=(State.SKIPPED,), since=NOON - timedelta(1), until=NOON).check()
    asked(Kind.DELIVERY, event_type="order.*", target="ep_1", tenant="acme").check()


@pytest.mark.parametrize("kind", list(Kind))
def test_which_states_each_mode_wants(kind):
    ends = ROADS[kind].ends

    assert [state for state in State if asked(kind).wants_state(state)] == [State.FAILED]
    assert {state for state in State if asked(kind, mode=Mode.ALL).wants_state(state)} == ends
    one = asked(kind, mode=Mode.ALL, states=(ROADS[kind].done,))
    assert [state for state in State if one.wants_state(state)] == [ROADS[kind].done]


def test_both_ends_of_the_time_are_inside():
    day = asked(since=NOON, until=NOON + timedelta(days=1))

    assert day.wants_subject("default", NOON)
    assert day.wants_subject("default", NOON + timedelta(days=1))
    assert not day.wants_subject("default", NOON - timedelta(microseconds=1))
    assert not day.wants_subject("default", NOON + timedelta(days=1, microseconds=1))
    assert asked().wants_subject("anybody", NOON)
    assert not asked(tenant="acme").wants_subject("default", NOON)


def test_a_source_names_all_of_its_handlers():
    source = asked(target="github:default")

    assert source.wants_target("github:default:shop.on_push")
    assert not source.wants_target("github:other:shop.on_push")
    assert asked(target="github:default:shop.on_push").wants_target("github:default:shop.on_push")
    assert asked().wants_target("anything")


def test_types_are_patterns():
    assert asked(event_type="pull_request.*").wants_type("pull_request", "opened")
    assert not asked(event_type="order.*").wants_type(None)
    assert asked().wants_type(None)


def test_rates():
    assert checked_replay_rate(None) == DEFAULT_RATE
    assert checked_replay_rate(2) == 2.0
    for wrong in (0, -1, float("nan"), float("inf"), 1e9):
        with pytest.raises(InvalidInput, match="rate"):
            checked_replay_rate(wrong)


def test_outcomes_add_up():
    assert ReplayOutcomes(done=1, failed=2, open=3, other=4).counted == 10


@pytest.mark.parametrize("state", list(ReplayState))
def test_a_job_that_is_over_stays_so(state):
    assert (state in OVER) is (state in {ReplayState.COMPLETED, ReplayState.CANCELLED})


def test_an_action_is_part_of_what_a_pattern_names():
    opened = asked(event_type="pull_request.opened")

    assert opened.wants_type("pull_request", "opened")
    assert not opened.wants_type("pull_request", "closed")
