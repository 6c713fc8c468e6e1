"""Publishing from wherever code runs: a script, a thread, a handler of either colour, an event loop."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from smart_api_integrations import Webhooks, publish
from smart_api_integrations.core.journal import Message, Trace
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.errors import ConfigurationError, InvalidInput, WebhooksError
from smart_api_integrations.webhooks import webhook_handler
from tests.github_requests import SECRET as GITHUB_SECRET
from tests.github_requests import incoming
from tests.sink import SECRET, running_sink

SECONDS = 20.0


@pytest.fixture(autouse=True)
def _surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_WEBHOOK_SECRET", GITHUB_SECRET)
    monkeypatch.setenv("WEBHOOKS_ALLOWED_NETWORKS", "127.0.0.0/8")
    get_webhook_registry().clear()
    yield
    get_webhook_registry().clear()
    assert publish._running == []


def receive(webhooks: Webhooks, delivery: str = "delivery-1") -> str:
    request = incoming({"delivery": delivery}, delivery=delivery)
    answer = webhooks.call(webhooks.platform.gateway.accept(request, "github"))
    assert answer.status == 200
    return str(json.loads(answer.body)["id"])


def eventually(found: Callable[[], Any]) -> Any:
    """Return what *found* returns, once it returns something."""
    deadline = time.monotonic() + SECONDS
    while not (value := found()):
        assert time.monotonic() < deadline, "it did not happen"
    return value


def trace_of(webhooks: Webhooks, event_id: str) -> Trace:
    trace = webhooks.call(webhooks.platform.journal.events.trace(event_id))
    assert trace is not None
    return trace


def published(webhooks: Webhooks, event_id: str) -> Sequence[Message]:
    """Return what handlers published for an event, once they did."""
    found: Sequence[Message] = eventually(lambda: trace_of(webhooks, event_id).messages)
    return found


def messages(webhooks: Webhooks) -> list[str]:
    return [message.id for message in webhooks.call(webhooks.platform.journal.messages.messages())]


def register(webhooks: Webhooks, url: str) -> None:
    webhooks.call(webhooks.platform.endpoints.register(url=url, events=["order.*"], secret=SECRET))


def test_a_script_publishes_and_the_endpoint_gets_it_signed() -> None:
    with running_sink() as sink, Webhooks() as webhooks:
        register(webhooks, sink.url)

        first = webhooks.publish("order.created", {"id": 7}, {"by": "script"})
        second = publish("order.paid", {"id": 7})
        webhooks.publish("invoice.paid", {})

        assert sink.wait_for(2, seconds=SECONDS)
        assert set(sink.arrivals) == {first, second}
        assert sink.documents[first]["event"] == "order.created"
        assert (sink.documents[first]["data"], sink.documents[first]["metadata"]) == (
            {"id": 7},
            {"by": "script"},
        )
        assert sink.refused == 0


def test_what_was_published_is_on_disk_when_publish_returns(tmp_path: Path) -> None:
    with Webhooks() as webhooks:
        message_id = webhooks.publish("order.created", {})
    with Webhooks(roles=("api",)) as webhooks:
        assert messages(webhooks) == [message_id]


def test_many_threads_publish_at_once() -> None:
    with Webhooks() as webhooks, ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda number: publish("order.created", number), range(100)))

        assert len(set(ids)) == 100
        assert {
            message.id for message in webhooks.call(webhooks.platform.journal.messages.messages(limit=200))
        } == set(ids)


def test_a_def_handlers_message_is_in_the_events_trace() -> None:
    @webhook_handler("github", "push")
    def on_push(event: Any) -> None:
        publish("order.created", {"from": event.payload["delivery"]})

    with Webhooks() as webhooks:
        event_id = receive(webhooks)
        (message,) = published(webhooks, event_id)

    assert (message.event, message.event_id) == ("order.created", event_id)


def test_an_async_handlers_message_is_in_the_events_trace() -> None:
    @webhook_handler("github", "push")
    async def on_push(event: Any) -> dict[str, str]:
        return {"id": await publish.aio("order.created", {})}

    with Webhooks() as webhooks:
        event_id = receive(webhooks)
        (message,) = published(webhooks, event_id)
        attempt = eventually(lambda: trace_of(webhooks, event_id).attempts)[0]

    assert message.event_id == event_id
    assert json.loads(attempt.result or "") == {"id": message.id}


def test_handlers_that_run_at_once_do_not_mix_up_their_events() -> None:
    together = threading.Barrier(2, timeout=SECONDS)

    @webhook_handler("github", "push")
    def on_push(event: Any) -> None:
        together.wait()
        publish("order.created", event.payload["delivery"])

    with Webhooks() as webhooks:
        ids = {name: receive(webhooks, name) for name in ("one", "two")}
        for name, event_id in ids.items():
            (message,) = published(webhooks, event_id)
            assert json.loads(message.body)["data"] == name


def test_publish_in_the_platforms_own_loop_is_refused_and_says_what_to_write() -> None:
    @webhook_handler("github", "push", retries=0)
    async def on_push(event: Any) -> None:
        publish("order.created", {})

    with Webhooks() as webhooks:
        event_id = receive(webhooks)
        (attempt,) = eventually(lambda: trace_of(webhooks, event_id).attempts)
        assert messages(webhooks) == []

    assert "await publish.aio(" in (attempt.error_message or "")


def test_publish_aio_works_in_another_event_loop() -> None:
    with Webhooks() as webhooks:
        message_id = asyncio.run(publish.aio("order.created", {}))

        assert messages(webhooks) == [message_id]


def test_without_a_running_platform_publish_says_what_to_start() -> None:
    with pytest.raises(ConfigurationError, match=r"Webhooks\(…\)\.start\(\)"):
        publish("order.created", {})
    with pytest.raises(ConfigurationError):
        asyncio.run(publish.aio("order.created", {}))
    with pytest.raises(ConfigurationError, match=r"call start\(\) first"):
        Webhooks().publish("order.created", {})


def test_publish_goes_to_the_platform_that_was_started_last_and_still_runs(tmp_path: Path) -> None:
    with Webhooks(database_url=f"sqlite:///{tmp_path}/a.db") as first:
        with Webhooks(database_url=f"sqlite:///{tmp_path}/b.db") as second:
            to_second = publish("order.created", {})
            assert (messages(first), messages(second)) == ([], [to_second])
        to_first = publish("order.created", {})
        assert messages(first) == [to_first]


@pytest.mark.parametrize(
    ("event", "data"), [("", {}), ("a\nb", {}), ("order", float("nan")), ("order", {1, 2})]
)
def test_what_cannot_be_sent_is_refused_and_nothing_is_kept(event: str, data: Any) -> None:
    with Webhooks() as webhooks:
        with pytest.raises(InvalidInput):
            publish(event, data)
        assert messages(webhooks) == []


def test_subscribers_are_called_after_the_commit_by_pattern_and_in_either_colour() -> None:
    seen: list[tuple[str, str, Any, bool]] = []
    done = threading.Barrier(3, timeout=SECONDS)

    with Webhooks() as webhooks:

        def note(payload: Any) -> None:
            seen.append(("def", payload.event, payload.data, payload.id in messages(webhooks)))
            done.wait()

        async def note_too(payload: Any) -> None:
            kept = await webhooks.platform.journal.messages.trace(payload.id)
            seen.append(("async", payload.event, payload.data, kept is not None))
            await asyncio.to_thread(done.wait)

        webhooks.subscribe("order.*", note)
        webhooks.subscribe("*", note_too)
        webhooks.publish("order.created", {"id": 7})
        done.wait()

    assert sorted(seen) == [
        ("async", "order.created", {"id": 7}, True),
        ("def", "order.created", {"id": 7}, True),
    ]


def test_a_handlers_result_reaches_subscribers_too() -> None:
    seen: list[Any] = []
    told = threading.Event()

    @webhook_handler("github", "push")
    def on_push(event: Any) -> dict[str, Any]:
        return {"events": [{"type": "order.paid", "data": {"id": 7}}]}

    def note(payload: Any) -> None:
        seen.append((payload.event, payload.data, payload.metadata))
        told.set()

    with Webhooks() as webhooks:
        webhooks.subscribe("order.paid", note)
        event_id = receive(webhooks)
        assert told.wait(SECONDS)

    assert seen == [("order.paid", {"id": 7}, {"correlation_id": event_id})]


def test_a_failing_subscriber_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    told = threading.Event()

    def fail(payload: Any) -> None:
        raise RuntimeError

    with Webhooks() as webhooks:
        webhooks.subscribe("*", fail)
        webhooks.subscribe("*", lambda payload: told.set())
        assert webhooks.publish("order.created", {})
        assert told.wait(SECONDS)

    assert [record.__dict__["action"] for record in caplog.records if record.levelname == "ERROR"] == [
        "subscriber"
    ]


def test_a_handler_that_finishes_during_the_stop_can_still_publish(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()
    url = f"sqlite:///{tmp_path}/webhooks.db"

    @webhook_handler("github", "push")
    def on_push(event: Any) -> None:
        begun.set()
        assert go_on.wait(SECONDS)
        publish("order.created", {})

    webhooks = Webhooks(database_url=url).start()
    event_id = receive(webhooks)
    assert begun.wait(SECONDS)
    stopping = threading.Thread(target=webhooks.stop)
    stopping.start()
    eventually(lambda: webhooks.platform._worker._stopping)
    go_on.set()
    stopping.join(SECONDS)

    with Webhooks(database_url=url, roles=("api",)) as webhooks:
        trace = trace_of(webhooks, event_id)
    assert [attempt.status for attempt in trace.attempts] == ["succeeded"]
    assert [message.event for message in trace.messages] == ["order.created"]


def test_a_stop_waits_for_a_subscriber_no_longer_than_the_grace() -> None:
    begun, never = threading.Event(), asyncio.Event()

    async def hang(payload: Any) -> None:
        begun.set()
        await never.wait()

    webhooks = Webhooks(shutdown_seconds=0.05).start()
    webhooks.subscribe("*", hang)
    webhooks.publish("order.created", {})
    assert begun.wait(SECONDS)
    stopping = threading.Thread(target=webhooks.stop)
    stopping.start()

    stopping.join(SECONDS)

    assert not stopping.is_alive()


def test_stopping_twice_and_starting_again_is_fine() -> None:
    webhooks = Webhooks()
    with webhooks:
        webhooks.start()
    webhooks.stop()
    with webhooks:
        assert webhooks.publish("order.created", {})


def test_threads_that_open_at_once_open_one_platform() -> None:
    webhooks = Webhooks()
    together = threading.Barrier(4, timeout=SECONDS)

    def opened(_: int) -> Any:
        together.wait()
        return webhooks.open().platform

    with ThreadPoolExecutor(4) as threads:
        platforms = set(threads.map(opened, range(4)))
    webhooks.stop()

    assert len(platforms) == 1


def test_a_coroutine_cannot_stop_the_loop_that_it_runs_in() -> None:
    with Webhooks() as webhooks:

        async def stop() -> None:
            webhooks.stop()

        with pytest.raises(WebhooksError, match="block the event loop"):
            webhooks.call(stop())
        assert webhooks.publish("order.created", {})


def test_whoever_waits_while_the_platform_stops_is_told() -> None:
    """A caller is never left hanging on a loop that has ended."""
    begun = threading.Event()
    told: list[BaseException] = []
    webhooks = Webhooks().start()

    async def never() -> None:
        begun.set()
        await asyncio.Event().wait()

    def wait() -> None:
        try:
            webhooks.call(never())
        except WebhooksError as error:
            told.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert begun.wait(SECONDS)
    webhooks.stop()
    waiting.join(SECONDS)

    assert not waiting.is_alive()
    assert isinstance(told[0], ConfigurationError)


def test_a_fault_in_the_store_at_the_start_leaves_nothing_running(tmp_path: Path) -> None:
    (tmp_path / "webhooks.db").mkdir()

    with pytest.raises(WebhooksError):
        Webhooks().start()

    assert [thread.name for thread in threading.enumerate() if "portal" in thread.name] == []
