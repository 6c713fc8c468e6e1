"""Changes of database rows as events. Floor 8."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from smart_api_integrations.core.event_types import EventType
from smart_api_integrations.integrations.trigger import EventTrigger

Row = Mapping[str, Any]

_METADATA = {"source": "database"}


class DatabaseWebhookIntegration:
    """Sends ``data.created``, ``data.updated`` and ``data.deleted`` with the table and the row's key.

    Call it after the commit: an event of a transaction that was rolled back cannot be called back. Values
    that JSON has no form for (dates, decimals, UUIDs) are sent as text.
    """

    def __init__(self, manager: EventTrigger) -> None:
        """Send through *manager*."""
        self._manager = manager

    def on_record_created(self, table: str, record_id: Any, data: Row) -> str:
        """Send that a row was inserted, with its values; return the message's id."""
        return self._send(EventType.DATA_CREATED, table, record_id, {"data": data})

    def on_record_updated(self, table: str, record_id: Any, old_data: Row, new_data: Row) -> str:
        """Send that a row was changed, with both versions and what differs; return the message's id."""
        changes = {
            name: {"old": old_data.get(name), "new": new_data.get(name)}
            for name in {**old_data, **new_data}
            if (name in old_data, old_data.get(name)) != (name in new_data, new_data.get(name))
        }
        content = {"old_data": old_data, "new_data": new_data, "changes": changes}
        return self._send(EventType.DATA_UPDATED, table, record_id, content)

    def on_record_deleted(self, table: str, record_id: Any, data: Row | None = None) -> str:
        """Send that a row was deleted, with its last values where they are known; return the message's id."""
        return self._send(EventType.DATA_DELETED, table, record_id, {} if data is None else {"data": data})

    def _send(self, event: str, table: str, record_id: Any, content: Row) -> str:
        document = {"table": table, "record_id": record_id, **content}
        return self._manager.trigger_event(event, json.loads(json.dumps(document, default=str)), _METADATA)
