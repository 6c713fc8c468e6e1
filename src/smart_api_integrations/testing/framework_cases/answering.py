"""Promises about handlers whose provider waits: no store, or the mode ``inline``. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import Any

import pytest

from smart_api_integrations import Dead, Retry, Skip
from smart_api_integrations.testing.framework_cases.host import FrameworkCase
from smart_api_integrations.webhooks import (
    WebhookEvent,
    WebhookResponse,
    batch_webhook_handler,
    webhook_handler,
    webhook_middleware,
)

VERDICTS: dict[str, tuple[Exception, int, str | None]] = {
    "retry": (Retry("closed", after=7), 503, "7"),
    "skip": (Skip("a test event"), 200, None),
    "dead": (Dead("nobody to bill"), 200, None),
    "raised": (ValueError("a secret thing"), 500, None),
}


TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response><Message>Grüße</Message></Response>'
BODIES: dict[str, tuple[WebhookResponse, bytes, str]] = {
    "an interaction": (WebhookResponse(body={"type": 5}), b'{"type": 5}', "application/json"),
    "TwiML": (WebhookResponse(body=TWIML, content_type="text/xml"), TWIML.encode(), "text/xml"),
    "words": (WebhookResponse(body="[accepted]"), b"[accepted]", "text/plain; charset=utf-8"),
    "bytes": (WebhookResponse(body=b"\x00\xff"), b"\x00\xff", "application/octet-stream"),
    "nothing": (WebhookResponse(body=b"", content_type="text/plain"), b"", "text/plain"),
}


UNSENDABLE: dict[str, tuple[dict[str, Any], str]] = {
    "a line end in a header": ({"headers": {"X-Ref": "a\r\nSet-Cookie: evil=1"}}, "X-Ref"),
    "a line end in a name": ({"headers": {"X-Ref: a\r\nSet-Cookie": "evil=1"}}, "the name"),
    "no Latin-1": ({"headers": {"X-Price": "5 \u20ac"}}, "X-Price"),
    "no text": ({"headers": {"X-Count": 5}}, "X-Count"),
    "the length": ({"headers": {"Content-Length": "1"}}, "Content-Length"),
    "status 99": ({"status_code": 99}, "status_code"),
    "status 700": ({"status_code": 700}, "status_code"),
    "a status that is text": ({"status_code": "200"}, "status_code"),
    "data that is no JSON": ({"data": {("a", "b"): 1}}, "JSON"),
}


class AnswerCases(FrameworkCase):
    """What a handler returns is what its provider gets."""

    def test_a_mapping_is_the_answer_beside_what_every_answer_says(self) -> None:
        webhook_handler("forge", "push")(lambda event: {"processed": True, "ref": event.payload["ref"]})

        got = self.post(self.serve(), event_id="d-1").json()

        assert got.pop("id").startswith("evt_")
        assert got == {
            "success": True,
            "message": "",
            "data": {"processed": True, "ref": "main"},
            "processed": True,
            "ref": "main",
            "event_type": "push",
            "event_id": "d-1",
            "duplicate": False,
        }

    def test_a_response_is_sent_with_its_status_and_headers(self) -> None:
        response = WebhookResponse(
            success=False, status_code=422, message="no such order", headers={"X-Order": "7"}
        )
        webhook_handler("forge", "push")(lambda _: response)

        got = self.post(self.serve())

        assert (got.status, got.json()["message"], got.headers["x-order"]) == (422, "no such order", "7")

    @pytest.mark.parametrize("kind", BODIES)
    def test_a_body_in_the_providers_own_form_is_sent_exactly(self, kind: str) -> None:
        response, body, content_type = BODIES[kind]
        webhook_handler("forge", "push")(lambda _: response)

        got = self.post(self.serve())

        assert (got.status, got.body, got.headers["content-type"]) == (200, body, content_type)

    def test_a_body_that_cannot_be_sent_is_a_failure_that_shows_nothing(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        webhook_handler("forge", "push")(lambda _: WebhookResponse(body={"of": {"secret thing"}}))

        got = self.post(self.serve())

        assert got.status == 500
        assert b"secret thing" not in got.body
        assert "secret thing" not in caplog.text

    @pytest.mark.parametrize("how", UNSENDABLE)
    def test_an_answer_that_cannot_be_sent_is_a_500_that_the_log_explains(
        self, how: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        changes, said = UNSENDABLE[how]
        webhook_handler("forge", "push", name="answers")(lambda _: WebhookResponse(**changes))

        got = self.post(self.serve())

        (record,) = [each for each in caplog.records if "cannot be sent" in each.getMessage()]
        assert (got.status, "set-cookie" in got.headers) == (500, False)
        assert got.json() == {"success": False, "error": "The handler's answer cannot be sent."}
        assert (record.__dict__["handler"], said in record.getMessage()) == ("forge:default:answers", True)
        assert "evil" not in record.getMessage()

    def test_an_event_without_a_handler_is_accepted(self) -> None:
        got = self.post(self.serve(), event="unheard")

        assert (got.status, got.json()["success"], got.json()["event_type"]) == (200, True, "unheard")

    def test_a_coroutine_function_is_a_handler(self) -> None:
        @webhook_handler("forge", "push")
        async def handle(event: WebhookEvent) -> dict[str, Any]:
            await asyncio.sleep(0)
            return {"ref": event.payload["ref"]}

        assert self.post(self.serve()).json()["ref"] == "main"

    def test_handlers_run_where_the_application_would_run_them(self) -> None:
        """Plain ones in a synchronous host's own thread, coroutines in an asynchronous host's own loop."""
        places: dict[str, Any] = {}

        @webhook_handler("forge", "push")
        def plain(_: WebhookEvent) -> None:
            places["thread"] = threading.get_ident()

        @webhook_handler("forge", "push")
        async def coroutine(_: WebhookEvent) -> None:
            places["loop"] = asyncio.get_running_loop()

        server = self.serve()
        self.post(server)

        assert (places["thread"] == threading.get_ident()) == (self.interface == "wsgi")
        assert (places["loop"] is getattr(server, "_loop", None)) == self.runs_coroutines_at_home

    def test_context_variables_are_the_requests(self) -> None:
        variable = contextvars.ContextVar("variable", default="")
        found: list[str] = []
        webhook_handler("forge", "push")(lambda _: found.append(variable.get()))
        app = self.make_app()

        def setting(*arguments: Any) -> Any:
            variable.set("the request's")
            return app(*arguments)

        async def setting_here(*arguments: Any) -> None:
            await setting(*arguments)

        self.post(self.serve(setting if self.interface == "wsgi" else setting_here))

        assert found == ["the request's"]

    def test_what_the_yaml_words_is_sent_wherever_no_handler_says_anything(self) -> None:
        """Also where none matches, and to a repeat; what a handler or a middleware says comes before it."""
        self.write_provider(
            "  worded: {mode: inline, response: {content_type: application/xml, body: <Response/>}}\n"
        )
        webhook_handler("forge", "silent", webhook_name="worded")(lambda _: None)
        webhook_handler("forge", "says", webhook_name="worded")(lambda _: {"said": 1})

        @webhook_middleware("forge", webhook_name="worded")
        def stops(event: WebhookEvent) -> dict[str, Any] | None:
            return {"stopped": 1} if event.type == "stopped" else None

        server = self.serve()

        def ask(event: str, event_id: str) -> Any:
            return self.post(server, target="/webhooks/forge/worded", event=event, event_id=event_id)

        worded = [
            ask(*each)
            for each in (("unheard", "d-1"), ("unheard", "d-1"), ("silent", "d-2"), ("silent", "d-2"))
        ]
        spoken = [ask("says", "d-3").json(), ask("stopped", "d-4").json()]

        assert [(got.status, got.body) for got in worded] == [(200, b"<Response/>")] * 4
        assert {got.headers["content-type"] for got in worded} == {"application/xml"}
        assert (spoken[0]["said"], spoken[1]["stopped"]) == (1, 1)

    def test_of_several_handlers_the_first_answer_is_sent(self) -> None:
        ran: list[str] = []
        answers: list[tuple[str, Any]] = [("a", None), ("b", {"by": "b"}), ("c", {"by": "c"})]
        for name, answer in answers:
            webhook_handler("forge", "push", name=name)(_answering(ran, name, answer))

        got = self.post(self.serve())

        assert (got.json()["by"], ran) == ("b", ["a", "b", "c"])

    @pytest.mark.parametrize("how", VERDICTS)
    def test_what_a_handler_raises_decides_and_is_not_shown(
        self, how: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        raised, status, retry_after = VERDICTS[how]

        @webhook_handler("forge", "push")
        def handle(_: WebhookEvent) -> None:
            raise raised

        got = self.post(self.serve())

        assert (got.status, got.headers.get("retry-after")) == (status, retry_after)
        assert b"secret thing" not in got.body
        assert ("secret thing" in caplog.text) == (how == "raised")

    def test_a_provider_that_sends_again_gets_what_failed_run_again(self) -> None:
        """Under the same event id, with the next attempt's number, and without the handler that completed."""
        ran: list[tuple[str, str, int]] = []

        @webhook_handler("forge", "push")
        def completes(event: WebhookEvent) -> None:
            ran.append(("completes", event.id, event.attempt))

        @webhook_handler("forge", "push")
        async def fails_once(event: WebhookEvent) -> dict[str, Any]:
            ran.append(("fails_once", event.id, event.attempt))
            if event.attempt == 1:
                raise ValueError
            return {"attempt": event.attempt}

        server = self.serve()
        first, second, third = (self.post(server, event_id="d-1") for _ in range(3))

        event_id = ran[0][1]
        assert ran == [("completes", event_id, 1), ("fails_once", event_id, 1), ("fails_once", event_id, 2)]
        assert (first.status, second.status, third.status) == (500, 200, 200)
        assert (second.json()["id"], second.json()["attempt"]) == (event_id, 2)
        assert (third.json()["id"], third.json()["duplicate"]) == (event_id, True)

    def test_a_middleware_may_stop_change_and_attach(self) -> None:
        @webhook_middleware("forge")
        def judge(event: WebhookEvent) -> WebhookResponse | None:
            if "account" not in event.payload:
                return WebhookResponse(success=False, status_code=404, message="No account")
            event.account = event.payload["account"]
            event.headers["X-Seen"] = "yes"
            event.type = event.type.replace("legacy.", "")
            return None

        @webhook_handler("forge", "order.paid")
        def handle(event: WebhookEvent) -> dict[str, Any]:
            return {"account": event.account, "seen": event.headers["X-Seen"]}

        server = self.serve()
        stopped = self.post(server, event="legacy.order.paid")
        handled = self.post(server, event="legacy.order.paid", payload={"account": "a7"})

        assert (stopped.status, stopped.json()["message"]) == (404, "No account")
        assert (handled.json()["account"], handled.json()["seen"]) == ("a7", "yes")

    def test_a_batch_handler_takes_each_of_its_events(self) -> None:
        batch_webhook_handler("forge", ["order.created", "order.paid"])(lambda event: {"got": event.type})

        server = self.serve()
        answers = [self.post(server, event=event).json() for event in ("order.created", "order.paid")]

        assert [answer["got"] for answer in answers] == ["order.created", "order.paid"]

    def test_a_handler_that_runs_too_long_has_failed(self) -> None:
        @webhook_handler("forge", "push", timeout=0.05)
        async def handle(_: WebhookEvent) -> None:
            await asyncio.Event().wait()

        assert self.post(self.serve()).status == 500

    def test_what_would_be_published_needs_a_store(self, caplog: pytest.LogCaptureFixture) -> None:
        webhook_handler("forge", "push")(lambda _: {"events": [{"type": "order.paid", "data": {}}]})

        assert self.post(self.serve()).status == 500
        assert "database_url" in caplog.text


def _answering(ran: list[str], name: str, answer: Any) -> Callable[[WebhookEvent], Any]:
    def handle(_: WebhookEvent) -> Any:
        ran.append(name)
        return answer

    return handle
