"""One delivery to the broker: delivered on its word, tried again otherwise, and never lost in silence."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from smart_api_integrations.core.broker_event import BROKER
from smart_api_integrations.core.journal import AttemptStatus, Claim, Work
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.core.outbound_message import build_message
from smart_api_integrations.errors import DeliveryError
from smart_api_integrations.send.broker_delivery import SCHEDULE, BrokerDelivering, broker_endpoint

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Broker:
    name, address = "a broker", "amqp://here"

    def __init__(self, code=None):
        self.code = code
        self.taken = []

    async def publish(self, event):
        if self.code is not None:
            message = "it says no"
            raise DeliveryError(message, code=self.code, stage="broker")
        self.taken.append(event)

    async def close(self):
        """Nothing to close."""


def claim(failures=0, **message):
    given: dict[str, Any] = {"id": "msg_1", "now": NOON} | message
    work = Work(
        id="dlv_1",
        kind=Kind.DELIVERY,
        subject_id="msg_1",
        target=BROKER,
        state=State.DELIVERING,
        attempt_count=failures + 1,
        failures=failures,
        max_attempts=SCHEDULE.attempts,
        due_at=None,
        created_at=NOON,
        updated_at=NOON,
    )
    return Claim(work=work, message=build_message("order.created", {"id": 1}, **given))


async def deliver(broker, claimed, *, cancel_unrouted=False):
    ids = count(1)
    delivering = BrokerDelivering(
        broker,
        cancel_unrouted=cancel_unrouted,
        now=lambda: NOON,
        random=lambda: 0.5,
        new_id=lambda prefix: f"{prefix}{next(ids)}",
        clock=lambda: 0.0,
    )
    return await delivering.deliver(claimed)


async def test_what_the_broker_takes_is_delivered_and_the_attempt_shows_what_it_was_told():
    broker = Broker()
    outcome = await deliver(broker, claim())

    assert (outcome.state, outcome.wait) == (State.DELIVERED, None)
    assert outcome.attempt.status == AttemptStatus.SUCCEEDED
    assert outcome.attempt.request_headers is not None
    assert outcome.attempt.request_headers["type"] == "order.created"
    assert [event.id for event in broker.taken] == ["msg_1"]


@pytest.mark.parametrize(
    ("code", "cancels", "state", "status"),
    [
        ("broker_unavailable", False, State.RETRY_SCHEDULED, AttemptStatus.FAILED),
        ("broker_unavailable", True, State.RETRY_SCHEDULED, AttemptStatus.FAILED),
        ("unrouted", False, State.RETRY_SCHEDULED, AttemptStatus.FAILED),
        ("unrouted", True, State.CANCELLED, AttemptStatus.SKIPPED),
    ],
)
async def test_what_it_does_not_take_is_tried_again_unless_the_setting_lets_it_go(
    code, cancels, state, status
):
    outcome = await deliver(Broker(code), claim(), cancel_unrouted=cancels)

    assert (outcome.state, outcome.attempt.status, outcome.attempt.error_code) == (state, status, code)
    assert outcome.wait == (timedelta(seconds=1) if state is State.RETRY_SCHEDULED else None)


async def test_schedule_lasts_for_more_than_a_day_with_waits_of_a_minute_at_most():
    late = await deliver(Broker("broker_unavailable"), claim(failures=500))
    last = await deliver(Broker("broker_unavailable"), claim(failures=SCHEDULE.attempts - 1))

    assert sum(SCHEDULE.waits, timedelta()) > timedelta(days=1)
    assert late.wait == timedelta(minutes=1)
    assert (last.state, last.wait) == (State.FAILED, None)


async def test_worker_without_a_broker_leaves_it_to_another():
    outcome = await deliver(None, claim())

    assert (outcome.state, outcome.attempt.error_code) == (State.RETRY_SCHEDULED, "no_broker")
    assert "WEBHOOKS_BROKER_URL" in str(outcome.attempt.error_message)


async def test_message_that_expired_is_cancelled_and_one_that_is_gone_fails():
    expired = await deliver(Broker(), claim(expires_at=NOON))
    gone = await deliver(Broker(), replace(claim(), message=None))

    assert (expired.state, expired.attempt.error_code) == (State.CANCELLED, "expired")
    assert (gone.state, gone.attempt.error_code) == (State.FAILED, "message_gone")


def test_broker_is_an_endpoint_with_its_patterns_and_no_secret():
    endpoint = broker_endpoint(Broker(), events=("payment.*",), now=NOON)

    assert (endpoint.id, endpoint.url, endpoint.secret) == (BROKER, "amqp://here", "")
    assert (endpoint.events, endpoint.schedule) == (("payment.*",), SCHEDULE)
