"""Routing: which handlers run on an event, and under which names."""

from __future__ import annotations

from datetime import timedelta

import pytest

from smart_api_integrations.core.webhook import WebhookProcessor


@pytest.fixture
def processor() -> WebhookProcessor:
    return WebhookProcessor("github")


def names(processor: WebhookProcessor, event_type: str | None, action: str | None = None) -> list[str]:
    return [handler.name.rpartition(".")[2] for handler in processor.route(event_type, action)]


def register(processor: WebhookProcessor, pattern: str, name: str, **options: object) -> None:
    processor.add(pattern, lambda event: event, name=f"shop.{name}", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("event_type", "action", "expected"),
    [
        ("pull_request", "opened", ["opened", "every_action", "everything"]),
        ("pull_request", "closed", ["every_action", "everything"]),
        ("push", None, ["everything"]),
        (None, None, ["everything"]),
    ],
)
def test_every_handler_that_matches_runs_in_the_order_of_registration(
    processor, event_type, action, expected
):
    register(processor, "pull_request.opened", "opened")
    register(processor, "pull_request", "every_action")
    register(processor, "*", "everything")
    assert names(processor, event_type, action) == expected


def test_of_a_class_only_the_most_specific_method_runs(processor):
    register(processor, "pull_request", "on_pull_request", group="Handler")
    register(processor, "pull_request_opened", "on_pull_request_opened", group="Handler")
    assert names(processor, "pull_request", "opened") == ["on_pull_request_opened"]
    assert names(processor, "pull_request", "closed") == ["on_pull_request"]


def test_a_method_matches_types_whose_other_characters_became_underscores(processor):
    register(processor, "payment_intent_succeeded", "on_payment", group="Handler")
    register(processor, "orders_create", "on_order", group="Handler")
    assert names(processor, "payment_intent.succeeded") == ["on_payment"]
    assert names(processor, "orders/create") == ["on_order"]
    assert names(processor, "order") == []


def test_registering_a_function_again_replaces_it(processor):
    def handle(event):
        return event

    processor.on("push")(handle)
    processor.on("push", retries=0)(handle)
    (handler,) = processor.route("push")
    assert handler.schedule.attempts == 1


def test_a_function_registered_for_two_types_runs_once_on_each(processor):
    @processor.on("push", "create")
    def handle(event):
        return event

    assert len(processor.route("push")) == len(processor.route("create")) == 1
    assert list(processor.handlers) == ["push", "create"]


def test_a_handlers_name_says_webhook_module_and_function(processor):
    handler = processor.add("push", test_a_handlers_name_says_webhook_module_and_function)
    assert handler.name.startswith("github:default:")
    assert handler.name.endswith("test_a_handlers_name_says_webhook_module_and_function")
    assert processor.handler(handler.name) is handler
    assert processor.handler("github:default:gone") is None


def test_of_handlers_with_one_name_the_events_type_says_which(processor):
    def made():
        return lambda event: event

    first, second = (processor.add(pattern, made()) for pattern in ("push", "pull_request.opened"))

    assert first.name == second.name
    assert processor.handler(first.name, "push") is first
    assert processor.handler(first.name, "pull_request", "opened") is second
    assert processor.handler(first.name) is processor.handler(first.name, "gone") is first


@pytest.mark.parametrize(("retries", "waits"), [(0, []), (1, [5]), (5, [5, 30, 300, 300, 300])])
def test_retries_repeat_the_last_wait(processor, retries, waits):
    handler = processor.add("push", lambda event: event, retries=retries)
    assert [wait.total_seconds() for wait in handler.schedule.waits] == waits


@pytest.mark.parametrize("timeout", [2, 2.0, timedelta(seconds=2)])
def test_a_timeout_is_seconds_or_a_timedelta(processor, timeout):
    assert processor.add("push", lambda event: event, timeout=timeout).timeout == timedelta(seconds=2)
