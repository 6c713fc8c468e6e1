"""What endpoints compute of a message in CEL: whether they want it, and what they get. Floor 1.

Rules:

1. An expression reads what the body holds: ``id``, ``event``, ``timestamp``, ``data`` and ``metadata``.
2. A filter is true or false; what it names and the message does not have makes it false. A filter that cannot
   be computed says neither: the message is kept for the endpoint, and its delivery becomes a dead letter that
   names the fault, so that nothing is lost and nothing is sent that might not be wanted.
3. A transformation comes to the whole body that the endpoint gets, as JSON with its keys sorted: the same
   message and the same expression make the same bytes at every attempt.
4. Both are bounded by ``core.expressions`` in what they cost, and the new body by the size of any other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from smart_api_integrations.core.expressions import Expression
from smart_api_integrations.core.outbound_message import MAX_BODY_BYTES
from smart_api_integrations.errors import ExpressionError, InvalidInput

VARIABLES = ("id", "event", "timestamp", "data", "metadata")

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)


@lru_cache(maxsize=4096)
def compiled(source: str) -> Expression:
    """Return *source* compiled over what a message holds.

    Raises:
        ExpressionError: It cannot be used; the message says why and where.
    """
    return Expression(source, variables=VARIABLES)


def checked_expression(field: str, value: Any) -> str | None:
    """Return *value* if it is an expression over a message, or None; empty text is None.

    Raises:
        InvalidInput: It is none; the message names *field*.
    """
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        expected = "a CEL expression such as data.total > 100"
        raise InvalidInput.at(field=field, found=f"a {type(value).__name__}", expected=expected)
    try:
        compiled(value)
    except ExpressionError as error:
        message = f"{field}: {error}"
        raise ExpressionError(message) from error
    return value


def content_of(body: bytes) -> Mapping[str, Any]:
    """Return what expressions read of a message's *body*."""
    content = json.loads(body)
    return {name: content.get(name) for name in VARIABLES}


def is_wanted(source: str | None, content: Mapping[str, Any]) -> bool:
    """Tell whether the filter *source* is true of a message; no filter is.

    Raises:
        ExpressionError: It cannot be computed.
    """
    return source is None or compiled(source).holds(content)


def transformed(source: str, content: Mapping[str, Any], *, max_bytes: int = MAX_BODY_BYTES) -> bytes:
    """Return the body that the transformation *source* makes of a message.

    >>> transformed("{'text': event + ' ' + string(data.id)}", {"event": "a.b", "data": {"id": 7}})
    b'{"text":"a.b 7"}'

    Raises:
        ExpressionError: It cannot be computed, comes to nothing, or to more than *max_bytes*.
    """
    value = compiled(source).evaluate({name: content.get(name) for name in VARIABLES})
    if value is None:
        message = "The transformation comes to nothing: something that it names is not in the message."
        raise ExpressionError(message)
    try:
        body = _ENCODER.encode(value).encode()
    except ValueError as error:
        message = "The transformation comes to what JSON cannot hold."
        raise ExpressionError(message) from error
    if len(body) > max_bytes:
        message = f"The transformation comes to {len(body)} bytes; at most {max_bytes} are sent."
        raise ExpressionError(message)
    return body
