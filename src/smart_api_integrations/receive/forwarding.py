"""Forwarding received events as messages, by stored rules: a handling like any other. Floor 4.

Rules:

1. It is kept with its event, whether or not a handler takes that, and run by a worker; the message that it
   makes is kept in one transaction with its outcome. So it is part of the event's trace, and made once.
2. A rule that cannot be computed makes a dead letter at once that names the fault: mend the rule, replay it.
3. A message that passed through too many of our own systems is not sent: the count goes with it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from smart_api_integrations.core.forwarding import ForwardRule, rule_of
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
from smart_api_integrations.core.publish_maps import variables_of
from smart_api_integrations.core.retry_schedule import HANDLINGS
from smart_api_integrations.errors import InvalidInput, MalformedRequest
from smart_api_integrations.receive.assigning import Publishing, seen_by_handlers
from smart_api_integrations.receive.handling import Check, anything_goes, hops_of

Rules = Mapping[str, ForwardRule]


def is_forwarding(claim: Claim) -> bool:
    """Tell whether *claim* is of a rule, and of no handler."""
    return rule_of(claim.work.target) is not None


def forwarding_too(publishing: Publishing, rules: Callable[[], Rules]) -> Publishing:
    """Return what makes the handlings of *publishing*, and one for each of *rules* that takes an event."""

    def handlings(event: ReceivedEvent, webhook: InboundWebhook) -> Sequence[NewHandling]:
        found = publishing(event, webhook)
        known = rules()
        if not known or not webhook.expects(event.event_type, event.action):
            return found
        source = f"{event.provider}:{event.webhook_name}"
        taking = (
            rule
            for rule in known.values()
            if rule.takes(source=source, event_type=event.event_type, action=event.action)
        )
        return (
            *found,
            *(
                NewHandling(handler=each.target_of(source), max_attempts=HANDLINGS.attempts)
                for each in taking
            ),
        )

    return handlings


class ForwardRunner:
    """Runs the handlings that forward."""

    def __init__(
        self,
        webhooks: Mapping[tuple[str, str], InboundWebhook],
        *,
        rules: Callable[[], Awaitable[Rules]],
        now: Callable[[], datetime],
        new_id: Callable[[str], str],
        check: Check = anything_goes,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Forward by *rules*; *check* holds data to its schema, *clock* gives ever more seconds."""
        self._webhooks = webhooks
        self._rules = rules
        self._now = now
        self._new_id = new_id
        self._check = check
        self._clock = clock

    async def run(self, claim: Claim) -> Outcome:
        """Make the message of *claim*'s rule and event, and return it as part of an outcome."""
        started_at, began = self._now(), self._clock()
        made: Message | str | None = None
        fault = None
        try:
            made = await self._message(claim)
        except (InvalidInput, MalformedRequest) as error:
            fault = str(error)
        state, status, told, result = State.COMPLETED, AttemptStatus.SUCCEEDED, fault, None
        if fault is not None:
            state, status = State.FAILED, AttemptStatus.FAILED
        elif isinstance(made, Message):
            result = json.dumps({"message": made.id, "event": made.event})
        else:
            state, status, told = State.SKIPPED, AttemptStatus.SKIPPED, made
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
            error_code=None if fault is None else "forward_failed",
            error_message=told,
            result=result,
        )
        messages = (made,) if isinstance(made, Message) else ()
        return Outcome(work=claim.work, state=state, attempt=attempt, messages=messages)

    async def _message(self, claim: Claim) -> Message | str:
        """Return what *claim* makes, or why it makes nothing.

        Raises:
            InvalidInput: The event or its webhook is gone, or the rule cannot be computed.
            MalformedRequest: What is kept of the event cannot be read.
        """
        rule = (await self._rules()).get(rule_of(claim.work.target) or "")
        if rule is None or not rule.active:
            return "The rule is switched off, or was deleted."
        kept = claim.event
        webhook = None if kept is None else self._webhooks.get((kept.provider, kept.webhook_name))
        if kept is None or webhook is None:
            message = f"The event of {claim.work.id} is not kept any more, or its webhook is not mounted."
            raise InvalidInput(message)
        event = seen_by_handlers(kept, webhook, attempt=claim.work.attempt_count)
        seen = variables_of(event, webhook_name=kept.webhook_name)
        if not rule.wants(seen):
            return "The rule's filter is not true of the event."
        name = rule.type_of(provider=kept.provider, event_type=kept.event_type, action=kept.action)
        data = rule.data_of(seen)
        await self._check(name, data)
        return build_message(
            name,
            data,
            {"correlation_id": kept.id, "provider": kept.provider, "rule": rule.id},
            id=self._new_id("msg_"),
            now=self._now(),
            tenant=rule.tenant,
            event_id=kept.id,
            handler=claim.work.target,
            hops=hops_of(kept),
            endpoint_id=rule.endpoint_id,
        )
