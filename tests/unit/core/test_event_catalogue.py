"""A type of the catalogue."""

from __future__ import annotations

from datetime import UTC, datetime

from smart_api_integrations.core.event_catalogue import EventTypeEntry

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_type_is_offered_and_takes_any_data_unless_it_says_otherwise() -> None:
    entry = EventTypeEntry(name="order.created", created_at=NOON, updated_at=NOON)

    assert (entry.description, entry.schema, entry.archived) == ("", None, False)
    assert "schema" not in repr(entry), "a schema is long"
