"""Places: caps hold, targets take turns, and who holds too much of one target refuses more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.journal import Claim, Work
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.work.slots import QUEUED_PER_PLACE, Slots

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def claim(target: str, number: int = 0) -> Claim:
    work = Work(
        id=f"dlv_{target}{number}",
        kind=Kind.DELIVERY,
        subject_id="msg_1",
        target=target,
        state=State.DELIVERING,
        max_attempts=1,
        due_at=None,
        created_at=NOW,
        updated_at=NOW,
    )
    return Claim(work=work)


def slots(concurrency: int = 4, per_target: int = 2) -> Slots:
    return Slots(concurrency=concurrency, target_concurrency=lambda _: per_target)


def started(places: Slots) -> list[Claim]:
    return list(iter(places.next_to_run, None))


def drain(places: Slots) -> list[str]:
    return [found.work.target for found in started(places)]


def test_a_slow_target_cannot_take_every_place():
    places = slots()
    places.hold([claim("slow", number) for number in range(4)] + [claim("quick")])
    assert drain(places) == ["slow", "quick", "slow"]


def test_a_place_that_became_free_goes_to_what_waited():
    places = slots(per_target=1)
    places.hold([claim("a", 1), claim("a", 2)])
    assert drain(places) == ["a"]
    places.ran("a")
    assert drain(places) == ["a"]


def test_a_target_with_too_much_waiting_is_refused_until_half_is_gone():
    places = slots(per_target=1)
    places.hold([claim("a", number) for number in range(QUEUED_PER_PLACE)])
    assert places.full_targets == {"a"}
    told = [places.let_go(claim("a", number).work) for number in range(QUEUED_PER_PLACE)]
    assert told == [False, True, False, True]
    assert places.full_targets == frozenset()


def test_there_is_no_room_beyond_what_may_be_held():
    places = slots(concurrency=1, per_target=100)
    places.hold([claim("a", number) for number in range(QUEUED_PER_PLACE)])
    assert places.room == 0


def test_work_whose_lease_was_lost_and_won_again_is_held_until_the_second_run_ends():
    places = slots()
    first = claim("a")
    second = replace(first, work=replace(first.work, fence=first.work.fence + 1))
    places.hold([first])
    places.hold([second])

    places.let_go(first.work)

    assert (places.held, list(places.held_ids)) == (1, [first.work.id])


def test_at_a_stop_what_does_not_run_is_dropped():
    places = slots(concurrency=1)
    places.hold([claim("a", number) for number in range(3)])
    assert drain(places) == ["a"]
    assert places.drop_queued() == 2
    assert (places.held, places.next_to_run()) == (1, None)


@given(st.lists(st.sampled_from("abc"), max_size=60), st.integers(1, 5), st.integers(1, 3))
def test_everything_held_runs_once_and_no_cap_is_ever_passed(targets, concurrency, per_target):
    places = slots(concurrency, per_target)
    places.hold([claim(target, number) for number, target in enumerate(targets)])
    running: list[Claim] = []
    finished: list[str] = []
    while places.held:
        running += started(places)
        now = [each.work.target for each in running]
        assert 0 < len(now) <= concurrency
        assert all(now.count(target) <= per_target for target in now)
        done = running.pop(0).work
        places.ran(done.target)
        assert done.id in places.held_ids
        places.let_go(done)
        finished.append(done.target)
    assert sorted(finished) == sorted(targets)
