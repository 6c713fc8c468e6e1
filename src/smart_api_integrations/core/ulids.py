"""What an id says about time: ids are ULIDs behind a prefix, and a ULID begins with its millisecond. Floor 1.

https://github.com/ulid/spec: 48 bits of milliseconds in ten digits of Crockford's base 32, then chance. So a
span of time is a range of ids, and a list over a span of time goes along the primary key.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_MOST = (1 << 48) - 1
_DIGITS = 10

SLACK = timedelta(hours=1)
"""How far the clock that made an id may be from the one that its row's time is of."""


def ulid_at(moment: datetime, *, later: timedelta = timedelta(0)) -> str:
    """Return what sorts before every ULID that was made at *moment* and *later*, and behind all earlier ones.

    >>> ulid_at(datetime(2016, 7, 30, 22, 36, 16, 385000, tzinfo=UTC))
    '01ARYZ6S41'
    """
    milliseconds = (moment - _EPOCH) // _MILLISECOND + later // _MILLISECOND
    milliseconds = min(max(milliseconds, 0), _MOST)
    return "".join(_ALPHABET[milliseconds >> 5 * place & 31] for place in reversed(range(_DIGITS)))


def first_id(prefix: str, since: datetime | None) -> str:
    """Return what sorts before every id of *prefix* that may be as young as *since*; None for any age."""
    return prefix if since is None else prefix + ulid_at(since, later=-SLACK)


def behind_ids(prefix: str, until: datetime | None) -> str:
    """Return what sorts behind every id of *prefix* that may be as old as *until*; None for any age."""
    return f"{prefix}~" if until is None else prefix + ulid_at(until, later=SLACK)
