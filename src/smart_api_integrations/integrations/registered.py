"""The webhooks of a manager: endpoints under the third seed's names. Floor 8.

``WebhookConfig`` is an endpoint that we send to, the record that the package calls ``Endpoint``; it has
nothing to do with a provider's inbound ``webhook.yaml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from smart_api_integrations.application.webhooks import Webhooks
from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.event_types import matches


@dataclass(kw_only=True)
class WebhookConfig:
    """A URL that events are sent to.

    Attributes:
        id: Given when it is registered.
        events: Types, patterns (``order.*``), or ``*`` for all.
        secret: What signs; made where there is none.
        retry_count: Attempts in all, 0 to 10; one is made in any case.
        retry_delay: Seconds before the second attempt, doubled for each further one.
        timeout: Seconds that an attempt may take.
        headers: Sent with every delivery.
    """

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
    """The registered webhooks of a manager, as they are in its file."""

    def __init__(self, webhooks: Webhooks) -> None:
        """Look into the journal of *webhooks*."""
        self._webhooks = webhooks

    @property
    def webhooks(self) -> Mapping[str, WebhookConfig]:
        """Every webhook by its id, oldest first."""
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
        """Keep a webhook and return its id; an id that it has already is not used.

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

    def rotate_secret(self, webhook_id: str, *, secret: str | None = None, grace: float = 86_400) -> str:
        """Give a webhook a new secret and return it; the old one signs beside it for *grace* seconds.

        Raises:
            NotFound: The id is unknown.
            InvalidInput: A value cannot be used; nothing was changed.
        """
        return self._webhooks.rotate_secret(webhook_id, secret=secret, grace=grace)

    def unregister(self, webhook_id: str) -> None:
        """Remove a webhook; what waits for it is cancelled.

        Raises:
            NotFound: The id is unknown.
        """
        self._webhooks.call(self._webhooks.platform.endpoints.remove(webhook_id))


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
