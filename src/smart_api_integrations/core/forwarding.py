"""Stored rules that make messages of received events, for subscribers or for one endpoint. Floor 1.

Rules:

1. A rule takes the events of the sources and the types that its patterns name. Which events it takes is known
   without reading a body; its filter is computed when the forwarding runs, off the request's path.
2. What it makes is a message: of the type that it names, with the value of its transformation as data, or the
   payload itself where it has none. Both expressions are CEL over ``payload``, ``event`` and ``headers``.
3. The message goes to whoever subscribes to its type, or to one endpoint alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from smart_api_integrations.core.endpoint import DEFAULT_TENANT
from smart_api_integrations.core.event_types import matches
from smart_api_integrations.core.outbound_message import check_event_name
from smart_api_integrations.core.publish_maps import expression_of
from smart_api_integrations.errors import ExpressionError, InvalidInput

FORWARD = "<forward "
MAX_PATTERNS = 100
MAX_DESCRIPTION = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardRule:
    """One rule.

    Attributes:
        source: Which ways in: ``github:default``, ``github:*``, ``*``.
        events: Which types: ``push``, ``pull_request.opened``, ``order.*``, ``*``.
        filter: A condition; None for every event.
        transformation: What the message's data is; None for the payload.
        message_type: The message's type; ``{provider}``, ``{type}`` and ``{action}`` stand for the event's.
        endpoint_id: The one endpoint that gets it; None for those that subscribe to its type.
        tenant: Whose message it is.
    """

    id: str
    source: str = "*"
    events: tuple[str, ...] = ("*",)
    filter: str | None = None
    transformation: str | None = None
    message_type: str = "{provider}.{type}"
    endpoint_id: str | None = None
    tenant: str = DEFAULT_TENANT
    description: str = ""
    active: bool = True
    created_at: datetime
    updated_at: datetime

    def takes(self, *, source: str, event_type: str | None, action: str | None) -> bool:
        """Tell whether it takes events of this source, type and action, as far as they tell."""
        return (
            self.active
            and matches(self.source, source)
            and any(matches(pattern, event_type, action) for pattern in self.events)
        )

    def target_of(self, source: str) -> str:
        """Return the name that its forwarding of a source's events is kept under as a handling."""
        return f"{source}:{FORWARD}{self.id}>"

    def type_of(self, *, provider: str, event_type: str | None, action: str | None) -> str:
        """Return the type of the message that it makes of such an event."""
        words = {"{provider}": provider, "{type}": event_type or "event", "{action}": action or ""}
        name = self.message_type
        for word, value in words.items():
            name = name.replace(word, value)
        return name.rstrip(".")

    def data_of(self, seen: Mapping[str, Any]) -> Any:
        """Return the data of its message; *seen* is what expressions read.

        Raises:
            ExpressionError: It cannot be computed.
        """
        return (
            seen["payload"]
            if self.transformation is None
            else expression_of(self.transformation).evaluate(seen)
        )

    def wants(self, seen: Mapping[str, Any]) -> bool:
        """Tell whether its filter is true.

        Raises:
            ExpressionError: It cannot be computed.
        """
        return self.filter is None or expression_of(self.filter).holds(seen)


def rule_of(target: str) -> str | None:
    """Return the id of the rule whose handling has this name; None for any other.

    >>> rule_of("github:default:<forward fwd_1>"), rule_of("github:default:shop.on_push")
    ('fwd_1', None)
    """
    name = target.split(":", 2)[-1]
    return name[len(FORWARD) : -1] if name.startswith(FORWARD) and name.endswith(">") else None


def check_rule(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a rule that are given, if each of them can be one's.

    Raises:
        InvalidInput: One cannot; the message names it.
    """
    unknown = sorted(set(values) - _CHECKS.keys())
    if unknown:
        expected = ", ".join(_CHECKS)
        raise InvalidInput.at(field=unknown[0], found="what a rule does not have", expected=expected)
    return {name: _CHECKS[name](name, value) for name, value in values.items()}


def _pattern(field: str, value: Any) -> str:
    try:
        check_event_name(value)
    except InvalidInput as error:
        expected = "a pattern such as 'github:default' or '*'"
        raise InvalidInput.at(field=field, found=f"{value!r:.60}", expected=expected) from error
    return str(value)


def _patterns(field: str, value: Any) -> tuple[str, ...]:
    expected = f"a list of 1 to {MAX_PATTERNS} patterns such as 'push' or 'order.*'"
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise InvalidInput.at(field=field, found=f"a {type(value).__name__}", expected=expected)
    patterns: Sequence[Any] = tuple(value)
    if not 1 <= len(patterns) <= MAX_PATTERNS:
        raise InvalidInput.at(field=field, found=f"{len(patterns)}", expected=expected)
    return tuple(dict.fromkeys(_pattern(field, each) for each in patterns))


def _expression(field: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise InvalidInput.at(field=field, found=f"a {type(value).__name__}", expected="a CEL expression")
    try:
        expression_of(value)
    except ExpressionError as error:
        message = f"{field}: {error}"
        raise ExpressionError(message) from error
    return value


def _text(field: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_DESCRIPTION or "\x00" in value:
        expected = f"text of at most {MAX_DESCRIPTION} characters"
        raise InvalidInput.at(field=field, found="something else", expected=expected)
    return value


def _id(field: str, value: Any) -> str | None:
    return None if value is None else _pattern(field, value)


def _truth(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput.at(field=field, found=f"a {type(value).__name__}", expected="true or false")
    return value


_CHECKS: Mapping[str, Any] = {
    "source": _pattern,
    "events": _patterns,
    "filter": _expression,
    "transformation": _expression,
    "message_type": _pattern,
    "endpoint_id": _id,
    "tenant": _pattern,
    "description": _text,
    "active": _truth,
}
