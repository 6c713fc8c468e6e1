"""The decorators register what they decorate and leave it as it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from smart_api_integrations.core.webhook import WebhookProcessor
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.webhooks import batch_webhook_handler, webhook_handler, webhook_middleware


@pytest.fixture(autouse=True)
def _no_handlers() -> Iterator[None]:
    get_webhook_registry().clear()
    yield
    get_webhook_registry().clear()


def processor(key: str = "myapi:default") -> WebhookProcessor:
    found = get_webhook_registry().get_processor(key)
    assert found is not None
    return found


def on_event(event: Any) -> str:
    return f"saw {event}"


def test_a_handler_is_registered_under_its_own_name_and_still_callable() -> None:
    decorated = webhook_handler("myapi", "user.created", retries=1, timeout=2.5, concurrency=3)(on_event)

    (handler,) = processor().handlers["user.created"]
    assert decorated is on_event
    assert decorated("it") == "saw it"
    assert handler.name == f"myapi:default:{__name__}.on_event"
    assert (handler.schedule.attempts, handler.timeout, handler.concurrency) == (2, timedelta(seconds=2.5), 3)


def test_a_named_webhook_has_a_processor_of_its_own() -> None:
    webhook_handler("myapi", "invoice.paid", webhook_name="billing")(on_event)

    assert list(processor("myapi:billing").handlers) == ["invoice.paid"]
    assert get_webhook_registry().get_processor("myapi:default") is None


def test_a_batch_runs_one_function_once_for_each_event() -> None:
    batch_webhook_handler("myapi", ["a.created", "a.*"])(on_event)

    assert list(processor().handlers) == ["a.created", "a.*"]
    assert len(processor().route("a.created")) == 1


def test_middleware_keeps_the_order_of_its_registration() -> None:
    first, second = webhook_middleware("myapi")(print), webhook_middleware("myapi")(on_event)

    assert processor().middleware == [first, second] == [print, on_event]


def test_an_option_that_does_not_exist_is_told_where_it_is_written() -> None:
    with pytest.raises(TypeError, match="retry"):
        webhook_handler("myapi", "a", retry=3)(on_event)  # type: ignore[call-arg] # that is the test
