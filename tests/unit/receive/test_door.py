"""Promises about who may come in, and what those get who may not."""

from __future__ import annotations

import pytest

from smart_api_integrations.core.inbound_webhook import InboundWebhook, RateLimit
from smart_api_integrations.core.signatures.none_scheme import NoneScheme
from smart_api_integrations.errors import SignatureMismatch, TooBusy, TooManyRequests
from smart_api_integrations.receive.door import FLOOD_BODY_SECONDS, Door, DoorRules

LIMIT = RateLimit(requests_per_minute=60, burst_limit=2)
WEBHOOK = InboundWebhook(provider="a", scheme=NoneScheme(), rate_limit=LIMIT)
OTHER = InboundWebhook(provider="b", scheme=NoneScheme(), rate_limit=LIMIT)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Counts:
    """Counts of other processes, as they stand."""

    def __init__(self, *, room: bool = True, full: bool = False) -> None:
        self.room = room
        self.full = full
        self.added: list[tuple[str, str, int]] = []

    async def has_room(self, kind: str, key: str, *, per_minute: int) -> bool:
        return self.room

    def add(self, kind: str, key: str, *, per_minute: int) -> None:
        self.added.append((kind, key, per_minute))

    def is_full(self, kind: str, key: str) -> bool:
        return self.full


@pytest.fixture
def clock() -> Clock:
    return Clock()


def door(clock: Clock, shared: Counts | None = None, **rules) -> Door:
    return Door(DoorRules(clock=clock, **rules), shared)


def struck(of: Door, times: int, address: str = "192.0.2.7") -> list[str]:
    return [of.strike(address, SignatureMismatch()).reason for _ in range(times)]


async def test_beyond_its_burst_a_webhook_takes_no_more_and_says_when(clock):
    guarded = door(clock)
    for _ in range(2):
        await guarded.take_token(WEBHOOK, LIMIT)

    with pytest.raises(TooManyRequests) as refused:
        await guarded.take_token(WEBHOOK, LIMIT)

    assert refused.value.retry_after == 1
    await guarded.take_token(OTHER, LIMIT)
    clock.now += 1
    await guarded.take_token(WEBHOOK, LIMIT)


async def test_a_token_that_was_for_no_event_is_given_back(clock):
    guarded = door(clock)
    for _ in range(20):
        await guarded.take_token(WEBHOOK, LIMIT)
        guarded.give_back(WEBHOOK, LIMIT)

    await guarded.take_token(WEBHOOK, LIMIT)


async def test_what_other_processes_let_in_counts_too(clock):
    counts = Counts(room=False)

    with pytest.raises(TooManyRequests):
        await door(clock, counts).take_token(WEBHOOK, LIMIT)

    door(clock, counts).count_event(WEBHOOK, LIMIT)
    assert counts.added == [("webhook", "a/default", 60)]


def test_an_address_gets_its_answers_up_to_the_limit_and_429_beyond(clock):
    guarded = door(clock, per_ip=3)

    assert struck(guarded, 5) == ["signature_mismatch"] * 3 + ["too_many_requests"] * 2
    assert struck(guarded, 1, "192.0.2.8") == ["signature_mismatch"]
    clock.now += 60
    assert struck(guarded, 1) == ["signature_mismatch"]


def test_a_429_says_how_long_the_minute_still_is(clock):
    guarded = door(clock, per_ip=1)
    struck(guarded, 1)
    clock.now += 18.5

    rejection = guarded.strike("192.0.2.7", SignatureMismatch())

    assert isinstance(rejection, TooManyRequests)
    assert rejection.retry_after == 42


@pytest.mark.parametrize(
    ("per_ip", "flood", "limit"), [(0, 2, 2), (2, 0, 2), (2, 3, 2), (3, 2, 2), (0, 0, 100)]
)
def test_either_limit_can_be_turned_off(clock, per_ip, flood, limit):
    guarded = door(clock, per_ip=per_ip, flood=flood)

    assert struck(guarded, limit) == ["signature_mismatch"] * limit


def test_both_turned_off_nobody_is_counted(clock):
    assert set(struck(door(clock, per_ip=0, flood=0), 1000)) == {"signature_mismatch"}


def test_beyond_the_flood_limit_bodies_must_come_at_once(clock):
    guarded = door(clock, per_ip=1, flood=3, body_seconds=10)
    struck(guarded, 3)
    before = guarded.body_seconds("192.0.2.7")
    struck(guarded, 1)

    assert (before, guarded.body_seconds("192.0.2.7")) == (10, FLOOD_BODY_SECONDS)
    assert guarded.body_seconds("192.0.2.8") == 10
    assert guarded.is_flooded_by("192.0.2.7")
    clock.now += 60
    assert not guarded.is_flooded_by("192.0.2.7")


def test_what_others_saw_of_an_address_sharpens_the_limit(clock):
    counts = Counts(full=True)

    assert struck(door(clock, counts, per_ip=100), 1) == ["too_many_requests"]
    assert counts.added == [("address", "192.0.2.7", 100)]


def test_bodies_that_are_arriving_are_bounded_together(clock):
    guarded = door(clock, unverified_bytes=100)
    guarded.arriving(60)

    with pytest.raises(TooBusy):
        guarded.arriving(60)
    guarded.arriving(-60)
    guarded.arriving(-60)
    guarded.arriving(100)


def test_an_address_has_only_so_many_slow_bodies_and_no_other_pays_for_it(clock) -> None:
    guarded = door(clock, slow_bodies=2)
    first, second, third = (guarded.slow_body("192.0.2.7") for _ in range(3))
    other = guarded.slow_body("192.0.2.8")

    assert [first.begin(), second.begin(), third.begin(), other.begin()] == [True, True, False, True]
    third.end()  # what was not counted frees nothing
    assert not guarded.slow_body("192.0.2.7").begin()
    first.end()
    first.end()  # nor does it twice
    assert guarded.slow_body("192.0.2.7").begin()
    assert not guarded.slow_body("192.0.2.7").begin()
