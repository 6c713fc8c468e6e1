"""The third seed's names for sending webhooks: a façade over ``smart_api_integrations.Webhooks``.

``WebhookConfig`` here is an endpoint that we send to, the record that the package calls ``Endpoint``; it
has nothing to do with a provider's inbound ``webhook.yaml``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Any, Self

from smart_api_integrations.application import Webhooks
from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.event_types import matches
from smart_api_integrations.send.subscribers import WebhookPayload

__all__ = ["WebhookConfig", "WebhookManager", "WebhookPayload", "WebhookRegistry"]


@dataclass(kw_only=True)
class WebhookConfig:
    """A URL that events are sent to; ``retry_delay`` and ``timeout`` are seconds."""

    id: str = ""
    url: str
    events: list[str]
    secret: str | None = field(default=None, repr=False)
    active: bool = True
    retry_count: int = 3
    retry_delay: float = 5
    timeout: float = 30
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    metadata: dict[str, Any] = field(default_factory=dict)


class WebhookRegistry:
    """The registered webhooks of a manager."""

    def __init__(self, webhooks: Webhooks) -> None:
        """Look into the journal of *webhooks*."""
        self._webhooks = webhooks

    @property
    def webhooks(self) -> Mapping[str, WebhookConfig]:
        """Every webhook by its id."""
        found = self._webhooks.call(self._webhooks.platform.journal.endpoints.endpoints())
        return {endpoint.id: _config(endpoint) for endpoint in found}

    def get_webhooks_for_event(self, event: str) -> list[WebhookConfig]:
        """Return the active webhooks that an event of this type is sent to."""
        return [
            webhook
            for webhook in self.webhooks.values()
            if webhook.active and any(matches(pattern, event) for pattern in webhook.events)
        ]

    def register(self, webhook: WebhookConfig) -> str:
        """Keep a webhook and return its id.

        Raises:
            InvalidInput: A value cannot be used; nothing was kept.
        """
        values = asdict(webhook)
        del values["id"]
        return self._webhooks.call(self._webhooks.platform.endpoints.register(**values)).id

    def update_webhook(self, webhook_id: str, changes: Mapping[str, Any]) -> WebhookConfig:
        """Change some of a webhook's values and return it.

        Raises:
            NotFound: The id is unknown.
            InvalidInput: A value cannot be used; nothing was changed.
        """
        return _config(self._webhooks.call(self._webhooks.platform.endpoints.update(webhook_id, changes)))

    def unregister(self, webhook_id: str) -> None:
        """Remove a webhook; what waits for it is cancelled.

        Raises:
            NotFound: The id is unknown.
        """
        self._webhooks.call(self._webhooks.platform.endpoints.remove(webhook_id))


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
        self, url: str, events: Iterable[str], secret: str | None = None, **options: Any
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


def _config(endpoint: Endpoint) -> WebhookConfig:
    delay = endpoint.retry_delay
    return WebhookConfig(
        id=endpoint.id,
        url=endpoint.url,
        events=list(endpoint.events),
        secret=endpoint.secret,
        active=endpoint.active,
        retry_count=endpoint.schedule.attempts,
        retry_delay=5 if delay is None else delay.total_seconds(),
        timeout=endpoint.timeout.total_seconds(),
        headers=dict(endpoint.headers),
        metadata=dict(endpoint.metadata),
    )
