"""Opening the broker that a URL names: which it is, and whether it is installed. Floor 3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from urllib.parse import urlsplit

from smart_api_integrations.brokers.broker import Broker
from smart_api_integrations.core.broker_event import BrokerEvent
from smart_api_integrations.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOptions:
    """What a broker is told.

    Attributes:
        url: Where it is, with credentials.
        topic: The name of the exchange or stream.
        max_length: About how many events a stream keeps.
        timeout: Seconds within which it must answer.
        tell: Calls the functions of this process; for the broker that is this process.
    """

    url: str
    topic: str = "webhooks.events"
    max_length: int = 1_000_000
    timeout: float = 10.0
    tell: Callable[[BrokerEvent], object] | None = None

    @property
    def address(self) -> str:
        """The URL without credentials, query and fragment."""
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{host}{port}{parts.path}"


@dataclass(frozen=True, slots=True)
class _Kind:
    module: str
    name: str
    extra: str


_RABBITMQ = _Kind("rabbitmq", "RabbitMq", "rabbitmq")
_REDIS = _Kind("redis_streams", "RedisStreams", "redis")
_KINDS: Mapping[str, _Kind] = {
    "amqp": _RABBITMQ,
    "amqps": _RABBITMQ,
    "redis": _REDIS,
    "rediss": _REDIS,
    "memory": _Kind("in_process", "InProcess", "server"),
}


def open_broker(options: BrokerOptions) -> Broker:
    """Return the broker that *options* name; it connects when it first publishes.

    Raises:
        ConfigurationError: Its scheme is unknown, or its client is not installed.
    """
    try:
        scheme = urlsplit(options.url).scheme
        _ = options.address
    except ValueError as error:
        message = (
            "WEBHOOKS_BROKER_URL cannot be read: write amqp://user:password@host/vhost or redis://host/0."
        )
        raise ConfigurationError(message) from error
    kind = _KINDS.get(scheme)
    if kind is None:
        message = f"WEBHOOKS_BROKER_URL: the scheme {scheme!r} is unknown; known are {', '.join(_KINDS)}."
        raise ConfigurationError(message)
    try:
        module = import_module(f"smart_api_integrations.brokers.{kind.module}")
    except ImportError as error:
        message = f"{scheme} needs {error.name}: pip install 'smart-api-integrations[{kind.extra}]'"
        raise ConfigurationError(message) from error
    broker: Broker = getattr(module, kind.name)(options)
    return broker
