"""Publishing a provider's events as internal ones, by its YAML: a handling like any other. Floor 4.

Rules:

1. It is kept with its event and run by a worker, off the request's path; what it publishes is kept in one
   transaction with its outcome. It sees the event as received: middleware and handlers do not change it.
2. It is kept only where somebody wants one of the types: an endpoint, the broker, a function of this process.
3. A map that cannot be computed makes it a dead letter at once, for trying again would not help: mend the
   YAML, then replay it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from smart_api_integrations.core.inbound_webhook import InboundWebhook
from smart_api_integrations.core.journal import (
    Attempt,
    AttemptStatus,
    Claim,
    Message,
    NewHandling,
    Outcome,
    ReceivedEvent,
)
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.core.outbound_message import build_message
from smart_api_integrations.core.publish_maps import PUBLISH, internal_types, variables_of
from smart_api_integrations.core.retry_schedule import HANDLINGS
from smart_api_integrations.errors import InvalidInput, MalformedRequest
from smart_api_integrations.receive.assigning import Publishing, seen_by_handlers
from smart_api_integrations.receive.handling import hops_of


def is_publishing(claim: Claim) -> bool:
    """Tell whether *claim* is of a webhook's publishing, and of no handler."""
    return claim.work.target.endswith(f":{PUBLISH}")


def publishing_for(*, always: bool, is_heard: Callable[[str], bool]) -> Publishing:
    """Return what makes the handling that publishes an event, where it has any internal types.

    *always*: whether or not an endpoint or the broker wants them; *is_heard* tells whether a function of
    this process listens to a type.
    """

    def handlings(event: ReceivedEvent, webhook: InboundWebhook) -> Sequence[NewHandling]:
        types = internal_types(webhook.publish, event.event_type, event.action) if webhook.publish else ()
        if not types or not webhook.expects(event.event_type, event.action):
            return ()
        wanted_here = always or any(map(is_heard, types))
        return (
            NewHandling(
                handler=f"{event.provider}:{event.webhook_name}:{PUBLISH}",
                max_attempts=HANDLINGS.attempts,
                publishes=() if wanted_here else types,
            ),
        )

    return handlings


class PublishRunner:
    """Runs the handlings that publish."""

    def __init__(
        self,
        webhooks: Mapping[tuple[str, str], InboundWebhook],
        *,
        now: Callable[[], datetime],
        new_id: Callable[[str], str],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Publish by the maps of *webhooks*; *clock* gives seconds that only go forward."""
        self._webhooks = webhooks
        self._now = now
        self._new_id = new_id
        self._clock = clock

    async def run(self, claim: Claim) -> Outcome:
        """Compute what the event of *claim* is inside, and return it as the messages of an outcome."""
        started_at, began = self._now(), self._clock()
        messages: Sequence[Message] = ()
        fault = None
        try:
            messages = self._messages(claim)
        except (InvalidInput, MalformedRequest) as error:
            fault = str(error)
        state, status = State.COMPLETED, AttemptStatus.SUCCEEDED
        if fault is not None:
            state, status = State.FAILED, AttemptStatus.FAILED
        elif not messages:
            state, status = State.SKIPPED, AttemptStatus.SKIPPED
        names = [message.event for message in messages]
        attempt = Attempt(
            id=self._new_id("att_"),
            work_id=claim.work.id,
            kind=claim.work.kind,
            target=claim.work.target,
            subject_id=claim.work.subject_id,
            number=claim.work.attempt_count,
            status=status,
            started_at=started_at,
            duration_ms=(self._clock() - began) * 1000,
            error_code=None if fault is None else "publish_map",
            error_message=fault or (None if messages else "No publish map of the webhook takes the event."),
            result=json.dumps({"events": names}) if names else None,
        )
        return Outcome(work=claim.work, state=state, attempt=attempt, messages=messages)

    def _messages(self, claim: Claim) -> Sequence[Message]:
        """Return what *claim* publishes.

        Raises:
            InvalidInput: The event or its webhook is not there any more, or a map cannot be computed.
            MalformedRequest: What is kept of the event cannot be read.
        """
        kept = claim.event
        webhook = None if kept is None else self._webhooks.get((kept.provider, kept.webhook_name))
        if kept is None or webhook is None:
            message = f"The event of {claim.work.id} is not kept any more, or its webhook is not mounted."
            raise InvalidInput(message)
        event = seen_by_handlers(kept, webhook, attempt=claim.work.attempt_count)
        seen = variables_of(event, webhook_name=kept.webhook_name)
        made = (each.made_of(seen, event=event) for each in webhook.publish)
        return [
            build_message(
                internal.type,
                internal.data,
                {"correlation_id": kept.id, "provider": kept.provider},
                id=self._new_id("msg_"),
                now=self._now(),
                tenant=kept.tenant,
                event_id=kept.id,
                handler=claim.work.target,
                hops=hops_of(kept),
                ordering_key=internal.ordering_key,
            )
            for internal in made
            if internal is not None
        ]
