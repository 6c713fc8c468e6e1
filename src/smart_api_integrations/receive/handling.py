"""Running one handling: the middleware, the handler, and what became of it. Floor 4.

Rules:

1. Whatever a handler does, an outcome comes back: completed, skipped, to be tried again, or a dead
   letter; ``sys.exit()`` in a handler is a failure like another. Only the worker's own cancellation
   passes through.
2. Plain functions run on a thread, coroutine functions on the event loop; a time limit holds for the
   whole run, but for its waiting for a thread. (A thread cannot be stopped: past the limit it is replaced.)
3. What a handler raises or returns decides by the tables of ``endings``; everything else it returns is
   its result. A response that says no success is a failure.
4. Where the middleware renamed the event, the handlers of the new type run: this one if it is among them,
   the others by handlings that are part of the outcome.
5. The messages that a result publishes are part of the outcome: they are kept in one transaction with
   it, so a handler that is run again after a crash has not half published.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from smart_api_integrations.core.inbound_webhook import InboundWebhook
from smart_api_integrations.core.inline_answer import HandlerFunction
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
from smart_api_integrations.core.outbound_request import HOPS_HEADER
from smart_api_integrations.core.retry_schedule import HANDLINGS, RetrySchedule
from smart_api_integrations.core.webhook import Handler, WebhookProcessor
from smart_api_integrations.core.webhook_registry import WebhookRegistry
from smart_api_integrations.core.webhook_schema import Headers, WebhookEvent, WebhookResponse
from smart_api_integrations.errors import HandlerError, InvalidInput
from smart_api_integrations.receive.assigning import rerouted, seen_by_handlers
from smart_api_integrations.receive.calling import TimeLimit, call_within
from smart_api_integrations.receive.endings import (
    Ending,
    answered_by,
    judged,
    no_success,
    not_registered,
    overran,
    passed_on,
    raised,
    result_of,
    stuck,
    unsendable,
)
from smart_api_integrations.receive.threads import HandlerStuck, HandlerThreads

RESULT_LIMIT = 64 * 1024
LONGEST_ASKED = timedelta(days=365)

current_event: contextvars.ContextVar[ReceivedEvent | None] = contextvars.ContextVar(
    "current_event", default=None
)
"""The event whose handler is running: what ``publish`` inside a handler links its message to."""


Check = Callable[[str, Any], Awaitable[None]]
"""Raises ``InvalidInput`` where data may not be published as an event of this type."""


async def anything_goes(_event: str, _data: Any) -> None:
    """Hold data to nothing: there is no catalogue."""


class RanTooLong(Exception):
    """A handler ran longer than it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The clock, ids, die and threads of a process."""

    now: Callable[[], datetime]
    new_id: Callable[[str], str]
    random: Callable[[], float]
    threads: HandlerThreads


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A handler's run that was watched: what it returned, or what it raised.

    Attributes:
        limit: The handler's own limit of time; None for the platform's.
        skipped: Why it was not run at all, or None.
        refused: Why it was not run, where that is a failure, or None.
        unsendable: What is wrong with its answer, which cannot be sent to the provider, or None.
    """

    started_at: datetime
    seconds: float = 0.0
    limit: timedelta | None = None
    result: Any = None
    error: BaseException | None = None
    skipped: str | None = None
    refused: str | None = None
    unsendable: str | None = None

    def ending(self, limit: timedelta) -> Ending:
        """Return how it ended; *limit* is named where it ran longer."""
        if self.skipped is not None:
            return Ending(state=State.SKIPPED, status=AttemptStatus.SKIPPED, message=self.skipped)
        if self.refused is not None:
            return no_success(self.refused, None)
        if self.unsendable is not None:
            return unsendable(self.unsendable)
        if isinstance(self.error, HandlerError):
            return judged(self.error)
        if isinstance(self.error, RanTooLong):
            return overran(limit)
        return result_of(self.result) if self.error is None else raised(self.error)


class HandlerRunner:
    """Runs handlings."""

    def __init__(
        self,
        *,
        registry: WebhookRegistry,
        webhooks: Mapping[tuple[str, str], InboundWebhook],
        surroundings: Surroundings,
        default_timeout: timedelta,
        check: Check = anything_goes,
    ) -> None:
        """Take where handlers are found and how bodies are read; *check* holds data to its schema."""
        self._check = check
        self._registry = registry
        self._webhooks = webhooks
        self._surroundings = surroundings
        self._default_timeout = default_timeout

    async def run(self, claim: Claim) -> Outcome:
        """Run the handler that *claim* names on its event and return what became of it."""
        started_at, began = self._surroundings.now(), time.perf_counter()
        kind = ("", None) if claim.event is None else (claim.event.event_type or "", claim.event.action)
        found = self._registry.handler(claim.work.target, *kind)
        added: list[NewHandling] = []
        ending = not_registered(claim) if found is None else await self._ending(claim, *found, added)
        schedule = HANDLINGS if found is None else found[1].schedule
        ending, wait = self._scheduled(claim, ending, schedule)
        attempt = self._attempt(claim, ending, started_at, (time.perf_counter() - began) * 1000)
        return Outcome(
            work=claim.work,
            state=ending.state,
            wait=wait,
            attempt=attempt,
            messages=ending.messages,
            handlings=added,
        )

    async def outcome_of(self, claim: Claim, run: Run) -> Outcome:
        """Return what became of a handler that was run while its provider waited: only that one retries."""
        limit = run.limit or self._default_timeout
        try:
            ending = await self._kept(claim, run.ending(limit))
        except InvalidInput as error:
            ending = raised(error)
        if ending.state is State.RETRY_SCHEDULED:
            ending = replace(ending, state=State.FAILED)
        attempt = self._attempt(claim, ending, run.started_at, run.seconds * 1000)
        return Outcome(work=claim.work, state=ending.state, attempt=attempt, messages=ending.messages)

    async def _ending(
        self, claim: Claim, processor: WebhookProcessor, handler: Handler, added: list[NewHandling]
    ) -> Ending:
        """Return how the run ended; *added* gets the handlings that it leads to, however it ends."""
        limit = TimeLimit(handler.timeout or self._default_timeout)
        token = current_event.set(claim.event)
        try:
            async with limit:
                ending = await self._run(claim, processor, handler, limit, added=added)
            return await self._kept(claim, ending)
        except HandlerError as verdict:
            return judged(verdict)
        except HandlerStuck:
            return stuck(self._surroundings.threads.share)
        except asyncio.CancelledError as error:
            if _is_being_cancelled():
                raise
            return raised(error)  # something that the handler waited for was cancelled
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 - whatever a handler raises is its outcome
            return overran(limit.limit) if limit.expired else raised(error)
        finally:
            current_event.reset(token)

    async def _run(
        self,
        claim: Claim,
        processor: WebhookProcessor,
        handler: Handler,
        limit: TimeLimit,
        *,
        added: list[NewHandling],
    ) -> Ending:
        async def call(function: HandlerFunction) -> Any:
            return await call_within(
                limit, function, event, owner=handler.name, threads=self._surroundings.threads
            )

        event = self.event_for(claim)
        came_as = event.type, event.action
        for middleware in processor.middleware:
            result = await call(middleware)
            if result is not None:
                return answered_by(middleware, result)
        if handler == processor.routing or (event.type, event.action) != came_as:
            routed = processor.route(event.type, event.action)
            added.extend(rerouted([each for each in routed if each.name != handler.name], event))
            own = next((each for each in routed if each.name == handler.name), None)
            if own is None:
                return passed_on(handler, processor, is_taken=bool(routed))
            handler = own
        return result_of(await call(handler.function))

    def event_for(self, claim: Claim) -> WebhookEvent:
        """Return the event as handlers see it, parsed anew from the stored bytes."""
        if claim.event is None:
            message = f"The event of {claim.work.id} is not in the journal any more."
            raise InvalidInput(message)
        kept = claim.event
        webhook = self._webhooks.get((kept.provider, kept.webhook_name))
        if webhook is None:
            message = f"The webhook {kept.provider}/{kept.webhook_name} is not mounted any more."
            raise InvalidInput(message)
        return seen_by_handlers(kept, webhook, attempt=claim.work.attempt_count)

    async def _kept(self, claim: Claim, ending: Ending) -> Ending:
        """Return *ending* as it can be kept: its result as text, what that publishes as messages.

        Raises:
            InvalidInput: What the result publishes cannot be a message.
        """
        text = _as_text(ending.result)
        result = ending.result.data if isinstance(ending.result, WebhookResponse) else ending.result
        if claim.event is None or ending.state is not State.COMPLETED or not isinstance(result, Mapping):
            return replace(ending, result=text)
        entries = _entries(result.get("events") or ())
        messages = [await self._message(claim, claim.event, entry) for entry in entries]
        return replace(ending, result=text, messages=tuple(messages))

    async def _message(self, claim: Claim, event: ReceivedEvent, entry: Mapping[str, Any]) -> Message:
        message = build_message(
            entry["type"],
            entry.get("data", {}),
            {**(entry.get("metadata") or {}), "correlation_id": event.id},
            id=self._surroundings.new_id("msg_"),
            now=self._surroundings.now(),
            tenant=event.tenant,
            event_id=event.id,
            handler=claim.work.target,
            hops=hops_of(event),
        )
        await self._check(message.event, entry.get("data", {}))
        return message

    def _scheduled(
        self, claim: Claim, ending: Ending, schedule: RetrySchedule
    ) -> tuple[Ending, timedelta | None]:
        if ending.state is not State.RETRY_SCHEDULED:
            return ending, None
        wait = schedule.next_wait(failures=claim.work.failures + 1, random=self._surroundings.random)
        if wait is None:
            return replace(ending, state=State.FAILED), None
        return ending, wait if ending.asked is None else min(max(ending.asked, timedelta()), LONGEST_ASKED)

    def _attempt(self, claim: Claim, ending: Ending, started_at: datetime, duration_ms: float) -> Attempt:
        return Attempt(
            id=self._surroundings.new_id("att_"),
            work_id=claim.work.id,
            kind=claim.work.kind,
            target=claim.work.target,
            subject_id=claim.work.subject_id,
            number=claim.work.attempt_count,
            status=ending.status,
            started_at=started_at,
            duration_ms=duration_ms,
            error_code=ending.code,
            error_message=ending.message,
            error_detail=ending.detail,
            result=ending.result,
        )


def hops_of(event: ReceivedEvent) -> int:
    """Return how many of our own systems a message has passed through that *event* caused.

    A message that passed through too many is not delivered: it runs in a circle.
    """
    stated = Headers(event.headers).get(HOPS_HEADER, "0")
    return (int(stated) if re.fullmatch("[0-9]{1,3}", stated) else 0) + 1


def _entries(events: Any) -> Sequence[Mapping[str, Any]]:
    """Return what a handler's ``events`` holds.

    Raises:
        InvalidInput: It is not a list of mappings with a ``type``.
    """
    if not isinstance(events, (list, tuple)):
        message = f"`events` of a handler's result must be a list, not {type(events).__name__}."
        raise InvalidInput(message)
    for position, entry in enumerate(events):
        shaped = isinstance(entry, Mapping) and isinstance(entry.get("type"), str)
        if not shaped or not isinstance(entry.get("metadata") or {}, Mapping):
            message = (
                f"events[{position}] of a handler's result must be like {{'type': 'order.paid', 'data': …}}, "
                "with a mapping as its `metadata` where it has one."
            )
            raise InvalidInput(message)
    return events


def _as_text(result: Any) -> str | None:
    """Return a result for people to read; one that JSON cannot hold is no fault of the handler's."""
    if result is None:
        return None
    value = dict(result) if isinstance(result, Mapping) else result
    try:
        return json.dumps(value, default=repr)[:RESULT_LIMIT]
    except (TypeError, ValueError, RecursionError):  # keys that are no text, a circle
        return json.dumps(repr(value))[:RESULT_LIMIT]


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
