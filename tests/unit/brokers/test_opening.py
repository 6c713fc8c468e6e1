"""Opening a broker: what its URL must say, and what is never shown of it."""

import pytest

from smart_api_integrations.brokers import BrokerOptions, open_broker
from smart_api_integrations.brokers.broker import UNAVAILABLE, unavailable
from smart_api_integrations.errors import ConfigurationError


@pytest.mark.parametrize(
    ("url", "name", "address"),
    [
        ("amqp://user:secret@mq.example.com:5673/shop", "RabbitMQ", "amqp://mq.example.com:5673/shop"),
        ("amqps://mq.example.com", "RabbitMQ", "amqps://mq.example.com"),
        ("redis://:secret@cache:6379/2?ssl=1", "Redis", "redis://cache:6379/2"),
        ("memory:", "this process", "memory://"),
    ],
)
def test_scheme_says_which_broker_and_its_address_has_no_credentials(url, name, address):
    broker = open_broker(BrokerOptions(url=url))

    assert (broker.name, broker.address) == (name, address)
    assert "secret" not in str(unavailable(broker, ConnectionRefusedError("secret")))


def test_absence_is_told_as_such():
    error = unavailable(open_broker(BrokerOptions(url="redis://h")), TimeoutError())

    assert (error.code, error.stage) == (UNAVAILABLE, "broker")


@pytest.mark.parametrize("url", ["kafka://h", "h:5672", "http://h", "redis://h:port/0"])
def test_url_that_names_no_broker_is_refused(url):
    with pytest.raises(ConfigurationError, match="WEBHOOKS_BROKER_URL"):
        open_broker(BrokerOptions(url=url))
