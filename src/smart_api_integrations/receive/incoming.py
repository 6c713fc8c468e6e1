"""A request that is still arriving: its head, and its body in pieces. Floor 4.

Servers do not bound how long a body may take or how large it gets, so it is done here: a body is read
up to the webhook's limit and no further, within a deadline, and at ``LEAST_RATE`` after ``GRACE_SECONDS``.
One that is still not whole after ``SLOW_SECONDS`` is slow, and an address may have only so many of those.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, Self

from smart_api_integrations.core.webhook_schema import Headers
from smart_api_integrations.errors import BodyTooLarge, BodyTooSlow, MalformedRequest, TooBusy

NextPiece = Callable[[], Awaitable[tuple[bytes, bool]]]

SLOW_SECONDS = 1.0
GRACE_SECONDS = 5.0
LEAST_RATE = 500.0
"""Bytes a second, on the whole: as Apache's ``RequestReadTimeout body=…,MinRate=500``."""


class SlowBody(Protocol):
    """Counts the slow bodies of one address."""

    def begin(self) -> bool:
        """Count one more; return whether the address may have it."""

    def end(self) -> None:
        """Count one less, if one was begun."""


class _Unlimited:
    def begin(self) -> bool:
        return True

    def end(self) -> None:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingRequest:
    """The head of a request, and a way to read on.

    Attributes:
        headers: Pairs as received, in order; names with an underscore are already dropped, because a
            proxy may have made them out of others.
        next_piece: Returns the next piece of the body and whether more follow.
            Raises ``ConnectionError`` where the sender hung up.
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    remote_address: str | None
    next_piece: NextPiece


def check_size(body: bytes | bytearray, limit: int) -> None:
    """Return if *body* is not larger than *limit*.

    Raises:
        BodyTooLarge: It is.
    """
    if len(body) > limit:
        raise BodyTooLarge


def announces_body(headers: Headers) -> bool:
    """Tell whether the head of a request says that a body follows it."""
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _uncounted(more: int) -> None:
    """Count nothing."""


async def read_body(
    request: IncomingRequest,
    headers: Headers,
    *,
    limit: int,
    seconds: float,
    arriving: Callable[[int], None] = _uncounted,
    slow: SlowBody | None = None,
) -> bytes:
    """Return the whole body.

    Args:
        request: Where to read.
        headers: The request's headers.
        limit: The most bytes that are read.
        seconds: How long the whole body may take.
        arriving: Told how many bytes were taken of a body that is not complete, and of all of them, as
            a negative number, in the end. Raises ``TooBusy`` where there are too many.
        slow: Counts the slow bodies of the sender's address.

    Raises:
        BodyTooLarge: It is, or says that it is, larger than *limit*; nothing more is read.
        BodyTooSlow: It did not arrive in time, or came too slowly.
        TooBusy: Too many bodies are arriving, or too many slow ones from this address.
        MalformedRequest: The length is not a number, or the sender hung up.
    """
    _check_length(headers.get("content-length"), limit)
    patience = _Patience(seconds, slow or _Unlimited())
    try:
        async with patience.limit:
            return await _read_all(request.next_piece, limit, arriving, patience)
    except TimeoutError as error:
        raise (TooBusy if patience.is_refused else BodyTooSlow) from error
    except ConnectionError as error:
        message = "The sender hung up before the body was complete."
        raise MalformedRequest(message) from error


def _check_length(stated: str | None, limit: int) -> None:
    if stated is None:
        return
    if not (stated.isascii() and stated.isdigit() and len(stated) < 16):  # RFC 9110, 8.6; a size that fits
        message = "Content-Length is not a number."
        raise MalformedRequest(message)
    if int(stated) > limit:
        raise BodyTooLarge


class _Patience:
    """How long one body is waited for.

    Attributes:
        limit: The time-out around the reading.
        is_refused: Whether the time-out came because the address has too many slow bodies.
    """

    def __init__(self, seconds: float, slow: SlowBody) -> None:
        """Begin to wait, *seconds* at most."""
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._seconds = seconds
        self._slow = slow
        self._timer: asyncio.TimerHandle | None = None
        self.limit = asyncio.timeout(seconds)
        self.is_refused = False

    def __enter__(self) -> Self:
        """Wait for a body of which more is to come."""
        self._timer = self._loop.call_later(SLOW_SECONDS, self._is_slow)
        return self

    def __exit__(self, *_: object) -> None:
        """Wait no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._slow.end()

    def go_on(self, received: int) -> None:
        """Wait for the next piece as long as the rate of all that was *received* allows."""
        if not self.is_refused:
            left = min(self._seconds, GRACE_SECONDS + received / LEAST_RATE)
            self.limit.reschedule(self._began + left)

    def _is_slow(self) -> None:
        if not self._slow.begin():
            self.is_refused = True
            self.limit.reschedule(self._loop.time())


async def _read_all(
    next_piece: NextPiece, limit: int, arriving: Callable[[int], None], patience: _Patience
) -> bytes:
    piece, more = await next_piece()
    if not more:  # the usual case: no copy
        check_size(piece, limit)
        return piece
    body = bytearray()
    with patience:
        try:
            while more:
                body += piece
                arriving(len(piece))
                check_size(body, limit)
                patience.go_on(len(body))
                piece, more = await next_piece()
        finally:
            arriving(-len(body))
    body += piece
    check_size(body, limit)
    return bytes(body)
