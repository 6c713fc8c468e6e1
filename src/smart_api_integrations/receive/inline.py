"""Handling an event while its provider waits: the mode ``inline``. Floor 4.

Rules:

1. The event and a handling for each handler are kept first, leased to us; then the middleware and the
   handlers run, as ``core.inline_answer`` says; then every outcome is recorded; then comes the answer.
2. The provider is the only one who retries. Its repeat of an event runs what failed, under the same event
   id, and nothing that completed; while another request runs it, the repeat is answered 503.
3. What a middleware renames is handled by the handlers of the new type.
4. Where an outcome cannot be recorded the answer is 503: the provider sends the event again.
5. An answer that cannot be sent is a failure of the handler that gave it: 500, and the repeat runs it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from smart_api_integrations.core.handler_names import qualified_name
from smart_api_integrations.core.inbound_webhook import InboundWebhook
from smart_api_integrations.core.inline_answer import FAILED, HandlerFunction
from smart_api_integrations.core.journal import Claim, Handoff, NewHandling, Outcome, ReceivedEvent
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.core.webhook import Handler, WebhookProcessor
from smart_api_integrations.core.webhook_registry import WebhookRegistry
from smart_api_integrations.core.webhook_schema import WebhookEvent, WebhookResponse
from smart_api_integrations.errors import ConfigurationError, InvalidInput
from smart_api_integrations.receive.answer import (
    BUSY,
    UNSENDABLE,
    Answer,
    UnsendableAnswer,
    handled,
    replied,
)
from smart_api_integrations.receive.assigning import Publishing, publish_nothing, seen_by_handlers
from smart_api_integrations.receive.calling import TimeLimit, call_within
from smart_api_integrations.receive.handling import HandlerRunner, RanTooLong, Run, current_event
from smart_api_integrations.receive.ledger import Ledger
from smart_api_integrations.receive.places import Place
from smart_api_integrations.receive.threads import HandlerThreads
from smart_api_integrations.telemetry import AttemptFinished, Telemetry

logger = logging.getLogger("smart_api_integrations.core.webhook")  # the name that the second seed gives


@dataclass(frozen=True, slots=True, kw_only=True)
class InlineRules:
    """What inline handling is told from outside.

    Attributes:
        owner: Whose leases these are; not the worker's.
        default_timeout: How long a handler without a limit of its own may run.
        spare: How much longer than all limits together a lease is.
        now: Returns the time.
        clock: Returns seconds that only grow.
        publishing: Makes the handling that publishes an event: that one is a worker's.
    """

    owner: str
    default_timeout: timedelta
    spare: timedelta
    now: Callable[[], datetime]
    clock: Callable[[], float]
    publishing: Publishing = publish_nothing


class InlineHandling:
    """Runs handlers while their provider waits."""

    def __init__(
        self,
        *,
        registry: WebhookRegistry,
        runner: HandlerRunner,
        ledger: Ledger,
        telemetry: Telemetry,
        threads: HandlerThreads,
        rules: InlineRules,
    ) -> None:
        """Keep outcomes in *ledger*; *threads* run plain handlers unless a request brings its own place."""
        self._registry = registry
        self._runner = runner
        self._ledger = ledger
        self._telemetry = telemetry
        self._threads = threads
        self._rules = rules

    async def answer(
        self, webhook: InboundWebhook, event: ReceivedEvent, place: Place | None = None
    ) -> tuple[Answer, bool]:
        """Handle *event*; return what is answered, and whether it was a repeat with nothing left to do.

        Raises:
            StorageUnavailable: The event was not kept, or an outcome was not recorded.
        """
        processor = self._registry.processor(webhook.provider, webhook.name)
        if processor is None or not webhook.expects(event.event_type, event.action):
            processor = WebhookProcessor(webhook.provider, webhook.name)
        handlers = processor.route(event.event_type, event.action)
        handoff = Handoff(owner=self._rules.owner, lease=self._lease([*handlers, *processor.middleware]))
        handlings = [_handling(handler) for handler in handlers]
        published = self._rules.publishing(event, webhook)
        kept = replace(handoff, refuse=frozenset(each.handler for each in published))
        accepted = await self._ledger.accept(event, [*handlings, *published], handoff=kept)
        claims, running = accepted.claims, False
        if accepted.duplicate:
            event = replace(event, id=accepted.event_id)
            resumed = await self._ledger.resume(event, handlings, handoff=handoff)
            claims, running = resumed.claims, resumed.running
            if not claims:
                return (BUSY if running else _repeated(webhook, event)), not running
        run = _InlineRun(
            webhook=webhook,
            processor=processor,
            event=event,
            claims={claim.work.target: claim for claim in claims},
            place=place,
            threads=self._threads,
            ledger=self._ledger,
            handoff=handoff,
            rules=self._rules,
        )
        answer = await self._run(run)
        return BUSY if running else answer, False

    def _lease(self, called: Sequence[Handler | HandlerFunction]) -> timedelta:
        """Return a lease that none of *called* outlives, one after the other."""
        limits = (getattr(each, "timeout", None) or self._rules.default_timeout for each in called)
        return sum(limits, self._rules.spare)

    async def _run(self, run: _InlineRun) -> Answer:
        attempt = max((claim.work.attempt_count for claim in run.claims.values()), default=1)
        event = seen_by_handlers(run.event, run.webhook, attempt=attempt)
        token = current_event.set(run.event)
        try:
            response = await run.processor.process(event, call=run.call, on_error=run.note)
        finally:
            current_event.reset(token)
        answer = self._answer(run, response)
        outcomes = [await self._runner.outcome_of(claim, each) for claim, each in run.ended(response)]
        refused = await asyncio.gather(*(self._record(outcome) for outcome in outcomes))
        return handled(run.event, FAILED) if any(refused) else answer

    def _answer(self, run: _InlineRun, response: WebhookResponse) -> Answer:
        """Return what is sent; an answer that cannot be becomes the failure of who gave it."""
        own = run.webhook.response
        if own is not None and response.success and not run.has_answered:
            return replied(own)
        try:
            return handled(run.event, response)
        except UnsendableAnswer as fault:
            author = run.blame(response, str(fault))
            logger.error(  # noqa: TRY400 - the sentence says it all
                "A handler's answer cannot be sent: %s",
                fault,
                extra={
                    "action": "answer",
                    "handler": author,
                    "reason": str(fault),
                    "event_id": run.event.id,
                },
            )
            return UNSENDABLE

    async def _record(self, outcome: Outcome) -> bool:
        """Record *outcome*; return whether what it holds was refused, and it is recorded as a failure."""
        try:
            recorded = await self._ledger.record(outcome)
        except (InvalidInput, ConfigurationError) as error:
            logger.exception(
                "A handler's result cannot be kept",
                extra={"action": "record", "handler": outcome.work.target},
            )
            attempt = replace(
                outcome.attempt, error_code="not_recorded", error_message=str(error), result=None
            )
            await self._ledger.record(
                replace(outcome, state=State.FAILED, attempt=attempt, messages=(), wait=None)
            )
            return True
        self._telemetry.tell(AttemptFinished(outcome, recorded.stale))
        return False


@dataclass(kw_only=True)
class _InlineRun:
    """One event on its way through middleware and handlers, and what each handler did.

    Attributes:
        claims: The handlings that are ours to run, by handler.
    """

    webhook: InboundWebhook
    processor: WebhookProcessor
    event: ReceivedEvent
    claims: dict[str, Claim]
    place: Place | None
    threads: HandlerThreads
    ledger: Ledger
    handoff: Handoff
    rules: InlineRules

    def __post_init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._noted: str | None = None
        self._stopped_by: str | None = None
        self._unsendable: str | None = None

    async def call(self, function: HandlerFunction, event: WebhookEvent, own: timedelta | None, /) -> Any:
        """Call a middleware, or a handler whose handling is ours; see ``core.inline_answer.Call``."""
        if function in self.processor.middleware:
            answer = await self._limited(function, event, own)
            self._stopped_by = None if answer is None else qualified_name(function)
            return answer
        routed = self.processor.route(event.type, event.action)
        handler = next(each for each in routed if each.function == function)
        if not await self._is_ours(handler):
            return None
        started_at, began = self.rules.now(), self.rules.clock()
        result, raised = None, None
        try:
            result = await self._limited(function, event, own)
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 - it is the handler's outcome
            raised = error
        self._runs[handler.name] = Run(
            started_at=started_at,
            seconds=self.rules.clock() - began,
            limit=own,
            result=result,
            error=raised,
        )
        if raised is None:
            return result
        raise raised if isinstance(raised, Exception) else RuntimeError(type(raised).__name__) from raised

    async def _is_ours(self, handler: Handler) -> bool:
        """Tell whether to run *handler*; one that a middleware's renaming brought in is kept now."""
        if handler.name not in self.claims:
            resumed = await self.ledger.resume(self.event, [_handling(handler)], handoff=self.handoff)
            self.claims.update({claim.work.target: claim for claim in resumed.claims})
        return handler.name in self.claims

    async def _limited(self, function: HandlerFunction, event: WebhookEvent, own: timedelta | None) -> Any:
        limit = TimeLimit(own or self.rules.default_timeout)
        try:
            async with limit:
                if self.place is not None:
                    return await self.place.call(function, event)
                owner = qualified_name(function)
                return await call_within(limit, function, event, owner=owner, threads=self.threads)
        except TimeoutError as error:
            if not limit.expired:
                raise
            raise RanTooLong from error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            message = "something that the handler waited for was cancelled"
            raise RuntimeError(message) from error

    def note(self, name: str, error: Exception) -> None:
        """Log what a handler or a middleware raised; see ``core.inline_answer.OnError``."""
        self._noted = f"{name} raised {type(error).__name__}."
        logger.error(
            "A handler failed while its provider waited",
            exc_info=error,
            extra={"action": "handle_inline", "handler": name, "event_id": self.event.id},
        )

    @property
    def has_answered(self) -> bool:
        """Whether a handler or a middleware had something to say."""
        return self._stopped_by is not None or any(run.result is not None for run in self._runs.values())

    def blame(self, response: WebhookResponse, fault: str) -> str:
        """Let the handling of who gave *response*, which cannot be sent, fail; return the author's name."""
        if self._stopped_by is not None:
            self._unsendable = fault
            return self._stopped_by
        answered = {name: run.result for name, run in self._runs.items() if run.result is not None}
        # A response is sent as it is. What was made of another result is the first: no failure went before.
        author = next(
            (name for name, result in answered.items() if result is response), next(iter(answered), "")
        )
        if author:
            self._runs[author] = replace(self._runs[author], unsendable=fault)
        return author

    def ended(self, response: WebhookResponse) -> Iterable[tuple[Claim, Run]]:
        """Yield how each handling ended; *response* is what the provider is answered."""
        for name, claim in self.claims.items():
            yield claim, self._runs.get(name) or self._not_run(response)

    def _not_run(self, response: WebhookResponse) -> Run:
        """Return how a handling ended that a middleware answered, or took away by renaming the event."""
        now = self.rules.now()
        reason = response.message or self._noted or f"it answered {response.status_code}"
        if self._runs:
            return Run(started_at=now, skipped="A middleware gave the event another type.")
        if self._unsendable is not None:
            return Run(started_at=now, unsendable=f"of the middleware {self._stopped_by}: {self._unsendable}")
        if response.success:
            return Run(started_at=now, skipped=f"A middleware answered in its place: {reason}")
        return Run(started_at=now, refused=f"A middleware refused the event: {reason}")


def _repeated(webhook: InboundWebhook, event: ReceivedEvent) -> Answer:
    """Return the answer to a repeat with nothing left to do."""
    if webhook.response is not None:
        return replied(webhook.response)
    return handled(event, WebhookResponse(), duplicate=True)


def _handling(handler: Handler) -> NewHandling:
    """Return the handling of *handler*: one attempt, since the provider is who tries again."""
    return NewHandling(handler=handler.name, max_attempts=1)
