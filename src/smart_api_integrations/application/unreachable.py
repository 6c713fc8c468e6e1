"""Handlers that no event can reach, and what to do about each: one rule for all who tell of them. Floor 7."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from smart_api_integrations.core.webhook_registry import WebhookRegistry
from smart_api_integrations.providers.catalogue import Catalogue, Key


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookWithHandlers:
    """A webhook that handlers are registered for.

    Attributes:
        key: Provider and name.
        count: How many handlers it has.
        reason: Why no event reaches them; None where one can.
        to_do: What would change that; empty where nothing need be done.
        is_known: Whether there is such a webhook at all.
        may_open: Whether a handshake may yet open the webhook, or has already.
    """

    key: Key
    count: int
    reason: str | None = None
    to_do: str = ""
    is_known: bool = True
    may_open: bool = False

    @property
    def name(self) -> str:
        """``provider/name``."""
        return "/".join(self.key)


def webhooks_with_handlers(catalogue: Catalogue, registry: WebhookRegistry) -> Iterator[WebhookWithHandlers]:
    """Yield every webhook that has handlers, by the order of registration."""
    for processor in registry:
        key = processor.provider, processor.name
        count = sum(map(len, processor.handlers.values()))
        if not count:
            continue
        source = catalogue.sources.get(key)
        if source is None:
            yield WebhookWithHandlers(
                key=key,
                count=count,
                reason="no such webhook is known",
                to_do=f"add providers/{key[0]}/webhook.yaml with a webhook {key[1]!r}",
                is_known=False,
            )
        elif source.missing is None:
            yield WebhookWithHandlers(key=key, count=count)
        else:
            to_do = f"set {source.missing} to mount it"
            if source.brought:
                to_do += f", or let a handshake bring it: webhooks captured-keys await {key[0]}"
            yield WebhookWithHandlers(
                key=key,
                count=count,
                reason=f"{source.missing} is not set",
                to_do=to_do,
                may_open=source.brought is not None,
            )
