"""What a provider is answered when handlers run at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from smart_api_integrations.core.inline_answer import first_answer, response_of
from smart_api_integrations.core.webhook import WebhookProcessor
from smart_api_integrations.core.webhook_schema import WebhookEvent, WebhookResponse
from smart_api_integrations.errors import Dead, HandlerError, Retry, Skip


@pytest.fixture
def processor() -> WebhookProcessor:
    return WebhookProcessor("myapi")


def event(type: str = "order.paid", **payload: Any) -> WebhookEvent:
    return WebhookEvent(provider="myapi", type=type, payload=payload)


async def test_a_mapping_is_the_response(processor):
    processor.on("order.paid")(lambda event: {"processed": True, "order": event.payload["id"]})

    response = await processor.process(event(id=7))

    assert response.status_code == 200
    assert response.json() == {
        "success": True,
        "message": "",
        "data": {"processed": True, "order": 7},
        "processed": True,
        "order": 7,
    }


@pytest.mark.parametrize(
    ("returned", "status", "success", "data"),
    [
        (None, 200, True, {}),
        ("done", 200, True, {"result": "done"}),
        ({}, 200, True, {}),
        (WebhookResponse(success=False, status_code=404), 404, False, {}),
        (Skip("not ours"), 200, True, {"skipped": True}),
        (Dead("never"), 200, False, {"dead": True}),
        (Retry("later"), 503, False, {}),
        (HandlerError("broken"), 503, False, {}),
    ],
)
@pytest.mark.parametrize("raised", [False, True])
async def test_every_result_has_a_response_and_verdicts_are_also_raised(
    processor, returned, status, success, data, raised
):
    @processor.on("order.paid")
    async def handle(event):
        if raised and isinstance(returned, HandlerError):
            raise returned
        return returned

    response = await processor.process(event())

    assert (response.status_code, response.success, response.data) == (status, success, data)


@pytest.mark.parametrize(
    ("after", "header"), [(60, "60"), (0.2, "1"), (timedelta(minutes=2), "120"), (-5, "0"), (None, None)]
)
def test_a_retry_says_when_in_whole_seconds(after, header):
    response = response_of(Retry("closed", after=after))

    assert response is not None
    assert response.headers.get("Retry-After") == header


def test_a_failure_is_sent_before_an_earlier_answer():
    kept, failed = WebhookResponse(message="kept"), WebhookResponse(success=False, status_code=503)

    assert first_answer([None, kept, None]) is kept
    assert first_answer([kept, failed]) is failed
    assert first_answer([None]).json()["success"] is True


async def test_an_event_that_nobody_takes_is_answered_with_success(processor):
    processor.on("order.paid")(lambda event: 1 / 0)

    response = await processor.process(event("unknown"))

    assert (response.status_code, response.success, response.message) == (
        200,
        True,
        "No handler takes this event.",
    )


async def test_middleware_runs_once_before_all_and_attaches_attributes(processor):
    seen: list[Any] = []

    @processor.use
    def attach(event):
        event.account = "acme"
        event.headers["X-Processed-At"] = "noon"
        seen.append("middleware")

    processor.on("order.paid")(lambda event: seen.append(event.account))
    processor.on("*")(lambda event: seen.append(event.headers["x-processed-at"]))

    await processor.process(event())

    assert seen == ["middleware", "acme", "noon"]


async def test_middleware_that_answers_stops_everything_behind_it(processor):
    processor.use(lambda event: WebhookResponse(success=False, status_code=400, message="Missing account_id"))
    processor.use(lambda event: 1 / 0)
    processor.on("*")(lambda event: 1 / 0)

    response = await processor.process(event())

    assert (response.status_code, response["message"]) == (400, "Missing account_id")


async def test_middleware_that_renames_the_event_chooses_its_handlers(processor):
    @processor.use
    def transform_legacy_events(event):
        event.type = event.type.replace("legacy.", "")

    processor.on("legacy.user.created")(lambda event: "old")
    processor.on("user.created")(lambda event: "new")

    assert (await processor.process(event("legacy.user.created")))["result"] == "new"


def failing(error: Exception) -> Callable[[Any], None]:
    def fail(event: Any) -> None:
        raise error

    return fail


async def test_what_a_handler_raises_comes_through_where_nobody_is_told(processor):
    processor.on("*")(failing(KeyError("id")))

    with pytest.raises(KeyError, match="id"):
        await processor.process(event())


@pytest.mark.parametrize("where", ["middleware", "handler"])
async def test_where_somebody_is_told_the_others_run_and_the_answer_is_a_failure(processor, where):
    told: list[tuple[str, Exception]] = []
    ran: list[Any] = []
    error = KeyError("id")
    if where == "middleware":
        processor.use(failing(error))
    else:
        processor.on("*", name="shop.pay")(failing(error))
        processor.on("*")(ran.append)

    response = await processor.process(event(), on_error=lambda name, error: told.append((name, error)))

    assert (response.status_code, response.message) == (500, "The handler failed.")
    assert [known for _, known in told] == [error]
    assert len(ran) == (where == "handler")
    if where == "handler":
        assert told[0][0] == "myapi:default:shop.pay"


async def test_the_caller_says_how_functions_are_called(processor):
    calls: list[Any] = []

    async def call(function, event, limit, /):
        calls.append(limit)
        return function(event)

    processor.use(lambda event: None)
    processor.on("*", timeout=3)(lambda event: {"n": 1})

    assert (await processor.process(event(), call=call))["n"] == 1
    assert calls == [None, timedelta(seconds=3)]
