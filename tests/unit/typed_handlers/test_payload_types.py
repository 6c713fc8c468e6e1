"""TypedDicts out of schemas."""

from __future__ import annotations

from typing import Any, NotRequired, get_type_hints

import pytest

from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.typed_handlers.payload_types import PayloadTypes, payload_types


def made(**schemas: Any) -> PayloadTypes:
    return payload_types(schemas, origins=dict.fromkeys(schemas, "the schemas"))


def run(types: PayloadTypes) -> dict[str, Any]:
    imports = "\n".join(
        f"from {module} import {', '.join(sorted(names))}" for module, names in types.imports.items()
    )
    names: dict[str, Any] = {"__name__": "generated"}
    exec(f"from __future__ import annotations\n{imports}\n{types.text}", names)  # noqa: S102 - that is the test
    return names


def test_a_schema_is_a_typed_dict_with_what_it_needs():
    address = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    types = made(
        OrderPayload={
            "type": "object",
            "properties": {"id": {"type": "integer"}, "to": address, "note": {"type": ["string", "null"]}},
            "required": ["id", "to"],
        }
    )

    names = run(types)

    order = names["OrderPayload"]
    hints = get_type_hints(order, names, include_extras=True)
    assert types.names == {"OrderPayload", "To"}
    assert (hints["id"], hints["to"], hints["note"]) == (int, names["To"], NotRequired[str | None])


def test_what_two_payloads_share_is_one_type():
    sender = {"type": "object", "properties": {"login": {"type": "string"}}, "required": ["login"]}
    event = {"type": "object", "properties": {"sender": sender}, "required": ["sender"]}

    types = made(PushPayload={**event, "title": "a"}, ForkPayload={**event, "required": []})

    assert types.names == {"PushPayload", "ForkPayload", "Sender"}


@pytest.mark.parametrize("key", ["from", "event-data", "@id", "1st", "class"])
def test_a_key_that_is_no_name_is_still_a_key(key):
    names = run(
        made(MailPayload={"type": "object", "properties": {key: {"type": "string"}}, "required": [key]})
    )

    assert names["MailPayload"].__required_keys__ == {key}


def test_a_payload_may_be_a_list():
    names = run(made(BatchPayload={"type": "array", "items": {"type": "integer"}}))

    assert "BatchPayload" in names


def test_two_payloads_that_are_the_same_are_one_type():
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}

    types = made(PushPayload=schema, StarPayload=schema)

    assert types.of == {"PushPayload": "PushPayload", "StarPayload": "PushPayload"}


def test_no_schema_is_no_type():
    assert made() == PayloadTypes(imports={}, text="", names=frozenset(), of={})


def test_a_schema_that_cannot_be_read_is_told_by_its_origin():
    with pytest.raises(InvalidInput, match="the schema of push"):
        payload_types({"P": {"$ref": "#/$defs/gone"}}, origins={"P": "the schema of push"})
