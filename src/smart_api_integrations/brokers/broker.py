"""What a broker promises: the contract that each of them keeps. Floor 3.

``testing.BrokerConformance`` proves one against every sentence below.
"""

from __future__ import annotations

from typing import Protocol

from smart_api_integrations.core.broker_event import BrokerEvent
from smart_api_integrations.errors import DeliveryError

UNAVAILABLE = "broker_unavailable"
UNROUTED = "unrouted"
REFUSED = "broker_refused"
TIMEOUT = "timeout"


class Broker(Protocol):
    """Takes internal events, and says when it has them.

    Attributes:
        name: As people know it: ``RabbitMQ``.
        address: Where it is, without credentials.
    """

    name: str
    address: str

    async def publish(self, event: BrokerEvent) -> None:
        """Return once the broker has *event*, by its own word.

        It may be called many times at once; what one task awaits one after the other arrives in that order.
        Connecting, and connecting again after a loss, is its own business: a call that finds no connection
        makes one. A call that is cancelled or fails may have published all the same: consumers deduplicate by
        the event's id.

        Raises:
            DeliveryError: The broker did not take it. ``code`` is ``broker_unavailable`` (it is away, or went
                away before it answered), ``unrouted`` (it has it from us, but nobody gets it), or
                ``broker_refused``.
        """

    async def close(self) -> None:
        """Let go of every connection. Idempotent; a later ``publish`` connects again."""


def unavailable(broker: Broker, error: BaseException) -> DeliveryError:
    """Return what is raised where *broker* is away; its address and no credentials are named."""
    message = f"{broker.name} at {broker.address} does not answer ({type(error).__name__})"
    return DeliveryError(message, code=UNAVAILABLE, stage="broker")
