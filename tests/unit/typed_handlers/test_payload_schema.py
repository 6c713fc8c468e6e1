"""Schemas out of samples, and schemas inside of larger ones."""

from __future__ import annotations

from datetime import date

import pytest

from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.typed_handlers.payload_schema import embedded, schema_of


def test_what_every_sample_has_is_required_and_what_differs_is_either():
    schema = schema_of([{"id": 1, "to": "a"}, {"id": "x"}])

    assert schema["required"] == ["id"]
    assert schema["properties"]["id"] == {"type": ["integer", "string"]}


def test_placeholders_of_times_are_numbers_and_others_are_texts():
    properties = schema_of([{"created": "{unix}", "at": "{now}", "list": [{"ms": "{unix_ms}"}]}])[
        "properties"
    ]

    assert (properties["created"]["type"], properties["at"]["type"]) == ("integer", "string")
    assert properties["list"]["items"]["properties"]["ms"]["type"] == "integer"


def test_a_date_that_yaml_read_is_a_text():
    assert schema_of([{"on": date(2026, 1, 1)}])["properties"]["on"] == {"type": "string"}


def test_references_inside_a_schema_are_moved_with_it():
    schema = {"$schema": "x", "$id": "y", "$ref": "#/$defs/A", "$defs": {"A": {"items": [{"$ref": "#"}]}}}

    assert embedded(schema, "#/$defs/Push", origin="push") == {
        "$ref": "#/$defs/Push/$defs/A",
        "$defs": {"A": {"items": [{"$ref": "#/$defs/Push"}]}},
    }


def test_a_property_that_is_called_id_stays():
    schema = {"properties": {"id": {"type": "string"}, "$id": {"type": "string"}}}

    assert embedded(schema, "#", origin="push") == schema


@pytest.mark.parametrize("reference", ["https://example.com/a.json", "file:///etc/passwd", "other.json#/a"])
def test_another_document_is_never_fetched(reference):
    with pytest.raises(InvalidInput, match=r"the schema of push: \$ref .* is another document"):
        embedded({"items": {"$ref": reference}}, "#", origin="the schema of push")
