"""Counting wrong keys at the sign-in page, and where it leads afterwards."""

import pytest

from smart_api_integrations.dashboard.pages.login import (
    LONGEST_NEXT,
    TRIES_PER_MINUTE,
    Tries,
    _local,
    _unknown,
)


class Clock:
    """Stands still until it is moved."""

    def __init__(self):
        self.time = 100.0

    def __call__(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


def test_an_address_has_so_many_tries_in_a_minute(clock):
    tries = Tries(clock)
    left = []
    for _ in range(TRIES_PER_MINUTE + 1):
        tries.failed("192.0.2.1")
        left.append(tries.left("192.0.2.1"))

    assert left == [4, 3, 2, 1, 0, 0]
    assert tries.seconds("192.0.2.1") == 60


def test_the_minute_passes(clock):
    tries = Tries(clock)
    for _ in range(TRIES_PER_MINUTE):
        tries.failed("192.0.2.1")
    clock.time += 59.5
    almost = tries.left("192.0.2.1"), tries.seconds("192.0.2.1")
    clock.time += 0.5

    assert almost == (0, 1)
    assert tries.left("192.0.2.1") == TRIES_PER_MINUTE


def test_addresses_are_counted_apart(clock):
    tries = Tries(clock)
    for _ in range(TRIES_PER_MINUTE):
        tries.failed("192.0.2.1")

    assert tries.left("192.0.2.2") == TRIES_PER_MINUTE


def test_one_sender_has_a_whole_network_of_ipv6(clock):
    tries = Tries(clock)
    for number in range(TRIES_PER_MINUTE):
        tries.failed(f"2001:db8::{number}")

    assert tries.left("2001:db8::ffff") == 0


@pytest.mark.parametrize("wanted", ["/", "/events", "/events?status=failed&q=a%2Fb", "/events/evt_1#request"])
def test_a_page_of_ours_is_gone_to(wanted):
    assert _local(wanted) == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "events",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "/a\\b",
        "\\\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: a=b",
        "/a\x00",
        "/login",
        "/logout",
        "/login?next=/events",
        "/" + "a" * LONGEST_NEXT,
    ],
)
def test_nothing_else_is(wanted):
    assert _local(wanted) == ""


@pytest.mark.parametrize(("left", "said"), [(4, "4 tries left"), (1, "1 try left"), (0, "No try left")])
def test_what_is_left_is_told(left, said):
    assert said in _unknown(left)
