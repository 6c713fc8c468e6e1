"""States: one road for each kind of work, and no way back but a replay."""

from __future__ import annotations

import itertools

import pytest

from smart_api_integrations.core.lifecycle import ROADS, Kind, State, event_state, may_follow


@pytest.mark.parametrize("kind", Kind)
def test_work_that_waits_can_only_begin_or_be_cancelled(kind):
    road = ROADS[kind]
    for before in (road.fresh, State.RETRY_SCHEDULED):
        followers = {after for after in State if may_follow(kind, before, after)}
        assert followers - {State.CANCELLED} == {road.running}


@pytest.mark.parametrize("kind", Kind)
def test_what_is_over_is_only_followed_by_a_replay(kind):
    road = ROADS[kind]
    for before, after in itertools.product(road.ends, State):
        assert may_follow(kind, before, after) is (after is road.fresh)


def test_a_handling_is_never_cancelled():
    assert not may_follow(Kind.HANDLING, State.VERIFIED, State.CANCELLED)


@pytest.mark.parametrize(
    ("handlings", "expected"),
    [
        ([], State.NO_HANDLER),
        ([State.NO_HANDLER], State.NO_HANDLER),
        ([State.NO_HANDLER, State.SKIPPED], State.SKIPPED),
        ([State.COMPLETED], State.COMPLETED),
        ([State.COMPLETED, State.SKIPPED], State.COMPLETED),
        ([State.SKIPPED], State.SKIPPED),
        ([State.COMPLETED, State.VERIFIED], State.VERIFIED),
        ([State.VERIFIED, State.PROCESSING], State.PROCESSING),
        ([State.PROCESSING, State.RETRY_SCHEDULED], State.RETRY_SCHEDULED),
        ([State.COMPLETED, State.RETRY_SCHEDULED, State.FAILED], State.FAILED),
    ],
)
def test_an_event_is_as_bad_as_the_worst_of_its_handlings(handlings, expected):
    assert event_state(handlings) is expected
