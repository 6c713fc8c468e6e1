"""The broker that is this process: functions that are told of events, through the journal. Floor 3."""

from __future__ import annotations

import inspect

from smart_api_integrations.brokers.broker import REFUSED
from smart_api_integrations.brokers.opening import BrokerOptions
from smart_api_integrations.core.broker_event import BrokerEvent
from smart_api_integrations.errors import DeliveryError


class InProcess:
    """Keeps ``Broker``: an event is taken once every function that wants it returned."""

    name = "this process"

    def __init__(self, options: BrokerOptions) -> None:
        """Call what *options* name."""
        self.address = options.address
        self._tell = options.tell

    async def publish(self, event: BrokerEvent) -> None:
        """See ``Broker.publish``; one that raises makes the event be tried again."""
        if self._tell is None:
            message = "nothing listens in this process"
            raise DeliveryError(message, code="unrouted", stage="broker")
        try:
            told = self._tell(event)
            if inspect.isawaitable(told):
                await told
        except DeliveryError:
            raise
        except Exception as error:
            message = f"a function that was told of it raised {type(error).__name__}"
            raise DeliveryError(message, code=REFUSED, stage="broker") from error

    async def close(self) -> None:
        """Do nothing: there is no connection."""
