"""Promises about the bytes that a signature is over, whatever the host does with them. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote_plus

import pytest

from smart_api_integrations.core.webhook_schema import WebhookEvent
from smart_api_integrations.testing.calling_apps import NO_ANSWER
from smart_api_integrations.testing.framework_cases.host import FrameworkCase
from smart_api_integrations.webhooks import webhook_handler

ODD = b'\n{ "ref" :"main",\t"\\u00e9" : "\xc3\xa9", "n":1E2, "m": 100000000000000000001 }\r\n'
FORM = b"payload=" + quote_plus('{"ref": "main & more"}').encode() + b"&x=%zz+&&x="


class BodyCases(FrameworkCase):
    """A handler gets the exact bytes; who took them away is named in the log."""

    def bodies(self) -> list[WebhookEvent]:
        """Return a list that every event is appended to."""
        seen: list[WebhookEvent] = []
        webhook_handler("forge", "*")(seen.append)
        return seen

    @pytest.mark.parametrize("body", [ODD, b'"' + b"x" * 90_000 + b'"', b"[]"], ids=["odd", "long", "short"])
    def test_the_bytes_are_the_senders(self, body: bytes) -> None:
        seen = self.bodies()

        assert self.post(self.serve(), body=body).status == 200
        assert [event.body for event in seen] == [body]

    def test_a_form_is_verified_as_it_came(self) -> None:
        seen = self.bodies()
        form = {"Content-Type": "application/x-www-form-urlencoded"}

        assert self.post(self.serve(), body=FORM, headers=form).status == 200
        assert [(event.body, event.payload) for event in seen] == [(FORM, {"ref": "main & more"})]

    def test_middleware_that_reads_and_gives_back_changes_nothing(self) -> None:
        seen = self.bodies()
        wrapped = {"wsgi": _wsgi_replaying, "asgi": _asgi_replaying}[self.interface](self.make_app())

        assert self.post(self.serve(wrapped), body=ODD).status == 200
        assert [event.body for event in seen] == [ODD]

    def test_middleware_that_takes_the_body_away_is_no_forged_signature(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The sender is asked to send again, and the log says what is wrong with the application."""
        seen = self.bodies()
        wrapped = {"wsgi": _wsgi_consuming, "asgi": _asgi_consuming}[self.interface](self.make_app())

        got = self.post(self.serve(wrapped))

        assert (got.status in {503, NO_ANSWER}, seen) == (True, [])
        assert "read the request's body" in caplog.text or got.status == NO_ANSWER

    def test_headers_are_read_in_every_spelling(self) -> None:
        seen = self.bodies()

        self.post(self.serve(), headers={"X-Custom": "é-1"})

        (event,) = seen
        assert event.headers["x-custom"] == event.headers["HTTP_X_CUSTOM"] == "é-1"

    def test_a_header_that_is_sent_twice_has_both_values(self) -> None:
        seen = self.bodies()

        self.post(self.serve(), more=(("X-Tag", "a"), ("X-Tag", "b")))

        (event,) = seen
        assert event.headers["X-Tag"].replace(" ", "") == "a,b"
        assert len(event.headers.get_all("X-Tag")) == (2 if self.reads_repeated_headers else 1)


def _wsgi_replaying(app: Callable[..., Any]) -> Callable[..., Any]:
    def middleware(environ: dict[str, Any], start_response: Any) -> Any:
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read())
        return app(environ, start_response)

    return middleware


def _wsgi_consuming(app: Callable[..., Any]) -> Callable[..., Any]:
    def middleware(environ: dict[str, Any], start_response: Any) -> Any:
        environ["wsgi.input"].read()
        return app(environ, start_response)

    return middleware


def _asgi_replaying(app: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        whole = [await _read(receive)]

        async def again() -> Any:
            if whole:
                return {"type": "http.request", "body": whole.pop(), "more_body": False}
            return await receive()

        await app(scope, again, send)

    return middleware


def _asgi_consuming(app: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        async def nothing_more() -> Any:
            return {"type": "http.disconnect"}

        if scope["type"] == "http":
            await _read(receive)
        await app(scope, nothing_more if scope["type"] == "http" else receive, send)

    return middleware


async def _read(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body
