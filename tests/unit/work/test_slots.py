"""Places: caps hold, targets take turns, and who holds too much of one target refuses more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.journal import Claim, Work
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.work.slots import QUEUED_PER_PLACE, SLOW_AFTER, SLOW_PER_PLACE, Slots

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


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def slots(concurrency: int = 4, per_target: int = 2, clock: Clock | None = None) -> Slots:
    return Slots(concurrency=concurrency, target_concurrency=lambda _: per_target, clock=clock or Clock())


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
    (running,) = started(places)
    places.ran(running.work)
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
        places.ran(done)
        assert done.id in places.held_ids
        places.let_go(done)
        finished.append(done.target)
    assert sorted(finished) == sorted(targets)


def hanging(places: Slots, clock: Clock, *targets: str, each: int = 2) -> list[Claim]:
    """Let runs of *targets* begin, and let them take too long."""
    places.hold([claim(target, number) for target in targets for number in range(each)])
    running = started(places)
    clock.seconds += SLOW_AFTER
    return running


def test_however_many_targets_hang_a_quick_one_runs():
    clock = Clock()
    places = slots(concurrency=4, per_target=2, clock=clock)
    for wave in range(SLOW_PER_PLACE):
        assert len(hanging(places, clock, f"a{wave}", f"b{wave}")) == 4

    places.hold([claim("quick")])

    assert drain(places) == ["quick"]
    assert places.room > 0


def test_the_slow_places_have_an_end_too():
    clock = Clock()
    places = slots(concurrency=1, per_target=1, clock=clock)
    for wave in range(SLOW_PER_PLACE + 1):
        assert hanging(places, clock, f"slow{wave}", each=1)

    places.hold([claim("late")])

    assert drain(places) == []


def test_a_target_that_hung_begins_aside_and_takes_no_place_again():
    clock = Clock()
    places = slots(concurrency=2, per_target=2, clock=clock)
    first, second = hanging(places, clock, "slow")
    places.hold([claim("quick", 1), claim("quick", 2)])
    assert drain(places) == ["quick", "quick"]
    for each in (first, second):
        places.ran(each.work)
        places.let_go(each.work)

    places.hold([claim("slow", 3)])

    assert drain(places) == ["slow"]


def test_of_a_slow_target_no_more_is_held_than_runs_until_it_is_quick_again():
    clock = Clock()
    places = slots(concurrency=2, per_target=2, clock=clock)
    running = hanging(places, clock, "slow")
    assert places.room == 2 * QUEUED_PER_PLACE
    assert places.full_targets == {"slow"}

    places.ran(running[0].work)
    places.let_go(running[0].work)
    places.hold([claim("slow", 7)])
    (again,) = started(places)
    places.ran(again.work)
    places.let_go(again.work)
    places.hold([claim("slow", 8), claim("slow", 9)])

    assert places.full_targets == frozenset()


def test_an_endpoint_may_have_a_cap_of_its_own():
    places = slots(concurrency=9, per_target=2)
    endpoint = Endpoint(
        id="a",
        url="https://a.example",
        events=("*",),
        secret="s",
        concurrency=5,
        created_at=NOW,
        updated_at=NOW,
    )
    places.hold([replace(claim("a", number), endpoint=endpoint) for number in range(9)])

    assert len(started(places)) == 5
