"""Promises about counting requests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.rate_limits import TokenBucket, Windows, address_key


def taken(bucket: TokenBucket, times: list[float]) -> int:
    return sum(bucket.take(now) == 0 for now in times)


def test_a_burst_is_let_in_at_once_and_then_so_many_a_minute():
    bucket = TokenBucket(per_minute=60, burst=20)

    assert taken(bucket, [0.0] * 30) == 20
    assert taken(bucket, [1.0] * 30) == 1
    assert taken(bucket, [11.0] * 30) == 10
    assert taken(bucket, [1000.0] * 30) == 20


def test_without_a_burst_a_minutes_worth_is_let_in_at_once():
    assert taken(TokenBucket(per_minute=60, burst=None), [0.0] * 100) == 60


def test_who_is_refused_is_told_when_there_is_room():
    bucket = TokenBucket(per_minute=6, burst=1)
    bucket.take(0.0)

    assert bucket.take(4.0) == pytest.approx(6.0)
    assert bucket.take(10.0) == 0


def test_a_token_that_is_given_back_can_be_taken_again_and_no_more_than_there_were():
    bucket = TokenBucket(per_minute=60, burst=1)
    bucket.give_back()

    assert taken(bucket, [0.0, 0.0]) == 1
    bucket.give_back()
    assert taken(bucket, [0.0, 0.0]) == 1


def test_a_clock_that_stands_still_fills_nothing():
    bucket = TokenBucket(per_minute=60, burst=1)

    assert taken(bucket, [5.0, 5.0, 4.0]) == 1


@given(
    st.integers(1, 1000),
    st.integers(1, 100),
    st.lists(st.floats(0, 300, allow_nan=False), min_size=1, max_size=400),
)
def test_no_pattern_of_requests_gets_more_in_than_the_burst_and_the_rate(per_minute, burst, moments):
    moments.sort()

    let_in = taken(TokenBucket(per_minute=per_minute, burst=burst), moments)

    assert let_in <= burst + (moments[-1] - moments[0]) * per_minute / 60 + 1e-6


def test_a_window_counts_from_its_first_hit_and_begins_anew_after_a_minute():
    windows = Windows()

    assert [windows.hit("a", now) for now in (0.0, 1.0, 59.9)] == [1, 2, 3]
    assert windows.seconds_left("a", 20.0) == 40.0
    assert windows.count("a", 59.9) == 3
    assert windows.count("a", 60.0) == 0
    assert windows.hit("a", 60.0) == 1


def test_addresses_are_counted_apart():
    windows = Windows()
    windows.hit("a", 0.0)

    assert windows.hit("b", 0.0) == 1
    assert windows.count("c", 0.0) == 0


def test_a_flood_of_addresses_takes_no_more_memory_than_is_meant_for_it():
    windows = Windows(most=100)

    for number in range(10_000):
        windows.hit(str(number), 0.0)

    assert len(windows) == 100
    assert windows.count("9999", 0.0) == 1
    assert windows.count("1", 0.0) == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.7", "192.0.2.8", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("fe80::1%eth0", "fe80::2", True),
        (None, None, True),
        ("a:b", "no:address", True),
    ],
)
def test_an_ipv6_sender_is_its_network(one, other, same):
    assert (address_key(one) == address_key(other)) is same
