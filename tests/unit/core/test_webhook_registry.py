"""The registry: one processor for each webhook, whoever asks first."""

from __future__ import annotations

from smart_api_integrations.core.webhook_registry import WebhookRegistry, get_webhook_registry


def test_creating_a_processor_again_returns_the_existing_one():
    registry = WebhookRegistry()
    assert registry.create_processor("stripe") is registry.create_processor("stripe", "default")
    assert registry.create_processor("stripe", "connect") is not registry.create_processor("stripe")
    assert len(list(registry)) == 2


def test_a_processor_is_found_by_provider_and_name():
    registry = WebhookRegistry()
    processor = registry.create_processor("myapi")
    assert registry.get_processor("myapi:default") is registry.get_processor("myapi") is processor
    assert registry.get_processor("myapi:billing") is None


def test_a_handler_is_found_by_the_name_that_its_work_is_kept_under():
    registry = WebhookRegistry()
    processor = registry.create_processor("myapi", "billing")
    handler = processor.add("*", print, name="shop.pay")
    assert registry.handler("myapi:billing:shop.pay") == (processor, handler)
    assert registry.handler("myapi:billing:gone") is None
    assert registry.handler("nobody") is None


def test_the_process_has_one_registry_that_can_be_emptied():
    registry = get_webhook_registry()
    assert registry is get_webhook_registry()
    registry.create_processor("only_here")
    registry.clear()
    assert list(registry) == []
