"""Promises about an application with a store. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from smart_api_integrations.application import Webhooks, publish
from smart_api_integrations.core.journal import Trace
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.testing.calling_apps import Server
from smart_api_integrations.testing.framework_cases.host import FrameworkCase, until
from smart_api_integrations.webhooks import WebhookEvent, webhook_handler


class StoreCases(FrameworkCase):
    """What is answered is kept, and handled by a worker unless the YAML says ``inline``."""

    webhooks: Webhooks

    @pytest.fixture(autouse=True)
    def _stopped_in_the_end(self, _own_surroundings: None) -> Iterator[None]:
        self.webhooks = Webhooks(database_url=self.database_url)
        yield
        for server in self._servers:
            server.close()
        self._servers.clear()
        self.webhooks.stop()

    def serve_with_store(self, **how: Any) -> Server:
        """Return a server that runs an application with a store."""
        return self.serve(self.make_app(webhooks=self.webhooks), **how)

    def trace(self, event_id: str) -> Trace:
        """Return what the journal knows of an event."""
        found = self.webhooks.call(self.webhooks.platform.journal.events.trace(event_id))
        assert found is not None
        return found

    def test_nothing_runs_before_a_server_does(self) -> None:
        self.make_app(webhooks=self.webhooks)

        assert not self.webhooks.is_running

    @pytest.mark.parametrize("colour", ["plain", "coroutine"])
    def test_an_event_is_kept_then_answered_then_handled_by_a_worker(self, colour: str) -> None:
        handled = threading.Event()

        async def coroutine(_: WebhookEvent) -> None:
            handled.set()

        webhook_handler("forge", "push")(coroutine if colour == "coroutine" else lambda _: handled.set())

        got = self.post(self.serve_with_store(), event_id="d-1")

        answer = got.json()
        assert (got.status, answer["success"], answer["event_id"]) == (200, True, "d-1")
        assert handled.wait(20)
        assert until(lambda: self.states(answer["id"]) == [State.COMPLETED])

    def states(self, event_id: str) -> list[State]:
        """Return the states of an event's handlings."""
        return [part.state for part in self.trace(event_id).handlings]

    def test_a_repeat_is_answered_like_the_first_and_handled_once(self) -> None:
        ran: list[str] = []
        webhook_handler("forge", "push")(lambda event: ran.append(event.id))
        server = self.serve_with_store()

        first, second = (self.post(server, event_id="d-1").json() for _ in range(2))

        assert second == first | {"duplicate": True}
        assert until(lambda: self.states(first["id"]) == [State.COMPLETED])
        assert ran == [first["id"]]

    def test_inline_is_kept_too_and_its_provider_is_the_only_one_who_retries(self) -> None:
        attempts: list[int] = []

        @webhook_handler("forge", "push", webhook_name="now")
        def fails_once(event: WebhookEvent) -> dict[str, Any]:
            attempts.append(event.attempt)
            if event.attempt == 1:
                raise ValueError
            return {"attempt": event.attempt}

        server = self.serve_with_store()
        target = "/webhooks/forge/now"
        first = self.post(server, target=target, event_id="d-1")
        between = None
        if self.webhooks.is_running:
            (kept,) = self.webhooks.call(self.webhooks.platform.journal.events.summaries())
            between = self.states(kept.id)
        second, third = (self.post(server, target=target, event_id="d-1") for _ in range(2))

        event_id = second.json()["id"]
        trace = self.trace(event_id)
        assert (first.status, between) == (500, [State.FAILED])
        assert (second.json()["attempt"], third.json()["duplicate"], attempts) == (2, True, [1, 2])
        assert self.states(event_id) == [State.COMPLETED]
        assert [attempt.status for attempt in sorted(trace.attempts, key=lambda each: each.number)] == [
            "failed",
            "succeeded",
        ]

    def test_what_an_inline_handler_publishes_is_kept_with_its_outcome(self) -> None:
        entry = {"type": "order.paid", "data": {"n": 1}}
        webhook_handler("forge", "push", webhook_name="now")(lambda _: {"events": [entry]})

        got = self.post(self.serve_with_store(), target="/webhooks/forge/now").json()

        assert [message.event for message in self.trace(got["id"]).messages] == ["order.paid"]

    def test_a_handler_can_publish(self) -> None:
        @webhook_handler("forge", "push", webhook_name="now")
        def plain(_: WebhookEvent) -> dict[str, Any]:
            return {"message": publish("order.paid", {})}

        @webhook_handler("forge", "pushed", webhook_name="now")
        async def coroutine(_: WebhookEvent) -> dict[str, Any]:
            return {"message": await publish.aio("order.paid", {})}

        server = self.serve_with_store()
        for event in ("push", "pushed"):
            got = self.post(server, target="/webhooks/forge/now", event=event).json()
            assert [message.event for message in self.trace(got["id"]).messages] == ["order.paid"]

    def test_a_refused_request_leaves_no_trace(self) -> None:
        server = self.serve_with_store()
        self.post(server)

        assert self.post(server, headers={"X-Forge-Signature": "00"}).status == 401
        assert len(self.webhooks.call(self.webhooks.platform.journal.events.summaries())) == 1

    def test_a_store_that_is_away_is_503_and_asks_to_send_again(self) -> None:
        self.webhooks = Webhooks(database_url=f"sqlite:///{self.tmp_path}/missing/folder/webhooks.db")
        how = {"lifespan": False} if self.interface == "asgi" else {}

        got = self.post(self.serve_with_store(**how))

        assert (got.status, got.headers["retry-after"]) == (503, "5")

    def test_what_runs_at_a_stop_may_finish(self) -> None:
        entered, leave, left = threading.Event(), threading.Event(), threading.Event()

        @webhook_handler("forge", "push")
        def handle(_: WebhookEvent) -> None:
            entered.set()
            leave.wait(20)
            left.set()

        server = self.serve_with_store()
        event_id = self.post(server).json()["id"]
        assert entered.wait(20)
        threading.Timer(0.05, leave.set).start()
        server.close()
        self._servers.clear()
        self.webhooks.stop()

        assert left.is_set()
        with Webhooks(database_url=self.database_url) as again:
            self.webhooks = again
            assert self.states(event_id) == [State.COMPLETED]
