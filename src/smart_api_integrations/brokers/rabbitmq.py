"""RabbitMQ: a durable topic exchange, publisher confirms, mandatory messages. Floor 3.

The routing key is the event's type. A message is persistent, and taken once the broker confirms that every
queue that gets it has it. One that no queue gets comes back (``mandatory``) and is ``unrouted``.

CloudEvents attributes are headers ``cloudEvents:…``, as the AMQP binding has them:
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/amqp-protocol-binding.md
"""

from __future__ import annotations

import asyncio
from datetime import datetime

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange
from aio_pika.connection import make_url
from aio_pika.exceptions import AMQPError, ChannelPreconditionFailed, PublishError
from aio_pika.exceptions import DeliveryError as NotTaken

from smart_api_integrations.brokers.broker import REFUSED, UNROUTED, unavailable
from smart_api_integrations.brokers.opening import BrokerOptions
from smart_api_integrations.core.broker_event import CONTENT_TYPE, BrokerEvent
from smart_api_integrations.errors import DeliveryError

LONGEST_ROUTING_KEY = 255
"""Bytes: a short string of AMQP 0-9-1."""


class RabbitMq:
    """Keeps ``Broker``; one connection and one confirming channel, made on first use and after a loss."""

    name = "RabbitMQ"

    def __init__(self, options: BrokerOptions) -> None:
        """Publish to the topic exchange ``options.topic``."""
        self.address = options.address
        self._options = options
        self._lock = asyncio.Lock()
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._exchange: AbstractExchange | None = None

    async def publish(self, event: BrokerEvent) -> None:
        """See ``Broker.publish``."""
        if len(event.type.encode()) > LONGEST_ROUTING_KEY:
            message = f"the type is longer than the {LONGEST_ROUTING_KEY} bytes that a routing key may have"
            raise DeliveryError(message, code=REFUSED, stage="broker")
        try:
            async with asyncio.timeout(self._options.timeout):
                exchange = await self._open_exchange()
                await exchange.publish(_message(event), routing_key=event.type, mandatory=True)
        except PublishError as error:
            message = (
                f"no queue of {self.name} gets {event.type}: bind one to the exchange {self._options.topic}, "
                "or leave the type out of WEBHOOKS_BROKER_EVENTS"
            )
            raise DeliveryError(message, code=UNROUTED, stage="broker") from error
        except (NotTaken, ChannelPreconditionFailed) as error:
            await self._drop()
            reason = "did not take the event" if isinstance(error, NotTaken) else f"says: {error}"
            message = f"{self.name} at {self.address} {reason}"
            raise DeliveryError(message, code=REFUSED, stage="broker") from error
        except (AMQPError, OSError, RuntimeError, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and _is_being_cancelled():
                raise
            if not isinstance(error, TimeoutError) or not self._is_open:
                await self._drop()
            raise unavailable(self, error) from error

    async def close(self) -> None:
        """See ``Broker.close``."""
        await self._drop()

    @property
    def _is_open(self) -> bool:
        parts = (self._connection, self._channel)
        return all(part is not None and not part.is_closed for part in parts)

    async def _open_exchange(self) -> AbstractExchange:
        async with self._lock:
            if self._exchange is not None and self._is_open:
                return self._exchange
            await self._drop()
            # Ours before it is connected: one that never was must be closed too.
            connection = self._connection = aio_pika.Connection(make_url(self._options.url))
            await connection.connect(timeout=self._options.timeout)
            self._channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
            self._exchange = await self._channel.declare_exchange(
                self._options.topic, aio_pika.ExchangeType.TOPIC, durable=True
            )
            return self._exchange

    async def _drop(self) -> None:
        """Close the connection, whatever is left of it."""
        connection, self._connection = self._connection, None
        self._channel = self._exchange = None
        if connection is None:
            return
        try:
            async with asyncio.timeout(1):
                await connection.close()
        except (AMQPError, OSError, RuntimeError):
            return  # it is gone already


def _message(event: BrokerEvent) -> aio_pika.Message:
    headers = {
        f"cloudEvents:{name}": value
        for name, value in event.attributes.items()
        if name != "datacontenttype"  # it is the content type
    }
    return aio_pika.Message(
        event.data,
        headers=dict(headers),
        content_type=CONTENT_TYPE,
        content_encoding="utf-8",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=event.id,
        correlation_id=event.extensions.get("correlationid"),
        timestamp=datetime.fromisoformat(event.time),
        type=event.type,
        app_id="smart-api-integrations",
    )


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
