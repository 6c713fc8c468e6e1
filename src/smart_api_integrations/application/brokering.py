"""How the broker is built, and what is published to it. Floor 7."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from smart_api_integrations.brokers import BrokerOptions, open_broker
from smart_api_integrations.brokers.broker import Broker
from smart_api_integrations.core.broker_event import BrokerEvent
from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.journal import Message
from smart_api_integrations.receive.assigning import Publishing, publish_nothing
from smart_api_integrations.receive.publishing import publishing_for
from smart_api_integrations.send.broker_delivery import broker_endpoint
from smart_api_integrations.send.subscribers import Subscribers
from smart_api_integrations.settings import Settings

_THIS_PROCESS = "memory:"
_UNCHANGING = datetime(2020, 1, 1, tzinfo=UTC)


def build_broker(settings: Settings, tell: Callable[[BrokerEvent], object]) -> Broker | None:
    """Return the broker that the settings name, not yet connected; None where they name none.

    Raises:
        ConfigurationError: Its URL cannot be used, or its client is not installed.
    """
    if settings.broker_url is None:
        return None
    return open_broker(
        BrokerOptions(
            url=settings.broker_url.get_secret_value(),
            topic=settings.broker_topic,
            max_length=settings.broker_max_length,
            tell=tell,
        )
    )


def who_is_told(settings: Settings, subscribers: Subscribers) -> Callable[[Sequence[Message]], None]:
    """Return who is told of messages at once: the functions of this process.

    Where they are the broker, the worker tells them, and nobody else does.
    """
    url = settings.broker_url
    if url is not None and url.get_secret_value().startswith(_THIS_PROCESS):
        return lambda _messages: None
    return subscribers.tell


def endpoint_of(broker: Broker | None, settings: Settings) -> Endpoint | None:
    """Return the broker as the journal sees it."""
    if broker is None:
        return None
    return broker_endpoint(broker, events=settings.broker_events, now=_UNCHANGING)


def build_publishing(settings: Settings, subscribers: Subscribers) -> Publishing:
    """Return what makes the handlings that publish providers' events."""
    if settings.internal_events == "never":
        return publish_nothing
    return publishing_for(always=settings.internal_events == "always", is_heard=subscribers.wants)
