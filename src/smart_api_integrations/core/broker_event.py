"""A message as a broker gets it: CloudEvents attributes, and the data alone as the body. Floor 1.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md, in the binary mode of each protocol.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC

from smart_api_integrations.core.endpoint import DEFAULT_TENANT
from smart_api_integrations.core.journal import Message

BROKER = "broker"
"""The target of deliveries to the broker, where an endpoint's id stands for the others."""

CONTENT_TYPE = "application/json"

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerEvent:
    """What is published to a broker.

    Attributes:
        id: The message's: stable over retries, consumers deduplicate by it.
        type: Its type, ``payment.completed``: the routing key of a topic exchange.
        source: Who published it: ``/webhooks/stripe/default`` for a provider's event, else ``/webhooks``.
        time: When, as RFC 3339.
        subject: Our id of the received event that caused it; None where none did.
        partition_key: What it is ordered by; None for no order.
        data: The JSON bytes of what happened.
        extensions: Further CloudEvents attributes: ``correlationid``, ``tenant``.
    """

    id: str
    type: str
    source: str
    time: str
    subject: str | None
    partition_key: str | None
    data: bytes
    extensions: Mapping[str, str] = field(default_factory=dict)

    @property
    def attributes(self) -> dict[str, str]:
        """The CloudEvents attributes by name, without the data."""
        optional = {"subject": self.subject, "partitionkey": self.partition_key}
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "time": self.time,
            "datacontenttype": CONTENT_TYPE,
            **{name: value for name, value in optional.items() if value is not None},
            **self.extensions,
        }


def broker_event(message: Message) -> BrokerEvent:
    """Return *message* as a broker gets it."""
    envelope = json.loads(message.body)
    metadata = envelope.get("metadata") or {}
    source = "/webhooks"
    if message.handler is not None:
        source = "/".join((source, *message.handler.split(":")[:2]))
    extensions = {} if message.tenant == DEFAULT_TENANT else {"tenant": message.tenant}
    correlation = message.event_id or metadata.get("correlation_id")
    if correlation is not None:
        extensions["correlationid"] = str(correlation)
    if metadata:
        extensions["metadata"] = _ENCODER.encode(metadata)
    return BrokerEvent(
        id=message.id,
        type=message.event,
        source=source,
        time=message.created_at.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z",
        subject=message.event_id,
        partition_key=message.ordering_key,
        data=_ENCODER.encode(envelope["data"]).encode(),
        extensions=extensions,
    )
