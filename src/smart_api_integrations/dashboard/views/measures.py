"""Times, spans, sizes and counts in words: a number never leaves its unit. Floor 8."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from smart_api_integrations.core.journal import COUNT_LIMIT

SPACE = "\u00a0"
UNKNOWN = "—"

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_WEEKS_AWAY = 30 * _DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A time as a page shows it: *text* to read, *machine* for ``datetime``, *title* absolute."""

    text: str
    machine: str
    title: str


def moment(then: datetime, now: datetime) -> Moment:
    """Return *then* as seen from *now*: ``4 min ago``, ``in 2 h``."""
    return _moment(then, _relative((now - then).total_seconds(), then))


def exact(then: datetime) -> Moment:
    """Return *then* by the clock, to the millisecond, as traces show it."""
    return _moment(then, then.astimezone(UTC).strftime("%H:%M:%S.") + f"{then.microsecond // 1000:03d}")


def clock(then: datetime) -> Moment:
    """Return *then* by the clock, to the second."""
    return _moment(then, then.astimezone(UTC).strftime("%H:%M:%S"))


def _moment(then: datetime, text: str) -> Moment:
    at = then.astimezone(UTC)
    millis = f"{at.microsecond // 1000:03d}"
    return Moment(
        text=text,
        machine=at.strftime("%Y-%m-%dT%H:%M:%S.") + millis + "Z",
        title=at.strftime("%Y-%m-%d %H:%M:%S.") + millis + " UTC",
    )


def _relative(seconds: float, then: datetime) -> str:
    if abs(seconds) < 1:
        return "now"
    if abs(seconds) >= _WEEKS_AWAY:
        return then.astimezone(UTC).strftime("%-d %b %Y").replace(" ", SPACE)
    words = span(timedelta(seconds=abs(seconds)), parts=1)
    return f"{words}{SPACE}ago" if seconds > 0 else f"in{SPACE}{words}"


def span(length: timedelta, *, parts: int = 2) -> str:
    """Return a length of time in its largest units.

    >>> span(timedelta(seconds=83)).replace(SPACE, " ")
    '1 min 23 s'
    """
    rest = round(length.total_seconds())
    words: list[str] = []
    for seconds, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (1, "s")):
        count, rest = divmod(rest, seconds)
        if count:
            words.append(f"{count}{SPACE}{unit}")
        if len(words) == parts or (words and not rest):
            break
    return SPACE.join(words) if words else f"0{SPACE}s"


def duration(milliseconds: float) -> str:
    """Return how long something took.

    >>> [duration(value).replace(SPACE, " ") for value in (0.42, 3.14, 212.4, 1810, 83_000)]
    ['0.4 ms', '3.1 ms', '212 ms', '1.81 s', '1 min 23 s']
    """
    if milliseconds < 10:
        return f"{milliseconds:.1f}".removesuffix(".0") + f"{SPACE}ms"
    if milliseconds < 1000:
        return f"{milliseconds:.0f}{SPACE}ms"
    if milliseconds < _MINUTE * 1000:
        return f"{milliseconds / 1000:.2f}{SPACE}s"
    return span(timedelta(milliseconds=milliseconds))


def size(count: int) -> str:
    """Return a number of bytes.

    >>> [size(value).replace(SPACE, " ") for value in (0, 1412, 65536, 10_485_760)]
    ['0 B', '1.4 kB', '66 kB', '10 MB']
    """
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            digits = f"{value:.1f}" if unit != "B" and value < 10 else f"{value:.0f}"
            return f"{digits}{SPACE}{unit}"
        value /= 1000
    return f"{value:.1f}{SPACE}GB"


def number(count: int) -> str:
    """Return a whole number with its thousands apart: ``1,412``."""
    return f"{count:,}"


def counted(count: int) -> str:
    """Return a count that may have stopped at ``COUNT_LIMIT``: ``10 k+`` then."""
    return f"{COUNT_LIMIT // 1000}{SPACE}k+" if count >= COUNT_LIMIT else number(count)


def plural(count: int, noun: str) -> str:
    """Return ``1 try``, ``3 tries``, ``2 deliveries``, ``10 k+ events``."""
    if count == 1:
        return f"1{SPACE}{noun}"
    plain = _plural_noun(noun)
    return f"{counted(count)}{SPACE}{plain}"


def _plural_noun(noun: str) -> str:
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith("s") else "s")


def share(part: int, whole: int) -> str:
    """Return a share in per cent, never rounded up to 100 nor down to 0; a dash where there is nothing.

    >>> share(9999, 10000), share(1, 1), share(0, 0)
    ('99.99', '100', '—')
    """
    if not whole:
        return UNKNOWN
    if part == whole or not part:
        return "100" if part else "0"
    percent = 100 * part / whole
    for digits in (1, 2):
        text = f"{percent:.{digits}f}"
        if 0 < float(text) < 100:
            return text
    return "99.99" if percent > 50 else "0.01"
