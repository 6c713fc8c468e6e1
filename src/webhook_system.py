"""The third seed's names for sending webhooks: a façade over ``smart_api_integrations.Webhooks``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self, TypedDict, Unpack

from smart_api_integrations.application import Webhooks
from smart_api_integrations.core.event_types import EventType
from smart_api_integrations.integrations.registered import WebhookConfig, WebhookRegistry
from smart_api_integrations.send.subscribers import WebhookPayload

__all__ = ["EventType", "WebhookConfig", "WebhookManager", "WebhookPayload", "WebhookRegistry"]


class WebhookOptions(TypedDict, total=False):
    """What else can be said of a webhook, as :class:`WebhookConfig` has it."""

    active: bool
    retry_count: int
    retry_delay: float
    timeout: float
    headers: dict[str, str]
    metadata: dict[str, Any]


class WebhookManager:
    """Registers webhooks and sends events to them, durably; may be used from any thread."""

    def __init__(self, db_path: str = "webhooks.db") -> None:
        """Keep everything in the SQLite file *db_path*; nothing is sent before ``start``."""
        self._webhooks = Webhooks(database_url=f"sqlite:///{db_path}", roles=("worker",))
        self._registry: WebhookRegistry | None = None

    @property
    def registry(self) -> WebhookRegistry:
        """The registered webhooks."""
        self._webhooks.open()
        if self._registry is None:
            self._registry = WebhookRegistry(self._webhooks)
        return self._registry

    def start(self) -> None:
        """Begin to send; what waits from earlier goes on."""
        self._webhooks.start()

    def stop(self) -> None:
        """Stop sending; what is not delivered waits in the file."""
        self._webhooks.stop()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def register_webhook(
        self, url: str, events: Iterable[str], secret: str | None = None, **options: Unpack[WebhookOptions]
    ) -> str:
        """Keep a webhook and return its id; *options* are those of :class:`WebhookConfig`.

        Raises:
            InvalidInput: A value cannot be used; nothing was kept.
        """
        return self.registry.register(WebhookConfig(url=url, events=list(events), secret=secret, **options))

    def trigger_event(self, event: str, data: Any, metadata: Mapping[str, Any] | None = None) -> str:
        """Send an event; return the message's id once it is on disk, without waiting for a delivery.

        Raises:
            InvalidInput: The event's name or the data cannot be used; nothing was kept.
            StorageUnavailable: The file cannot be written; nothing was kept.
        """
        return self._webhooks.open().publish(event, data, metadata)

    def get_webhook_stats(self, webhook_id: str) -> dict[str, Any]:
        """Return ``total_attempts``, ``successful``, ``failed`` and ``avg_duration_ms`` of a webhook."""
        self._webhooks.open()
        return asdict(self._webhooks.call(self._webhooks.platform.journal.endpoints.statistics(webhook_id)))

    def add_event_handler(self, event: str, handler: Callable[[WebhookPayload], Any]) -> None:
        """Call *handler* with every event of this type (or pattern) that this manager sends."""
        self._webhooks.open().subscribe(event, handler)
