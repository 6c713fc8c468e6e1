"""Redis Streams: one stream, one entry for each event. Floor 3.

An entry's fields are the CloudEvents attributes and ``data``. The stream is trimmed to about its greatest
length as it grows, so a consumer that is further behind than that misses events; the journal has them still.
"""

from __future__ import annotations

import asyncio

import redis.asyncio as redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from smart_api_integrations.brokers.broker import REFUSED, unavailable
from smart_api_integrations.brokers.opening import BrokerOptions
from smart_api_integrations.core.broker_event import BrokerEvent
from smart_api_integrations.errors import ConfigurationError, DeliveryError

CONNECTIONS = 8


class RedisStreams:
    """Keeps ``Broker``; an event is taken once XADD was answered."""

    name = "Redis"

    def __init__(self, options: BrokerOptions) -> None:
        """Publish to the stream ``options.topic``.

        Raises:
            ConfigurationError: The URL cannot be used.
        """
        self.address = options.address
        self._options = options
        try:
            pool = redis.BlockingConnectionPool.from_url(
                options.url,
                max_connections=CONNECTIONS,
                timeout=options.timeout,
                socket_connect_timeout=options.timeout,
                socket_timeout=options.timeout,
                decode_responses=True,
            )
        except ValueError as error:
            message = "WEBHOOKS_BROKER_URL cannot be used by Redis: write redis://user:password@host:6379/0."
            raise ConfigurationError(message) from error
        self._client = redis.Redis(connection_pool=pool)

    async def publish(self, event: BrokerEvent) -> None:
        """See ``Broker.publish``."""
        fields = {**event.attributes, "data": event.data}
        try:
            async with asyncio.timeout(self._options.timeout):
                await self._client.xadd(
                    self._options.topic,
                    fields,  # type: ignore[arg-type] # its mapping is invariant
                    maxlen=self._options.max_length,
                    approximate=True,
                )
        except (AuthenticationError, ResponseError) as error:
            message = f"{self.name} at {self.address} refused the event: {error}"
            raise DeliveryError(message, code=REFUSED, stage="broker") from error
        except (RedisError, OSError) as error:  # asyncio's and the socket's time-outs are OSErrors
            raise unavailable(self, error) from error

    async def close(self) -> None:
        """See ``Broker.close``."""
        await self._client.connection_pool.disconnect()
