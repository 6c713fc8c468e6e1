"""Running one delivery to the broker, and what becomes of it. Floor 4.

Rules:

1. It is delivered when the broker confirms, and not before; everything else is tried again on the broker's
   own schedule, which outlasts a day without it. So what was kept is published at least once.
2. What the broker has no taker for (``unrouted``) is tried again likewise, or cancelled where that is the
   setting; either way it can be seen, and replayed.
3. A worker that has no broker leaves a failed attempt: another worker may have one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter

from smart_api_integrations.brokers.broker import UNROUTED, Broker
from smart_api_integrations.core.broker_event import BROKER, broker_event
from smart_api_integrations.core.endpoint import DEFAULT_TENANT, Endpoint
from smart_api_integrations.core.journal import Attempt, AttemptStatus, Claim, Outcome
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.core.retry_schedule import RetrySchedule, exponential
from smart_api_integrations.errors import DeliveryError

SCHEDULE: RetrySchedule = exponential(
    attempts=2000,
    first_wait=timedelta(seconds=1),
    factor=2,
    longest_wait=timedelta(minutes=1),
    jitter=0.2,
)
"""A second, doubled up to a minute, for more than a day; while the breaker is open nothing is used up."""

CONCURRENCY = 64


def broker_endpoint(broker: Broker, *, events: tuple[str, ...], now: datetime) -> Endpoint:
    """Return the broker as the journal sees it: an endpoint that gets the messages of every tenant."""
    return Endpoint(
        id=BROKER,
        tenant=DEFAULT_TENANT,
        url=broker.address,
        events=events,
        secret="",
        retry_schedule=SCHEDULE,
        concurrency=CONCURRENCY,
        description=broker.name,
        created_at=now,
        updated_at=now,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ending:
    state: State
    code: str | None = None
    message: str | None = None
    attributes: Mapping[str, str] | None = None


class BrokerDelivering:
    """Runs deliveries to the broker: the worker's runner for them."""

    def __init__(
        self,
        broker: Broker | None,
        *,
        cancel_unrouted: bool,
        now: Callable[[], datetime],
        random: Callable[[], float],
        new_id: Callable[[str], str],
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        """Publish to *broker*; the rest is as for ``send.delivery.Delivering``."""
        self._broker = broker
        self._cancel_unrouted = cancel_unrouted
        self._now = now
        self._random = random
        self._new_id = new_id
        self._clock = clock

    async def deliver(self, claim: Claim) -> Outcome:
        """Try once to publish the message of *claim*, and return what became of it."""
        started_at, began = self._now(), self._clock()
        ending = await self._try(claim, started_at)
        wait = None
        if ending.state is State.RETRY_SCHEDULED:
            wait = SCHEDULE.next_wait(failures=claim.work.failures + 1, random=self._random)
        state = State.FAILED if ending.state is State.RETRY_SCHEDULED and wait is None else ending.state
        attempt = Attempt(
            id=self._new_id("att_"),
            work_id=claim.work.id,
            kind=claim.work.kind,
            target=claim.work.target,
            subject_id=claim.work.subject_id,
            number=claim.work.attempt_count,
            status=_STATUS.get(ending.state, AttemptStatus.FAILED),
            started_at=started_at,
            duration_ms=round((self._clock() - began) * 1000, 3),
            error_code=ending.code,
            error_message=ending.message,
            request_headers=ending.attributes,
        )
        return Outcome(work=claim.work, state=state, wait=wait, attempt=attempt)

    async def _try(self, claim: Claim, now: datetime) -> _Ending:
        message = claim.message
        if message is None:
            return _Ending(state=State.FAILED, code="message_gone", message="the message is no longer kept")
        if message.expires_at is not None and message.expires_at <= now:
            told = f"the message expired at {message.expires_at.isoformat()}"
            return _Ending(state=State.CANCELLED, code="expired", message=told)
        if self._broker is None:
            told = (
                "this worker has no broker: set WEBHOOKS_BROKER_URL in every process, or cancel the delivery"
            )
            return _Ending(state=State.RETRY_SCHEDULED, code="no_broker", message=told)
        event = broker_event(message)
        try:
            await self._broker.publish(event)
        except DeliveryError as error:
            cancelled = error.code == UNROUTED and self._cancel_unrouted
            return _Ending(
                state=State.CANCELLED if cancelled else State.RETRY_SCHEDULED,
                code=error.code,
                message=str(error),
                attributes=event.attributes,
            )
        return _Ending(state=State.DELIVERED, attributes=event.attributes)


_STATUS: Mapping[State, str] = {
    State.DELIVERED: AttemptStatus.SUCCEEDED,
    State.CANCELLED: AttemptStatus.SKIPPED,
}
