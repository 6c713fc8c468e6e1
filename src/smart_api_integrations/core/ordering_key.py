"""What a handler's events are ordered by: one value of the event, as text. Floor 1.

Of the work of one handler with equal keys only the oldest runs, so that ``order.updated`` never overtakes
``order.created``. An event without the value is ordered with no other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from smart_api_integrations.core.webhook_schema import WebhookEvent
from smart_api_integrations.errors import InvalidInput

OrderingKey = str | Callable[[WebhookEvent], object]
"""A path into the payload, ``data.object.customer``, or a function of the event."""

LONGEST_KEY = 200


def read_ordering_key(ordering_key: OrderingKey, event: WebhookEvent) -> str | None:
    """Return the value that *event* is ordered by, or None where it has none.

    A path may also be written as in a webhook's YAML, ``{json:data.object.customer}``. A long value
    stands for itself by its hash.

    Raises:
        InvalidInput: The value is neither text nor a number. What a function raises comes through.

    >>> event = WebhookEvent(payload={"data": {"lines": [{"order": 7}]}})
    >>> read_ordering_key("data.lines.0.order", event)
    '7'
    >>> read_ordering_key("{json:data.customer}", event) is None
    True
    >>> read_ordering_key(lambda event: "all", event)
    'all'
    """
    if callable(ordering_key):
        value, source = ordering_key(event), "its function"
    else:
        value, source = _at(event.payload, path_of(ordering_key)), ordering_key
    if value is None or value == "":
        return None
    if not isinstance(value, (str, int, float)):
        message = f"ordering_key: {source} gives a {type(value).__name__}; expected text or a number."
        raise InvalidInput(message)
    text = str(value)
    return text if len(text) <= LONGEST_KEY else hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def path_of(written: str) -> str:
    """Return a path without the marks that it has in a webhook's YAML."""
    return written.strip().removeprefix("{json:").removesuffix("}").removesuffix("?")


def _at(payload: Any, path: str) -> Any:
    """Return what stands at *path*, or None."""
    found = payload
    for step in path.split("."):
        if isinstance(found, Mapping):
            found = found.get(step)
        elif isinstance(found, Sequence) and not isinstance(found, str) and step.isdecimal():
            found = found[int(step)] if len(step) < 6 and int(step) < len(found) else None
        else:
            return None
    return found
