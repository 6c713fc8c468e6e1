"""What an integration sends through. Floor 8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class EventTrigger(Protocol):
    """Keeps events for delivery: ``webhook_system.WebhookManager``, or what stands in for it."""

    def trigger_event(self, event: str, data: Any, metadata: Mapping[str, Any] | None = None) -> str:
        """Keep one event and return its message's id; a delivery is not waited for."""
