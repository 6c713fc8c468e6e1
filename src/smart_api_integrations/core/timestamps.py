"""Times as providers write them: digits or RFC 3339, read strictly. Floor 1.

``int()`` would take ``1_0``, ``+1``, blanks and digits of every script; a signed time is ASCII digits
and nothing else, because what is signed is the text, not the number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = re.compile(rb"[0-9]{1,16}")
# https://www.rfc-editor.org/rfc/rfc3339#section-5.6, with a blank allowed for the T as its note says
_RFC3339 = re.compile(
    rb"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
# 10^11 seconds is the year 5138, 10^11 milliseconds is March 1973: no webhook lies on the wrong side.
_FIRST_MILLISECONDS = 10**11


def parse_timestamp(text: bytes, unit: str) -> datetime | None:
    """Return the time that *text* says in *unit* (a key of ``UNITS``), or None where it says none.

    >>> parse_timestamp(b"1700000000", "s").isoformat()
    '2023-11-14T22:13:20+00:00'
    >>> parse_timestamp(b"1_700_000_000", "s") is None
    True
    """
    try:
        return UNITS[unit](text)
    except (ValueError, OverflowError):
        return None


def format_timestamp(moment: datetime, unit: str) -> str:
    """Write *moment* as a provider does whose times are in *unit*.

    >>> format_timestamp(datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC), "ms")
    '1700000000000'
    """
    if unit == "rfc3339":
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str((moment - _EPOCH) // timedelta(milliseconds=1 if unit == "ms" else 1000))


def _count(text: bytes, step: timedelta) -> datetime | None:
    return _EPOCH + int(text) * step if _DIGITS.fullmatch(text) else None


def _seconds(text: bytes) -> datetime | None:
    return _count(text, timedelta(seconds=1))


def _milliseconds(text: bytes) -> datetime | None:
    return _count(text, timedelta(milliseconds=1))


def _rfc3339(text: bytes) -> datetime | None:
    return datetime.fromisoformat(text.decode("ascii").upper()) if _RFC3339.fullmatch(text) else None


def _auto(text: bytes) -> datetime | None:
    if _DIGITS.fullmatch(text):
        return _milliseconds(text) if int(text) >= _FIRST_MILLISECONDS else _seconds(text)
    return _rfc3339(text)


UNITS: Mapping[str, Callable[[bytes], datetime | None]] = {
    "s": _seconds,
    "ms": _milliseconds,
    "rfc3339": _rfc3339,
    "auto": _auto,
}
