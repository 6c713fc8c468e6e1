"""Reading a body: up to the limit, within the deadline, and not a byte more."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.webhook_schema import Headers
from smart_api_integrations.errors import BodyTooLarge, BodyTooSlow, MalformedRequest, TooBusy
from smart_api_integrations.receive import incoming as reading
from smart_api_integrations.receive.incoming import NextPiece, read_body
from tests.github_requests import incoming, pieces


def read(next_piece: NextPiece, *, limit: int = 10, timeout: float = 20, length: str | None = None) -> bytes:
    headers = Headers({} if length is None else {"Content-Length": length})
    request = incoming(next_piece=next_piece)
    return asyncio.run(read_body(request, headers, limit=limit, seconds=timeout))


async def unread() -> tuple[bytes, bool]:
    pytest.fail("the body was read")


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=6), st.integers(0, 40))
def test_a_body_is_whole_or_too_large_however_it_is_cut(parts: list[bytes], limit: int) -> None:
    whole = b"".join(parts)

    try:
        body = read(pieces(*parts), limit=limit)
    except BodyTooLarge:
        assert len(whole) > limit
    else:
        assert body == whole
        assert len(whole) <= limit


def test_an_endless_body_is_read_to_the_limit_and_no_further() -> None:
    count = 0

    async def endless() -> tuple[bytes, bool]:
        nonlocal count
        count += 1
        return b"1234", True

    with pytest.raises(BodyTooLarge):
        read(endless)
    assert count == 3


def test_a_stated_length_beyond_the_limit_is_refused_before_reading() -> None:
    with pytest.raises(BodyTooLarge):
        read(unread, length="11")


@pytest.mark.parametrize("length", ["", "-1", "+1", "1.0", "0x1", "1_0", "1 1", "\u0661", "9" * 16, "1, 1"])
def test_a_length_that_is_no_number_is_malformed(length: str) -> None:
    with pytest.raises(MalformedRequest, match="Content-Length"):
        read(unread, length=length)


def test_a_stated_length_within_the_limit_is_not_believed_for_what_comes() -> None:
    with pytest.raises(BodyTooLarge):
        read(pieces(b"12345", b"678901"), length="5")


def test_the_deadline_is_for_the_whole_body() -> None:
    """One byte now and then does not keep a connection for ever."""

    async def drip() -> tuple[bytes, bool]:
        await asyncio.sleep(0)
        return b"", True

    with pytest.raises(BodyTooSlow):
        read(drip, timeout=0.01)


def test_a_sender_that_hangs_up_is_told_apart() -> None:
    async def hung_up() -> tuple[bytes, bool]:
        raise ConnectionResetError

    with pytest.raises(MalformedRequest, match="hung up"):
        read(hung_up)


class Slow:
    """Counts as the door does."""

    def __init__(self, *, may: bool) -> None:
        self.may = may
        self.told: list[str] = []

    def begin(self) -> bool:
        self.told.append("begin")
        return self.may

    def end(self) -> None:
        self.told.append("end")


def slowly(monkeypatch: pytest.MonkeyPatch, slow: Slow, *parts: bytes) -> bytes:
    """Read a body whose sender falls silent after *parts*, by a clock that is quick."""
    monkeypatch.setattr(reading, "SLOW_SECONDS", 0.01)
    monkeypatch.setattr(reading, "GRACE_SECONDS", 0.03)
    left = list(parts)

    async def next_piece() -> tuple[bytes, bool]:
        if left:
            return left.pop(0), True
        await asyncio.Event().wait()
        raise AssertionError

    request = incoming(next_piece=next_piece)
    return asyncio.run(read_body(request, Headers({}), limit=10_000, seconds=20, slow=slow))


def test_a_body_that_comes_slower_than_the_least_rate_is_too_slow_long_before_its_deadline(monkeypatch):
    slow = Slow(may=True)

    with pytest.raises(BodyTooSlow):
        slowly(monkeypatch, slow, b"12345")
    assert slow.told == ["begin", "end"]


def test_what_came_quickly_buys_time(monkeypatch):
    """At 500 bytes a second 50 bytes buy a tenth of a second."""
    began = time.monotonic()

    with pytest.raises(BodyTooSlow):
        slowly(monkeypatch, Slow(may=True), b"x" * 50)
    assert time.monotonic() - began >= 0.1


def test_a_slow_body_of_an_address_that_has_too_many_is_refused_at_once(monkeypatch):
    slow = Slow(may=False)

    with pytest.raises(TooBusy):
        slowly(monkeypatch, slow, b"x" * 9_000)
    assert slow.told == ["begin", "end"]


def test_a_quick_body_in_many_pieces_is_not_slow() -> None:
    slow = Slow(may=False)
    request = incoming(next_piece=pieces(b"1", b"2", b"3"))

    assert asyncio.run(read_body(request, Headers({}), limit=10, seconds=20, slow=slow)) == b"123"
    assert slow.told == ["end"]
