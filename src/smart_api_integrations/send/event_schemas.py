"""The catalogue of our own event types: what each means, and what its data has to look like. Floor 4.

Rules:

1. The catalogue is no fence: a type that it does not name can be published. What it names with a schema is
   held to it, by whatever way the message comes.
2. A schema is JSON Schema (draft 2020-12, or the one that its ``$schema`` names) over ``data``. It is
   compiled once; a reference can lead only into the schema itself, so nothing is ever fetched.
3. An archived type is no longer offered to subscribers; what is published under it goes on as before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from smart_api_integrations.core.event_catalogue import EventTypeEntry
from smart_api_integrations.core.outbound_message import check_event_name
from smart_api_integrations.errors import ConfigurationError, InvalidInput

MAX_DESCRIPTION = 1000
MAX_SCHEMA_BYTES = 64 * 1024


def check_entry(name: Any, description: Any, schema: Any) -> None:
    """Return if these can be a type of the catalogue.

    Raises:
        InvalidInput: They cannot; the message names the field.
    """
    check_event_name(name)
    if "*" in name:
        raise InvalidInput.at(field="name", found="a pattern", expected="one type, without *")
    if not isinstance(description, str) or len(description) > MAX_DESCRIPTION or "\x00" in description:
        expected = f"text of at most {MAX_DESCRIPTION} characters"
        raise InvalidInput.at(field="description", found="something else", expected=expected)
    if schema is not None:
        if not isinstance(schema, Mapping) or len(json.dumps(schema)) > MAX_SCHEMA_BYTES:
            expected = f"an object of at most {MAX_SCHEMA_BYTES} bytes"
            raise InvalidInput.at(field="schema", found="something else", expected=expected)
        _validator(schema)


class CompiledCatalogue:
    """The catalogue, ready to check messages. Thread-safe."""

    def __init__(self, entries: Iterable[EventTypeEntry] = ()) -> None:
        """Compile the schemas of *entries*, each when it is first needed."""
        self._schemas = {entry.name: entry.schema for entry in entries if entry.schema is not None}
        self._validators: dict[str, Any] = {}

    def check(self, event: str, data: Any) -> None:
        """Return if *data* may be published as *event*.

        Raises:
            InvalidInput: It breaks the type's schema; the message says where, and repeats no value.
        """
        schema = self._schemas.get(event)
        if schema is None:
            return
        validator = self._validators.get(event)
        if validator is None:
            validator = self._validators[event] = _validator(schema)
        fault = next(iter(validator.iter_errors(data)), None)
        if fault is not None:
            path = "data" + "".join(
                f"[{step}]" if isinstance(step, int) else f".{step}" for step in fault.path
            )
            raise InvalidInput.at(field=path, found=_found(fault), expected=_expected(fault, event))


def _validator(schema: Mapping[str, Any]) -> Any:
    try:
        import jsonschema  # noqa: PLC0415 - it takes a tenth of a second, and few need it
    except ImportError as error:
        message = "Schemas of event types need jsonschema: pip install 'smart-api-integrations[server]'."
        raise ConfigurationError(message) from error
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(dict(schema))
    except jsonschema.SchemaError as error:
        where = "".join(f".{step}" for step in error.path)
        raise InvalidInput.at(
            field=f"schema{where}",
            found=f"what JSON Schema does not know: {error.message[:200]}",
            expected="JSON Schema",
        ) from error
    _refuse_references(schema)
    return kind(schema)


def _refuse_references(schema: Any, path: str = "schema") -> None:
    """Refuse every reference that leads out of the schema."""
    children: Iterable[tuple[Any, Any]] = ()
    if isinstance(schema, Mapping):
        for word in ("$ref", "$dynamicRef"):
            target = schema.get(word)
            if isinstance(target, str) and not target.startswith("#"):
                expected = "one that begins with #: nothing is fetched"
                raise InvalidInput.at(field=f"{path}.{word}", found=f"{target[:80]!r}", expected=expected)
        children = schema.items()
    elif isinstance(schema, list):
        children = enumerate(schema)
    for name, child in children:
        _refuse_references(child, f"{path}.{name}")


def _found(fault: Any) -> str:
    """Say what is there, without repeating it: data may be secret."""
    if fault.validator == "required":
        missing = next((name for name in fault.validator_value if name not in fault.instance), "")
        return f"no {missing!r}"
    if fault.validator == "additionalProperties":
        return "a field that is not named"
    return {dict: "an object", list: "a list", str: "text", bool: "a truth value", type(None): "null"}.get(
        type(fault.instance), "a number"
    )


def _expected(fault: Any, event: str) -> str:
    value = json.dumps(fault.validator_value, ensure_ascii=False)
    return f"{fault.validator} {value[:120]} (schema of {event})"
