"""Taking in the events of one request: kept together, or handled one by one. Floor 4.

Rules:

1. What is queued is kept in one committed transaction, all of it or nothing.
2. What is handled inline is kept and handled event by event; one that fails stops no other. The provider's
   repeat of the request runs what failed, and nothing that completed.
3. One answer speaks for all: the first that says no success, else the first event's.
"""

from __future__ import annotations

from collections.abc import Sequence

from smart_api_integrations.core.inbound_webhook import InboundWebhook
from smart_api_integrations.core.intake import Intake
from smart_api_integrations.core.journal import Accepted, ReceivedEvent
from smart_api_integrations.core.webhook_registry import WebhookRegistry
from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.receive.answer import NO_EVENTS, Answer, accepted, replied
from smart_api_integrations.receive.assigning import Publishing, handlings_for
from smart_api_integrations.receive.inline import InlineHandling
from smart_api_integrations.receive.places import Place
from smart_api_integrations.storage.protocols import EventStore

_TAKEN_AT_ONCE = 16
"""More handlings than a worker soon begins with are left to whoever has room."""


class Batches:
    """Takes in what webhooks with several events in a request were sent."""

    def __init__(
        self,
        *,
        registry: WebhookRegistry,
        events: EventStore | None,
        intake: Intake,
        inline: InlineHandling,
        publishing: Publishing,
    ) -> None:
        """Take what the gateway has."""
        self._publishing = publishing
        self._registry = registry
        self._events = events
        self._intake = intake
        self._inline = inline

    async def take_in(
        self,
        webhook: InboundWebhook,
        events: Sequence[ReceivedEvent],
        *,
        place: Place | None,
        is_inline: bool,
    ) -> tuple[Answer, Sequence[bool]]:
        """Return the answer, and which of *events* are repeats.

        Raises:
            StorageUnavailable: None was kept; or, inline, not every outcome was recorded.
        """
        if not events:
            return (NO_EVENTS if webhook.response is None else replied(webhook.response)), ()
        if is_inline:
            answered = [await self._inline.answer(webhook, event, place) for event in events]
            answers = [answer for answer, _ in answered]
            spoken = next((answer for answer in answers if answer.status >= 300), answers[0])
            return spoken, [duplicate for _, duplicate in answered]
        outcomes = await self._keep(webhook, events)
        answer = accepted(events[0], outcomes[0]) if webhook.response is None else replied(webhook.response)
        return answer, [outcome.duplicate for outcome in outcomes]

    async def _keep(self, webhook: InboundWebhook, events: Sequence[ReceivedEvent]) -> Sequence[Accepted]:
        if self._events is None:
            message = "There is no store: nothing was kept"
            raise StorageUnavailable(message)
        processor = self._registry.processor(webhook.provider, webhook.name)
        entries = [
            (event, handlings_for(event, webhook, processor, publishing=self._publishing)) for event in events
        ]
        handlings = sum(len(each) for _, each in entries)
        offer = self._intake.offer() if 0 < handlings <= _TAKEN_AT_ONCE else None
        outcomes = await self._events.accept_all(entries, handoff=offer)
        claims = [claim for outcome in outcomes for claim in outcome.claims]
        if claims:
            self._intake.take(claims)
        return outcomes
