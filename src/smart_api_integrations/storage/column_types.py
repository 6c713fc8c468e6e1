"""Column types of our own: how times, spans and outside text lie in a database. Floor 3.

Every one of them holds the same on every engine, so that statements never convert by hand.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import BigInteger, Dialect, Numeric, Text
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def pack(value: Any) -> bytes:
    """Return *value* as compact JSON; a lone surrogate, which UTF-8 cannot hold, survives as an escape."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode("ascii")


def unpack(stored: bytes | str) -> Any:
    """Return the value that ``pack`` packed."""
    try:
        return orjson.loads(stored)
    except orjson.JSONDecodeError:
        return json.loads(stored)


def microseconds(moment: datetime) -> int:
    """Return the whole microseconds from the epoch to *moment*, without a float in between."""
    span = moment - EPOCH
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


def moment(stored: int) -> datetime:
    """Return the time that ``microseconds`` made a number of."""
    return EPOCH + timedelta(microseconds=stored)


def storable(text: str) -> str:
    """Return *text* with U+FFFD for what no database can hold: NUL, and lone surrogates."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


def join_keys(keys: Sequence[bytes]) -> bytes:
    """Return short hashes as one value, each behind a byte that says how long it is."""
    return b"".join([bytes((len(key),)) + key for key in keys])


def split_keys(joined: bytes) -> tuple[bytes, ...]:
    """Return the hashes that ``join_keys`` joined."""
    keys = []
    start = 0
    while start < len(joined):
        end = start + 1 + joined[start]
        keys.append(joined[start + 1 : end])
        start = end
    return tuple(keys)


class Moment(TypeDecorator[datetime]):
    """An aware UTC time as microseconds since the epoch: exact, sortable, small."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Return what the database stores."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Return the time that was stored."""
        return None if value is None else moment(value)


def iso(time: datetime) -> str:
    """Return *time* as ISO text of one fixed length."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


class IsoMoment(TypeDecorator[datetime]):
    """An aware UTC time as ISO text of one fixed length, as the third seed's tables have it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Return what the database stores."""
        return None if value is None else iso(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """Return the time that was stored."""
        return None if value is None else datetime.fromisoformat(value)


class Seconds(TypeDecorator[timedelta]):
    """A span as seconds: whole ones read as integers by whoever looks with another program."""

    impl = Numeric(18, 6, asdecimal=False)
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> float | None:
        """Return what the database stores."""
        return None if value is None else value.total_seconds()

    def process_result_value(self, value: float | None, dialect: Dialect) -> timedelta | None:
        """Return the span that was stored."""
        return None if value is None else timedelta(seconds=float(value))


class OutsideText(TypeDecorator[str]):
    """Text that a stranger may have written: what no database can hold becomes U+FFFD.

    PostgreSQL refuses NUL, UTF-8 has no lone surrogates; an event must not be lost for either.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return what the database stores."""
        return None if value is None else storable(value)


class JsonText(TypeDecorator[Any]):
    """A small value as JSON text that people can read; None stays NULL."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Return what the database stores."""
        return None if value is None else pack(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Return the value that was stored."""
        return None if value is None else unpack(value)
