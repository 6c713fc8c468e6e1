"""A request that is still arriving: its head, and its body in pieces. Floor 4.

Servers do not bound how long a body may take or how large it gets, so it is done here: a body is read
up to the webhook's limit and no further, within a deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from smart_api_integrations.core.webhook_schema import Headers
from smart_api_integrations.errors import BodyTooLarge, BodyTooSlow, MalformedRequest

NextPiece = Callable[[], Awaitable[tuple[bytes, bool]]]


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
) -> bytes:
    """Return the whole body.

    Args:
        request: Where to read.
        headers: The request's headers.
        limit: The most bytes that are read.
        seconds: How long the whole body may take.
        arriving: Told how many bytes were taken of a body that is not complete, and of all of them, as
            a negative number, in the end. Raises ``TooBusy`` where there are too many.

    Raises:
        BodyTooLarge: It is, or says that it is, larger than *limit*; nothing more is read.
        BodyTooSlow: It did not arrive in time.
        TooBusy: Too many bodies are arriving.
        MalformedRequest: The length is not a number, or the sender hung up.
    """
    _check_length(headers.get("content-length"), limit)
    try:
        async with asyncio.timeout(seconds):
            return await _read_all(request.next_piece, limit, arriving)
    except TimeoutError as error:
        raise BodyTooSlow from error
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


async def _read_all(next_piece: NextPiece, limit: int, arriving: Callable[[int], None]) -> bytes:
    piece, more = await next_piece()
    if not more:  # the usual case: no copy
        check_size(piece, limit)
        return piece
    body = bytearray()
    try:
        while more:
            body += piece
            arriving(len(piece))
            check_size(body, limit)
            piece, more = await next_piece()
    finally:
        arriving(-len(body))
    body += piece
    check_size(body, limit)
    return bytes(body)
