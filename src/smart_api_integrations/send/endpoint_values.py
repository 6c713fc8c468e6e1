"""What may be said of an endpoint: each attribute's check. Floor 4.

A message says which field, what was found and what is expected; it repeats no secret, no header value and
no more of a URL than the part at fault.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from smart_api_integrations.core.credentials import read_credentials
from smart_api_integrations.core.message_expressions import checked_expression
from smart_api_integrations.core.outbound_message import check_event_name
from smart_api_integrations.core.outbound_request import check_secret, checked_headers
from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.send.schedules import read_schedule

MAX_PATTERNS = 100
MAX_SECRET_LENGTH = 256
MAX_DESCRIPTION_LENGTH = 1000
MAX_METADATA_BYTES = 16 * 1024
MAX_METADATA_DEPTH = 32
MAX_RETRY_COUNT = 10  # the third seed's range is 0 to 10; 0 is one attempt
LONGEST_RETRY_DELAY = timedelta(hours=24)
SHORTEST_TIMEOUT, LONGEST_TIMEOUT = timedelta(seconds=1), timedelta(seconds=60)
DEFAULT_TIMEOUT = timedelta(seconds=15)  # Svix's; Standard Webhooks asks for 15 to 30 s

LOWEST_RATE, HIGHEST_RATE = 1 / 3600, 100_000.0
MAX_CONCURRENCY = 1000


def _events(value: Any) -> tuple[str, ...]:
    expected = "a list of patterns such as 'order.created', 'order.*' or '*'"
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise InvalidInput.at(field="events", found=f"a {type(value).__name__}", expected=expected)
    patterns = tuple(value)
    if not patterns:
        raise InvalidInput.at(field="events", found="none", expected=expected)
    if len(patterns) > MAX_PATTERNS:
        raise InvalidInput.at(
            field="events", found=f"{len(patterns)}", expected=f"at most {MAX_PATTERNS}; '*' is every one"
        )
    for pattern in patterns:
        try:
            check_event_name(pattern)
        except InvalidInput as error:
            raise InvalidInput.at(field="events", found=f"{pattern!r:.60}", expected=expected) from error
    return tuple(dict.fromkeys(patterns))


def _secret(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidInput.at(field="secret", found=f"a {type(value).__name__}", expected="text")
    if not _is_keepable(value):
        raise InvalidInput.at(field="secret", found="what cannot be kept", expected="text")
    if not value.strip():
        raise InvalidInput.at(
            field="secret", found="nothing", expected="at least one character; leave it out to have one made"
        )
    if len(value) > MAX_SECRET_LENGTH:
        raise InvalidInput.at(
            field="secret", found=f"{len(value)} characters", expected=f"at most {MAX_SECRET_LENGTH}"
        )
    check_secret(value)
    return value


def _active(value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput.at(field="active", found=f"a {type(value).__name__}", expected="true or false")
    return value


def _retry_count(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_RETRY_COUNT:
        raise InvalidInput.at(
            field="retry_count",
            found=f"{value!r:.40}",
            expected=f"a whole number from 0 to {MAX_RETRY_COUNT}",
        )
    return value


def _retry_delay(value: Any) -> timedelta | None:
    if value is None:
        return None
    return checked_span("retry_delay", value, least=timedelta(0), most=LONGEST_RETRY_DELAY)


def _timeout(value: Any) -> timedelta:
    return checked_span("timeout", value, least=SHORTEST_TIMEOUT, most=LONGEST_TIMEOUT)


def _rate_limit(value: Any) -> float | None:
    return None if value is None else checked_rate(value, field="rate_limit")


def checked_rate(value: Any, *, field: str = "rate") -> float:
    """Return *value* if it can be a rate: so many a second.

    Raises:
        InvalidInput: It is no number, or not between one an hour and ``HIGHEST_RATE``.
    """
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not LOWEST_RATE <= value <= HIGHEST_RATE:
        expected = f"a number a second, from {LOWEST_RATE:g} to {HIGHEST_RATE:g}"
        raise InvalidInput.at(field=field, found=f"{value!r:.40}", expected=expected)
    return float(value)


def _concurrency(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_CONCURRENCY:
        expected = f"a whole number from 1 to {MAX_CONCURRENCY}"
        raise InvalidInput.at(field="concurrency", found=f"{value!r:.40}", expected=expected)
    return value


def checked_span(field: str, value: Any, *, least: timedelta, most: timedelta) -> timedelta:
    """Return *value*, seconds or a timedelta, as a span from *least* to *most*.

    Raises:
        InvalidInput: It is none, or lies outside.
    """
    span = value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # Out of range before it becomes a timedelta: NaN and 1e99 cannot become one.
        span = timedelta(seconds=value) if 0 <= value <= most.total_seconds() else None
    if not isinstance(span, timedelta) or not least <= span <= most:
        expected = f"seconds from {least.total_seconds():g} to {most.total_seconds():g}"
        raise InvalidInput.at(field=field, found=f"{value!r:.40}", expected=expected)
    return span


def _headers(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise InvalidInput.at(
            field="headers", found=f"a {type(value).__name__}", expected="an object of names and values"
        )
    return checked_headers(value)


def _metadata(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidInput.at(field="metadata", found=f"a {type(value).__name__}", expected="an object")
    try:
        size = len(json.dumps(dict(value), allow_nan=False, ensure_ascii=False).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput.at(
            field="metadata", found="what JSON cannot hold", expected="text, numbers, lists and objects"
        ) from error
    if _depth(value) > MAX_METADATA_DEPTH:
        raise InvalidInput.at(
            field="metadata", found="deep nesting", expected=f"at most {MAX_METADATA_DEPTH} levels"
        )
    if size > MAX_METADATA_BYTES:
        raise InvalidInput.at(
            field="metadata", found=f"{size} bytes as JSON", expected=f"at most {MAX_METADATA_BYTES}"
        )
    return dict(value)


def _depth(value: Any) -> int:
    """Return how many objects and lists stand inside each other; *value* is what JSON can hold."""
    level, depth = [value], 0
    while level:
        depth += 1
        nested = [each for each in level if isinstance(each, (Mapping, list, tuple))]
        level = [child for each in nested for child in (each.values() if isinstance(each, Mapping) else each)]
    return depth


def _is_keepable(text: str) -> bool:
    """Tell whether a database can hold *text*: no NUL, no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def _description(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_DESCRIPTION_LENGTH or not _is_keepable(value):
        raise InvalidInput.at(
            field="description",
            found="what cannot be kept",
            expected=f"text of at most {MAX_DESCRIPTION_LENGTH} characters",
        )
    return value


def checked_tenant(value: Any) -> str:
    """Return *value* if it can name a tenant.

    Raises:
        InvalidInput: It is no text, empty, longer than 256 characters, or not printable.
    """
    if not isinstance(value, str) or not value.strip() or len(value) > 256 or not value.isprintable():
        raise InvalidInput.at(
            field="tenant", found=f"{value!r:.40}", expected="text of 1 to 256 printable characters"
        )
    return value


CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "events": _events,
    "secret": _secret,
    "filter": partial(checked_expression, "filter"),
    "transformation": partial(checked_expression, "transformation"),
    "auth": read_credentials,
    "active": _active,
    "retry_schedule": read_schedule,
    "retry_count": _retry_count,
    "retry_delay": _retry_delay,
    "timeout": _timeout,
    "rate_limit": _rate_limit,
    "concurrency": _concurrency,
    "headers": _headers,
    "metadata": _metadata,
    "description": _description,
}
