"""Making ids: a prefix that says what it is, and a ULID. Floor 7.

A ULID (https://github.com/ulid/spec) is 48 bits of milliseconds and 80 random bits in Crockford's
base 32: sorting by id sorts by time, so new rows land at the end of an index and pages need no
second column. Within a millisecond, ids of one process go on counting, as the specification asks.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_RANDOM_BITS = 80
_DRAWN = 10 * 256


def ulids(
    *,
    milliseconds: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    random_bytes: Callable[[int], bytes] = os.urandom,
) -> Callable[[str], str]:
    """Return a function that makes ids with a given prefix, each greater than the one before.

    May be called from several threads.

    >>> new_id = ulids(milliseconds=lambda: 1469918176385, random_bytes=bytes)
    >>> new_id("evt_"), new_id("evt_")
    ('evt_01ARYZ6S410000000000000000', 'evt_01ARYZ6S410000000000000001')
    """
    last = -1
    dice = _Dice(random_bytes)
    lock = threading.Lock()

    def new_id(prefix: str) -> str:
        nonlocal last
        with lock:
            moment = milliseconds()
            if moment > last >> _RANDOM_BITS:
                last = moment << _RANDOM_BITS | int.from_bytes(dice.roll(), "big") >> 1
            else:  # the same millisecond, or a clock that went back
                last += 1
            number = last
        return prefix + _encoded(number)

    return new_id


class _Dice:
    """Random bytes, drawn from the system for many ids at once: a draw lets other threads run."""

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes
        self._drawn = b""
        self._at = 0
        self._process = 0

    def roll(self) -> bytes:
        """Return ten bytes that nobody had, neither here nor in a process that was forked off."""
        if self._at >= len(self._drawn) or self._process != os.getpid():
            self._drawn, self._at, self._process = self._random_bytes(_DRAWN), 0, os.getpid()
        self._at += 10
        return self._drawn[self._at - 10 : self._at]


def _encoded(number: int) -> str:
    """Return 130 bits as 26 digits, two at a time; written out because every event pays for it."""
    high, low = number >> 60, number & ((1 << 60) - 1)
    pairs = _PAIRS
    return (
        f"{pairs[high >> 60]}{pairs[high >> 50 & 1023]}{pairs[high >> 40 & 1023]}{pairs[high >> 30 & 1023]}"
        f"{pairs[high >> 20 & 1023]}{pairs[high >> 10 & 1023]}{pairs[high & 1023]}"
        f"{pairs[low >> 50]}{pairs[low >> 40 & 1023]}{pairs[low >> 30 & 1023]}{pairs[low >> 20 & 1023]}"
        f"{pairs[low >> 10 & 1023]}{pairs[low & 1023]}"
    )


def first_id_at(prefix: str, moment: datetime) -> str:
    """Return the least id that could have been made at *moment*: what is older sorts before it.

    >>> from datetime import UTC
    >>> first_id_at("evt_", datetime(2016, 7, 30, 23, 36, 16, 385_000, tzinfo=UTC))
    'evt_01ARYZ6S410000000000000000'
    """
    milliseconds = int(moment.timestamp() * 1000)
    return prefix + _encoded(min(max(milliseconds, 0), 2**48 - 1) << _RANDOM_BITS)
