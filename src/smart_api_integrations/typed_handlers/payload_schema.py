"""What the payloads of an event look like, as JSON Schema: out of samples, or given. Floor 4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from smart_api_integrations.errors import InvalidInput

try:
    from genson import SchemaBuilder  # type: ignore[import-untyped] # it ships no types
except ImportError as error:  # pragma: no cover - the tests have it
    from smart_api_integrations.errors import ConfigurationError

    _MESSAGE = "Typed handlers need the extra: pip install 'smart-api-integrations[codegen]'."
    raise ConfigurationError(_MESSAGE) from error

Schema = Mapping[str, Any]

_NUMBERS = frozenset({"{unix}", "{unix_ms}"})  # a sample's placeholders that stand for whole numbers


def schema_of(payloads: Iterable[Any]) -> Schema:
    """Return the schema that all sample *payloads* fit; what some of them lack is not required.

    >>> schema_of([{"id": 1, "note": "a"}, {"id": "2"}])["required"]
    ['id']
    """
    builder = SchemaBuilder(schema_uri=None)
    for payload in payloads:
        builder.add_object(_without_placeholders(payload))
    schema: Schema = builder.to_schema()
    return schema


def embedded(schema: Any, place: str, *, origin: str) -> Any:
    """Return *schema* as it is written inside a larger one, at *place* (``#/$defs/PushPayload``).

    Raises:
        InvalidInput: It refers to another document: nothing is fetched. *origin* names it.
    """
    if isinstance(schema, list):
        return [embedded(part, place, origin=origin) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    inside = {
        key: embedded(part, place, origin=origin)
        for key, part in schema.items()
        if key not in {"$schema", "$id", "id"} or not isinstance(part, str)
    }
    reference = schema.get("$ref")
    if isinstance(reference, str):
        if not reference.startswith("#"):
            message = f"{origin}: $ref {reference!r} is another document; put what it holds under `$defs`."
            raise InvalidInput(message)
        inside["$ref"] = place + reference[1:].rstrip("/")
    return inside


def _without_placeholders(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _without_placeholders(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_without_placeholders(part) for part in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return 0 if value in _NUMBERS else str(value)  # YAML reads an unquoted date as one
