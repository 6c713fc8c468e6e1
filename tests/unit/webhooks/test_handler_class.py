"""The seeds' decorators and handler classes, used as the seeds write them."""

from __future__ import annotations

import pytest

from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.webhooks import (
    WebhookEvent,
    WebhookHandler,
    batch_webhook_handler,
    generate_webhook_handler,
    webhook_handler,
    webhook_middleware,
)


@pytest.fixture(autouse=True)
def empty_registry():
    get_webhook_registry().clear()
    yield
    get_webhook_registry().clear()


def routed(provider: str, event_type: str, name: str = "default") -> list[str]:
    processor = get_webhook_registry().create_processor(provider, name)
    return [handler.name.rpartition(".")[2] for handler in processor.route(event_type)]


def test_the_decorator_registers_and_returns_the_function():
    @webhook_handler("myapi", "resource.created")
    def handle_resource_created(event):
        return {"processed": True, "resource_id": event.payload["data"]["id"]}

    event = WebhookEvent(provider="myapi", type="resource.created", payload={"data": {"id": 1}})
    assert handle_resource_created(event) == {"processed": True, "resource_id": 1}
    assert routed("myapi", "resource.created") == ["handle_resource_created"]


def test_one_function_handles_a_batch_of_types():
    @batch_webhook_handler("myapi", ["resource.created", "resource.deleted"])
    def handle_resource_events(event):
        return event.type

    assert routed("myapi", "resource.deleted") == ["handle_resource_events"]
    assert routed("myapi", "resource.updated") == []


def test_middleware_is_registered_with_its_provider():
    @webhook_middleware("myapi")
    def log_all_events(event):
        return None

    assert get_webhook_registry().create_processor("myapi").middleware == [log_all_events]


def test_a_class_registers_its_methods_when_it_is_made():
    class MyAPIWebhookHandler(WebhookHandler):
        provider = "myapi"
        webhook_name = "billing"

        def on_user_created(self, event):
            return self.success_response({"user_id": event.payload["id"]})

        def on_payment_completed(self, event):
            return self.error_response("Order not found", {"payment_id": 7})

    handler = MyAPIWebhookHandler()
    assert routed("myapi", "user.created", "billing") == ["on_user_created"]
    response = handler.on_user_created(WebhookEvent(payload={"id": 9}))
    assert response["success"] is True
    assert response["data"]["user_id"] == 9
    assert handler.on_payment_completed(WebhookEvent()).status_code == 400


def test_a_class_without_a_provider_says_what_is_missing():
    class Nameless(WebhookHandler):
        pass

    with pytest.raises(ConfigurationError, match=r"Nameless needs a class attribute `provider`"):
        Nameless()


def test_a_generated_class_answers_success_until_a_method_is_written():
    handler_class = generate_webhook_handler(
        "stripe", events=["payment_intent.succeeded", "customer.created"]
    )

    class MyStripeHandler(handler_class):  # type: ignore[misc, valid-type] # made at run time
        def on_customer_created(self, event):
            return self.webhook_response(status_code=201, data={"created": True})

    handler = MyStripeHandler()
    event = WebhookEvent(provider="stripe", type="x")
    assert handler.on_payment_intent_succeeded(event).json()["success"] is True
    assert handler.on_customer_created(event).json()["created"] is True
    assert routed("stripe", "payment_intent.succeeded") == ["on_payment_intent_succeeded"]
