"""What an endpoint's expressions would do to a message, without sending anything. Floor 4."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from smart_api_integrations.core.message_expressions import (
    checked_expression,
    content_of,
    is_wanted,
    transformed,
)
from smart_api_integrations.errors import ExpressionError


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What an endpoint would get.

    Attributes:
        wanted: Whether its filter is true; None where that cannot be computed.
        body: What would be sent, parsed; None where it is not wanted or cannot be computed.
        size: Of the body in bytes, 0 without one.
        fault: Why an expression cannot be computed, or None. The delivery would be a dead letter.
    """

    wanted: bool | None
    body: Any = None
    size: int = 0
    fault: str | None = None


def preview(body: bytes, *, filter: str | None = None, transformation: str | None = None) -> Preview:  # noqa: A002 - as the API calls it
    """Return what an endpoint with these expressions would get of a message with this *body*.

    Raises:
        InvalidInput: An expression cannot be used; the message says why and where.
    """
    wish = checked_expression("filter", filter)
    change = checked_expression("transformation", transformation)
    content = content_of(body)
    try:
        wanted = is_wanted(wish, content)
    except ExpressionError as error:
        return Preview(wanted=None, fault=str(error))
    if not wanted:
        return Preview(wanted=False)
    return _changed(body, content, change)


def _changed(body: bytes, content: Mapping[str, Any], change: str | None) -> Preview:
    try:
        made = body if change is None else transformed(change, content)
    except ExpressionError as error:
        return Preview(wanted=True, fault=str(error))
    return Preview(wanted=True, body=json.loads(made), size=len(made))
