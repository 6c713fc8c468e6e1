"""Types of the catalogue as rows. Floor 3."""

from __future__ import annotations

from typing import Any

from smart_api_integrations.core.event_catalogue import EventTypeEntry
from smart_api_integrations.storage.sending_tables import event_types
from smart_api_integrations.storage.versioned import Kind


def _row(entry: EventTypeEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "description": entry.description,
        "schema": None if entry.schema is None else dict(entry.schema),
        "archived": entry.archived,
        "created_at": entry.created_at,
        "updated_at": entry.updated_at,
    }


def _entry(row: Any) -> EventTypeEntry:
    return EventTypeEntry(**row._asdict())


EVENT_TYPES = Kind(name="event type", table=event_types, row_of=_row, record_of=_entry)
