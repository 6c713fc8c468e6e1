"""Lengths of time as people write them: ``90s``, ``30d``, ``1w2d``. Floor 1."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from smart_api_integrations.errors import InvalidInput

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "min": 60, "s": 1}
_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(min|[wdhms])")
LONGEST = timedelta(days=36_500)


def parse_duration(text: str) -> timedelta:
    """Return the length that *text* says.

    >>> parse_duration("30d"), parse_duration("1h30m")
    (datetime.timedelta(days=30), datetime.timedelta(seconds=5400))

    Raises:
        InvalidInput: It says none, or more than a hundred years.
    """
    parts = _PART.findall(text.strip().lower())
    whole = "".join(number + unit for number, unit in parts)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if whole and whole == text.strip().lower() and seconds <= LONGEST.total_seconds():
        return timedelta(seconds=seconds)
    message = f"{text[:40]!r} is no length of time: expected one like 90s, 15m, 12h, 30d or 2w"
    raise InvalidInput(message)


def written(length: timedelta) -> str:
    """Return *length* as ``parse_duration`` reads it, in its largest units.

    >>> written(timedelta(days=30)), written(timedelta(hours=36))
    ('30d', '1d12h')
    """
    left = round(length.total_seconds())
    words = []
    for unit in ("d", "h", "m", "s"):
        count, left = divmod(left, _UNITS[unit])
        if count:
            words.append(f"{count}{unit}")
    return "".join(words) or "0s"


def moment_or_age(text: str, *, now: datetime) -> datetime:
    """Return the time that *text* names, or that lies so long before *now*.

    >>> moment_or_age("2h", now=datetime(2026, 1, 1, 12, tzinfo=UTC)).hour
    10

    Raises:
        InvalidInput: It is neither.
    """
    try:
        return now - parse_duration(text)
    except InvalidInput:
        pass
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError as error:
        message = f"{text[:40]!r} is no time: expected 2026-01-31T12:00:00Z, or how long ago: 90s, 2h, 7d"
        raise InvalidInput(message) from error
    return read if read.tzinfo else read.replace(tzinfo=UTC)
