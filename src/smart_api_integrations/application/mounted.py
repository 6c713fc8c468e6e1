"""What is mounted: the ways in and the handlers that a platform has. Floor 7."""

from __future__ import annotations

from collections.abc import Mapping

from smart_api_integrations.application.unreachable import webhooks_with_handlers
from smart_api_integrations.core.inbound_webhook import InboundWebhook
from smart_api_integrations.core.journal import ReceivedEvent
from smart_api_integrations.core.signatures.carried_secrets import secret_parameters
from smart_api_integrations.core.signatures.described_scheme import DescribedScheme
from smart_api_integrations.core.webhook import Handler
from smart_api_integrations.core.webhook_registry import WebhookRegistry
from smart_api_integrations.core.webhook_schema import RawRequest
from smart_api_integrations.providers.catalogue import Catalogue, Source
from smart_api_integrations.providers.samples import known_events, signed_request
from smart_api_integrations.receive.handling import Surroundings

_BEST_KNOWN = ("github", "default")


class Mounted:
    """Answers from a catalogue and a registry; ``Platform`` brings both."""

    _catalogue: Catalogue
    _registry: WebhookRegistry
    _own: Surroundings

    @property
    def webhooks(self) -> Mapping[tuple[str, str], InboundWebhook]:
        """The mounted webhooks by provider and name."""
        return self._catalogue.webhooks

    @property
    def unmounted(self) -> Mapping[tuple[str, str], str]:
        """Packaged webhooks whose secret is not set, with the variable that is missing."""
        return self._catalogue.unmounted

    @property
    def sources(self) -> Mapping[tuple[str, str], Source]:
        """Every known webhook by provider and name, mounted or not."""
        return self._catalogue.sources

    def signs(self, event: ReceivedEvent) -> bool:
        """Tell whether the provider of *event* signs what it sends, so that its headers hold no secret."""
        source = self._catalogue.sources.get((event.provider, event.webhook_name))
        return source is not None and isinstance(source.webhook.scheme, DescribedScheme)

    @property
    def paths(self) -> Mapping[str, tuple[str, str]]:
        """The paths that YAML files name, with the provider and name that they lead to."""
        return self._catalogue.paths

    def secret_parameters(self, event: ReceivedEvent) -> frozenset[str]:
        """Return the parameters of its query in which the webhook of *event* is sent its secret."""
        source = self._catalogue.sources.get((event.provider, event.webhook_name))
        return frozenset() if source is None else secret_parameters(source.webhook.scheme)

    def sample(self) -> RawRequest | None:
        """Return a small signed request that is accepted here; None where nothing with samples is mounted.

        It is the best known sender's where that is mounted: its samples are what people recognise.
        """
        able = [
            source
            for key, source in self._catalogue.sources.items()
            if key in self.webhooks and source.definition.samples
        ]
        if not able:
            return None
        source = min(able, key=lambda source: source.key != _BEST_KNOWN)
        now, delivery_id = self._own.now(), self._own.new_id("test_")
        requests = (
            signed_request(source, event, now=now, delivery_id=delivery_id) for event in known_events(source)
        )
        return min(requests, key=lambda request: len(request.body))

    @property
    def handlers(self) -> tuple[str, ...]:
        """The names of the registered handlers."""
        return tuple(
            dict.fromkeys(
                handler.name
                for processor in self._registry
                for handlers in processor.handlers.values()
                for handler in handlers
            )
        )

    @property
    def registered_handlers(self) -> tuple[Handler, ...]:
        """The registered handlers; those of one name, which share their work, once."""
        by_name = {
            handler.name: handler
            for processor in self._registry
            for handlers in processor.handlers.values()
            for handler in handlers
        }
        return tuple(by_name.values())

    @property
    def idle_handlers(self) -> tuple[str, ...]:
        """A sentence for every webhook that has handlers and takes no events, with what to set."""
        return tuple(
            f"{each.name} has handlers and is not mounted, so they never run: "
            f"{each.to_do if each.is_known else each.reason}."
            for each in webhooks_with_handlers(self._catalogue, self._registry)
            if each.reason is not None
        )
