"""Reading a body: up to the limit, within the deadline, and not a byte more."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.webhook_schema import Headers
from smart_api_integrations.errors import BodyTooLarge, BodyTooSlow, MalformedRequest
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
