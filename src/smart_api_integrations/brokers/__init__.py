"""Where internal events go: RabbitMQ, Redis Streams, or functions of this process. Floor 3.

``broker`` says what is promised; ``open_broker`` builds the one that a URL names.
"""

from smart_api_integrations.brokers.opening import BrokerOptions, open_broker

__all__ = ["BrokerOptions", "open_broker"]
