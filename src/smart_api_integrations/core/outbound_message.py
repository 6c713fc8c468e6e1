"""A message of ours: what may be in it, and the bytes that every delivery of it sends. Floor 1.

Pure: times and ids are arguments. How it is signed and sent is ``core.outbound_request``'s.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict, Unpack

from smart_api_integrations.core.endpoint import DEFAULT_TENANT
from smart_api_integrations.core.journal import Message
from smart_api_integrations.errors import InvalidInput

MAX_BODY_BYTES = 1024 * 1024
MAX_EVENT_LENGTH = 256
MAX_KEY_LENGTH = 256

LONGEST_DELAY = timedelta(days=366)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class PublishOptions(TypedDict, total=False):
    """What may be given with a message; ``publish`` takes each by its name.

    Attributes:
        tenant: Whose endpoints get it; ``default`` unless named.
        ordering_key: Messages with equal keys reach each endpoint one after the other: the next one is
            not begun before the one before it is delivered or a dead letter.
        delay: Seconds, or a timedelta, until its deliveries begin.
        deliver_at: The same as a time; give one of the two.
        expires_at: From then on no delivery begins, a retry neither: what is left is cancelled.
        idempotency_key: Publishing the same content with the same key again, within 24 hours, changes
            nothing and gives the first message's id; with other content it is an ``IdempotencyConflict``.
    """

    tenant: str
    ordering_key: str | None
    delay: float | timedelta | None
    deliver_at: datetime | None
    expires_at: datetime | None
    idempotency_key: str | None


def build_message(  # noqa: PLR0913 - one for each attribute of Message
    event: str,
    data: Any,
    metadata: Mapping[str, Any] | None = None,
    *,
    id: str,
    now: datetime,
    event_id: str | None = None,
    handler: str | None = None,
    hops: int = 0,
    endpoint_id: str | None = None,
    max_bytes: int = MAX_BODY_BYTES,
    **options: Unpack[PublishOptions],
) -> Message:
    """Return the message that says *event* happened, its body built.

    Raises:
        InvalidInput: The event's name, its data or its size cannot be used; nothing else was done.
    """
    check_event_name(event)
    check_key("ordering_key", options.get("ordering_key"))
    key = options.get("idempotency_key")
    check_key("idempotency_key", key)
    body = message_body(id=id, event=event, timestamp=now, data=data, metadata=metadata)
    if len(body) > max_bytes:
        raise InvalidInput.at(
            field="data",
            found=f"{len(body)} bytes as JSON",
            expected=f"at most {max_bytes}; send a link to what is larger",
        )
    return Message(
        id=id,
        tenant=options.get("tenant", DEFAULT_TENANT),
        event=event,
        body=body,
        created_at=now,
        event_id=event_id,
        handler=handler,
        hops=hops,
        endpoint_id=endpoint_id,
        ordering_key=options.get("ordering_key"),
        deliver_at=_deliver_at(options, now=now),
        expires_at=_moment("expires_at", options.get("expires_at"), now=now),
        idempotency_key=key,
        fingerprint=b"" if key is None else _fingerprint(event, data, metadata),
    )


def _deliver_at(options: PublishOptions, *, now: datetime) -> datetime | None:
    """Return when the deliveries of a message begin, or None for at once."""
    delay, moment = options.get("delay"), options.get("deliver_at")
    if delay is None:
        return _moment("deliver_at", moment, now=now)
    if moment is not None:
        raise InvalidInput.at(field="delay", found="deliver_at beside it", expected="one of the two")
    seconds: Any = delay.total_seconds() if isinstance(delay, timedelta) else delay
    is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not is_number or not 0 <= seconds <= LONGEST_DELAY.total_seconds():
        expected = f"seconds from 0 to {LONGEST_DELAY.total_seconds():.0f}, or a timedelta"
        raise InvalidInput.at(field="delay", found=f"{delay!r:.40}", expected=expected)
    return now + timedelta(seconds=seconds) if seconds else None


def _moment(field: str, value: Any, *, now: datetime) -> datetime | None:
    """Return *value* if it is a time that a message may have, or None."""
    if value is None:
        return None
    if not isinstance(value, datetime) or value.tzinfo is None:
        found = "a time without a zone" if isinstance(value, datetime) else type(value).__name__
        raise InvalidInput.at(field=field, found=found, expected="an aware datetime, such as in UTC")
    moment = value.astimezone(UTC)
    if moment > now + LONGEST_DELAY:
        raise InvalidInput.at(field=field, found=value.isoformat(), expected="at most a year from now")
    return moment


def _fingerprint(event: str, data: Any, metadata: Mapping[str, Any] | None) -> bytes:
    """Return what tells the content of a message from another's, whatever its id and its time."""
    content = _ENCODER.encode([event, data, {} if metadata is None else metadata])
    return hashlib.sha256(content.encode()).digest()


def check_key(field: str, key: Any) -> None:
    """Return if *key* can be an ordering key or an idempotency key, or is None.

    Raises:
        InvalidInput: It is no text, empty, longer than 256 characters, or has control characters.
    """
    if key is None:
        return
    expected = f"text of 1 to {MAX_KEY_LENGTH} characters, such as 'order-17'"
    if not isinstance(key, str):
        raise InvalidInput.at(field=field, found=type(key).__name__, expected=expected)
    if not key or len(key) > MAX_KEY_LENGTH:
        raise InvalidInput.at(field=field, found=f"{len(key)} characters", expected=expected)
    if _CONTROL.search(key):
        raise InvalidInput.at(field=field, found="a control character", expected=expected)


def check_event_name(event: Any) -> None:
    """Return if *event* can be a message's type.

    Raises:
        InvalidInput: It is no text, empty, longer than 256 characters, or has control characters.
    """
    if not isinstance(event, str) or not event.strip():
        found = "nothing" if isinstance(event, str) else type(event).__name__
        raise InvalidInput.at(field="event", found=found, expected="a name such as 'order.created'")
    if len(event) > MAX_EVENT_LENGTH:
        raise InvalidInput.at(
            field="event", found=f"{len(event)} characters", expected=f"at most {MAX_EVENT_LENGTH}"
        )
    if _CONTROL.search(event):
        raise InvalidInput.at(
            field="event", found="a control character", expected="a name such as 'order.created'"
        )


def message_body(
    *,
    id: str,
    event: str,
    timestamp: datetime,
    data: Any,
    metadata: Mapping[str, Any] | None = None,
) -> bytes:
    r"""Return the body that every delivery of a message sends.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> message_body(id="msg_1", event="a.b", timestamp=noon, data={"é": 1})
    b'{"id":"msg_1","event":"a.b","timestamp":"2026-01-01T12:00:00.000Z","data":{"\xc3\xa9":1},"metadata":{}}'

    Raises:
        InvalidInput: *data* or *metadata* holds what JSON cannot (a date, bytes, NaN, half a surrogate
            pair, a circle); the message says where.
    """
    document = {
        "id": id,
        "event": event,
        "timestamp": timestamp.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
        + "Z",
        "data": data,
        "metadata": {} if metadata is None else metadata,
    }
    try:
        return _ENCODER.encode(document).encode()
    except (TypeError, ValueError, RecursionError) as error:
        where, found = _unspeakable(document) or ("data", str(error))
        expected = "text, numbers, booleans, None, lists and dicts with text keys"
        raise InvalidInput.at(field=where, found=found, expected=expected) from error


def _unspeakable(value: Any, path: str = "", depth: int = 0) -> tuple[str, str] | None:
    """Return the path of the first thing in *value* that JSON cannot hold, and what it is."""
    if depth > 100:
        return path, "a circle, or more than 100 levels"
    children: list[tuple[str, Any]] = []
    if isinstance(value, Mapping) and isinstance(value, dict):
        wrong = next((key for key in value if not isinstance(key, (str, int, float, bool, type(None)))), None)
        if wrong is not None:
            return path, f"a key that is a {type(wrong).__name__}"
        children = [(f"{path}.{key}" if path else str(key), child) for key, child in value.items()]
        children += [(path, key) for key in value]
    elif isinstance(value, (list, tuple)):
        children = [(f"{path}[{index}]", child) for index, child in enumerate(value)]
    else:
        try:
            _ENCODER.encode(value).encode()
        except UnicodeEncodeError:
            return path, "half a surrogate pair"
        except ValueError:
            return path, str(value)
        except TypeError:
            return path, f"a {type(value).__name__}"
    return next((fault for name, child in children if (fault := _unspeakable(child, name, depth + 1))), None)
