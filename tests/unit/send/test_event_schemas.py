"""The catalogue of event types: what may be in it, and what it holds data to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from smart_api_integrations.core.event_catalogue import EventTypeEntry
from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.send.event_schemas import CompiledCatalogue, check_entry

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ORDER = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "integer"},
        "items": {"type": "array", "items": {"$ref": "#/$defs/item"}},
        "card": {"type": "string", "maxLength": 4},
    },
    "additionalProperties": False,
    "$defs": {"item": {"type": "object", "required": ["sku"]}},
}


def catalogue(schema: Any = ORDER) -> CompiledCatalogue:
    return CompiledCatalogue(
        [EventTypeEntry(name="order.created", schema=schema, created_at=NOON, updated_at=NOON)]
    )


@pytest.mark.parametrize("data", [{"id": 1}, {"id": 1, "items": [{"sku": "A"}], "card": "4242"}])
def test_what_fits_may_be_published(data: Any) -> None:
    catalogue().check("order.created", data)


@pytest.mark.parametrize(
    ("data", "where", "what"),
    [
        ({}, "data:", "no 'id'"),
        (None, "data:", "null"),
        ({"id": "7"}, "data.id:", "text"),
        ({"id": 1, "items": [{"sku": "A"}, {}]}, r"data.items\[1\]:", "no 'sku'"),
        ({"id": 1, "other": 1}, "data:", "a field that is not named"),
        ({"id": 1, "card": "4242424242424242"}, "data.card:", "text"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_path_and_without_its_value(
    data: Any, where: str, what: str
) -> None:
    with pytest.raises(InvalidInput, match=f"^{where}") as refused:
        catalogue().check("order.created", data)

    assert what in str(refused.value)
    assert "order.created" in str(refused.value)
    assert "42424242" not in str(refused.value)


def test_a_type_without_a_schema_or_without_an_entry_takes_anything() -> None:
    catalogue(None).check("order.created", object())
    catalogue().check("order.paid", object())


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (("", "", None), "event"),
        (("order.*", "", None), "name"),
        (("a", 5, None), "description"),
        (("a", "x" * 2000, None), "description"),
        (("a", "", "object"), "schema"),
        (("a", "", {"type": "nothing"}), "schema"),
        (("a", "", {"enum": ["x" * 70_000]}), "schema"),
    ],
)
def test_what_can_be_no_entry_is_refused(given: Any, field: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{field}"):
        check_entry(*given)


@pytest.mark.parametrize("target", ["http://169.254.169.254/", "file:///etc/passwd", "other.json"])
def test_a_reference_that_leads_out_is_refused(target: str) -> None:
    with pytest.raises(InvalidInput, match="nothing is fetched"):
        check_entry("a", "", {"properties": {"x": {"anyOf": [{"$ref": target}]}}})


def test_another_draft_is_taken_by_its_name() -> None:
    old = {"$schema": "http://json-schema.org/draft-04/schema#", "maximum": 5, "exclusiveMaximum": True}

    check_entry("a", "", old)
    with pytest.raises(InvalidInput):
        catalogue(old).check("order.created", 5)
