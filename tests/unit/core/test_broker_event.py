"""A message as a broker gets it."""

import json
from datetime import UTC, datetime

from smart_api_integrations.core.broker_event import broker_event
from smart_api_integrations.core.outbound_message import build_message

NOON = datetime(2026, 1, 1, 12, 0, 0, 250_000, tzinfo=UTC)


def test_event_of_a_provider_says_where_it_came_from_and_what_caused_it():
    message = build_message(
        "payment.completed",
        {"amount": 25.99, "big": 2**70},
        {"correlation_id": "evt_1"},
        id="msg_1",
        now=NOON,
        event_id="evt_1",
        handler="stripe:default:<publish>",
        ordering_key="pi_1",
    )

    event = broker_event(message)

    assert event.data == b'{"amount":25.99,"big":1180591620717411303424}'
    assert event.attributes == {
        "specversion": "1.0",
        "id": "msg_1",
        "source": "/webhooks/stripe/default",
        "type": "payment.completed",
        "time": "2026-01-01T12:00:00.250000Z",
        "datacontenttype": "application/json",
        "subject": "evt_1",
        "partitionkey": "pi_1",
        "correlationid": "evt_1",
        "metadata": '{"correlation_id":"evt_1"}',
    }


def test_message_of_the_application_has_the_plain_source_and_its_tenant():
    message = build_message("a.b", None, id="msg_1", now=NOON, tenant="acme")

    event = broker_event(message)

    assert (event.source, event.subject, json.loads(event.data)) == ("/webhooks", None, None)
    assert event.extensions == {"tenant": "acme"}
