"""What a provider's event is called inside, and what is said of it: ``publish:`` of a YAML. Floor 1.

Rules:

1. A map takes the events whose type its pattern names, and makes of each at most one internal event: a type
   (``{type}`` and ``{action}`` stand for the provider's own words) and data, computed with CEL.
2. Which internal types an event leads to is known without reading its body, so that work is made only where
   somebody wants them.
3. Expressions are compiled on first use, once; ``check`` tells their faults before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from smart_api_integrations.core.event_types import matches
from smart_api_integrations.core.expressions import Expression
from smart_api_integrations.core.webhook_schema import WebhookEvent
from smart_api_integrations.errors import ExpressionError

PUBLISH = "<publish>"
"""The last part of the name under which the publishing of a webhook's events is kept as a handling."""

VARIABLES = ("payload", "event", "headers")
"""What expressions of a map can read."""

DataSource = str | Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class InternalEvent:
    """What a map made of an event."""

    type: str
    data: Any
    ordering_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishMap:
    """One entry of ``publish:``.

    Attributes:
        pattern: Which events it takes: ``payment_intent.succeeded``, ``pull_request.*``.
        type: The internal event's type.
        data: An expression for the whole, or one for each of its keys.
        when: A condition; None for always.
        key: What internal events are ordered by; None for no order.
        place: Where it stands under ``publish:``; its pattern, and its number where there are several.
        origin: The file that it stands in.
    """

    pattern: str
    type: str
    data: DataSource = field(default_factory=dict)
    when: str | None = None
    key: str | None = None
    place: tuple[str | int, ...] = ()
    origin: str = ""

    def type_of(self, event_type: str | None, action: str | None) -> str | None:
        """Return the internal type that an event of this type would lead to; None where it is not taken."""
        if not matches(self.pattern, event_type, action):
            return None
        return self.type.replace("{type}", event_type or "").replace("{action}", action or "")

    def faults(self) -> Iterable[tuple[tuple[str, ...], str]]:
        """Yield where an expression is and what is wrong with it, for each that cannot be used."""
        for place, source in self._sources():
            try:
                expression_of(source)
            except ExpressionError as error:
                yield place, str(error)

    def made_of(self, seen: Mapping[str, Any], *, event: WebhookEvent) -> InternalEvent | None:
        """Return what this makes of *event*, whose variables are *seen*; None where its condition fails.

        Raises:
            ExpressionError: It cannot be computed; the message names the file, the entry and the key.
        """
        name = self.type_of(event.type, event.action)
        if name is None or (
            self.when is not None and not self._computed(("when",), self.when, seen, "holds")
        ):
            return None
        if isinstance(self.data, str):
            data = self._computed(("data",), self.data, seen)
        else:
            data = {key: self._computed(("data", key), source, seen) for key, source in self.data.items()}
        key = None if self.key is None else self._computed(("key",), self.key, seen)
        return InternalEvent(type=name, data=data, ordering_key=None if key is None else str(key))

    def _sources(self) -> Iterable[tuple[tuple[str, ...], str]]:
        if isinstance(self.data, str):
            yield ("data",), self.data
        else:
            yield from ((("data", key), source) for key, source in self.data.items())
        for place, source in (("when", self.when), ("key", self.key)):
            if source is not None:
                yield (place,), source

    def _computed(
        self, place: Sequence[str], source: str, seen: Mapping[str, Any], how: str = "evaluate"
    ) -> Any:
        try:
            return getattr(expression_of(source), how)(seen)
        except ExpressionError as error:
            where = ".".join(str(step) for step in (*(self.place or (self.pattern,)), *place))
            message = f"{self.origin}: publish.{where}: {error}"
            raise ExpressionError(message) from error


@cache
def expression_of(source: str) -> Expression:
    """Return *source* compiled, once in a process.

    Raises:
        ExpressionError: It cannot be used.
    """
    return Expression(source, variables=VARIABLES)


def internal_types(maps: Sequence[PublishMap], event_type: str | None, action: str | None) -> tuple[str, ...]:
    """Return the internal types that an event may lead to by *maps*, each once."""
    found = (each.type_of(event_type, action) for each in maps)
    return tuple(dict.fromkeys(name for name in found if name is not None))


def variables_of(event: WebhookEvent, *, webhook_name: str) -> dict[str, Any]:
    """Return what the expressions of a map see of *event*."""
    return {
        "payload": event.payload,
        "event": {
            "id": event.id,
            "type": event.type,
            "action": event.action,
            "event_id": event.event_id,
            "provider": event.provider,
            "webhook": webhook_name,
            "account": event.account,
            "received_at": event.timestamp,
        },
        "headers": {name.lower(): value for name, value in event.headers.items()},
    }
