"""From a provider's request to the broker: what was accepted is published, whatever becomes of the broker."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aio_pika
import pytest
import redis.asyncio as redis

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.broker_event import BROKER
from smart_api_integrations.core.journal import Trace
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.settings import Settings
from tests.conftest import RABBITMQ_URL, REDIS_URL
from tests.github_requests import incoming
from tests.journal_scenes import open_platform
from tests.plug import Plug

PUSH = {"ref": "refs/heads/main", "repository": {"full_name": "octo/hello"}, "commits": [{}]}


@pytest.fixture(autouse=True)
def _no_handlers():
    get_webhook_registry().clear()
    yield
    get_webhook_registry().clear()


async def receive(platform: Platform, number: int = 1, payload: Any = PUSH, **more: Any) -> str:
    request = incoming(payload, delivery=f"delivery-{number}", **more)
    answer = await platform.gateway.accept(request, "github")
    assert answer.status == 200
    return str(json.loads(answer.body)["id"])


def of_repository(number: int) -> Any:
    """Return a push to one of 20 repositories: the pushes to each are published in order."""
    return PUSH | {"after": str(number), "repository": {"full_name": f"octo/{number % 20}"}}


async def trace_of(platform: Platform, event_id: str) -> Trace:
    trace = await platform.journal.events.trace(event_id)
    assert trace is not None
    return trace


async def until(found: Callable[[], Any], seconds: float = 20) -> Any:
    async with asyncio.timeout(seconds):
        while not (value := await found()):  # noqa: ASYNC110 - it happens in the store
            await asyncio.sleep(0.02)
    return value


def all_delivered(platform: Platform, *event_ids: str) -> Callable[[], Any]:
    async def found() -> bool:
        traces = [await trace_of(platform, event_id) for event_id in event_ids]
        return all(
            trace.deliveries and all(part.state is State.DELIVERED for part in trace.deliveries)
            for trace in traces
        )

    return found


@asynccontextmanager
async def rabbitmq(
    topic: str, *keys: str
) -> AsyncIterator[asyncio.Queue[aio_pika.abc.AbstractIncomingMessage]]:
    """Listen to a topic of our own, on a connection of our own."""
    connection = await aio_pika.connect(RABBITMQ_URL)
    channel = await connection.channel()
    exchange = await channel.declare_exchange(topic, aio_pika.ExchangeType.TOPIC, durable=True)
    arrived: asyncio.Queue[aio_pika.abc.AbstractIncomingMessage] = asyncio.Queue()
    if keys:
        queue = await channel.declare_queue(exclusive=True)
        for key in keys:
            await queue.bind(exchange, key)
        await queue.consume(arrived.put, no_ack=True)
    try:
        yield arrived
    finally:
        await exchange.delete()
        await connection.close()


async def plugged(url: str) -> tuple[Plug, str]:
    parts = urlsplit(url)
    plug = Plug(parts.hostname or "", parts.port or 0)
    port = await plug.open()
    return plug, parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}").geturl()


async def test_without_anybody_who_wants_it_nothing_is_published(tmp_path: Path):
    async with open_platform(tmp_path) as platform:
        trace = await trace_of(platform, await receive(platform))

        assert (trace.handlings, trace.messages) == ([], [])


@pytest.mark.parametrize("mode", ["queued", "inline"])
async def test_an_endpoint_gets_the_internal_event_of_a_providers_event(tmp_path: Path, mode: str):
    own = tmp_path / "none" / "github"
    own.mkdir(parents=True)
    (own / "webhook.yaml").write_text(f"webhooks:\n  default: {{mode: {mode}}}\n")
    async with open_platform(tmp_path) as platform:
        await platform.endpoints.register(url="https://example.com/hook", events=["git.push"])
        event_id = await receive(platform)
        await platform.start_work()

        async def published() -> Any:
            return (await trace_of(platform, event_id)).messages

        (message,) = await until(published)
        trace = await trace_of(platform, event_id)

    assert (message.event, message.ordering_key) == ("git.push", "octo/hello")
    assert json.loads(message.body)["data"]["commits"] == 1
    assert json.loads(message.body)["metadata"] == {"correlation_id": event_id, "provider": "github"}
    assert [(part.target, part.state) for part in trace.handlings] == [
        ("github:default:<publish>", State.COMPLETED)
    ]
    assert len(trace.deliveries) == 1


async def test_a_function_of_this_process_is_who_wants_it(tmp_path: Path):
    heard: list[Any] = []
    async with open_platform(tmp_path) as platform:
        platform.subscribers.add("git.*", heard.append)
        await platform.start_work()
        await receive(platform)
        await until(lambda: asyncio.sleep(0, heard))

    assert [(each.event, each.data["repository"]) for each in heard] == [("git.push", "octo/hello")]


@pytest.mark.parametrize(("rule", "count"), [("always", 1), ("never", 0)])
async def test_the_setting_says_when_maps_run(tmp_path: Path, rule: str, count: int):
    async with open_platform(tmp_path, internal_events=rule) as platform:
        if rule == "never":
            await platform.endpoints.register(url="https://example.com/hook", events=["*"])
        trace = await trace_of(platform, await receive(platform))

        assert len(trace.handlings) == count


async def test_a_map_that_cannot_be_computed_is_a_dead_letter_that_names_the_file(tmp_path: Path):
    own = tmp_path / "none" / "github"
    own.mkdir(parents=True)
    (own / "webhook.yaml").write_text(
        "webhooks:\n  default:\n    publish: {push: {type: x.y, data: {n: payload.ref + 1}}}\n"
    )
    async with open_platform(tmp_path, internal_events="always") as platform:
        event_id = await receive(platform)
        await platform.start_work()

        async def ended() -> Any:
            return [
                part for part in (await trace_of(platform, event_id)).handlings if part.state is State.FAILED
            ]

        await until(ended)
        (attempt,) = (await trace_of(platform, event_id)).attempts

    assert attempt.error_code == "publish_map"
    assert attempt.error_message is not None
    assert (
        "github/webhook.yaml: publish.push.data.n: `payload.ref + 1` cannot be computed"
        in attempt.error_message
    )


async def test_the_broker_that_is_this_process_tries_a_function_again_that_failed(tmp_path: Path):
    calls: list[str] = []

    def flaky(payload: Any) -> None:
        calls.append(payload.id)
        if len(calls) == 1:
            message = "not yet"
            raise RuntimeError(message)

    async with open_platform(tmp_path, broker_url="memory:", lease_seconds=1) as platform:
        platform.subscribers.add("git.push", flaky)
        await platform.start_work()
        event_id = await receive(platform)
        await until(all_delivered(platform, event_id))
        trace = await trace_of(platform, event_id)

    assert len(calls) == 2
    assert len(set(calls)) == 1
    codes = [each.error_code for each in trace.attempts if each.target == BROKER]
    assert codes == ["broker_refused", None]


@pytest.mark.rabbitmq
async def test_rabbitmq_gets_what_a_provider_sent_with_its_cloudevents_attributes(tmp_path: Path):
    topic = f"test-{uuid.uuid4()}"
    async with (
        rabbitmq(topic, "git.#") as arrived,
        open_platform(tmp_path, broker_url=RABBITMQ_URL, broker_topic=topic) as platform,
    ):
        await platform.start_work()
        event_id = await receive(platform)
        message = await asyncio.wait_for(arrived.get(), 20)
        await until(all_delivered(platform, event_id))
        trace = await trace_of(platform, event_id)

    assert (message.routing_key, message.type, message.correlation_id) == ("git.push", "git.push", event_id)
    assert json.loads(message.body)["repository"] == "octo/hello"
    assert message.headers["cloudEvents:source"] == "/webhooks/github/default"
    assert message.headers["cloudEvents:id"] == trace.messages[0].id
    assert trace.endpoints[BROKER].description == "RabbitMQ"
    assert "guest" not in trace.endpoints[BROKER].url


@pytest.mark.rabbitmq
@pytest.mark.parametrize(("rule", "state"), [("retry", State.RETRY_SCHEDULED), ("cancel", State.CANCELLED)])
async def test_what_no_queue_gets_is_tried_again_or_cancelled_and_never_called_delivered(
    tmp_path: Path, rule: str, state: State
):
    topic = f"test-{uuid.uuid4()}"
    async with (
        rabbitmq(topic),
        open_platform(
            tmp_path, broker_url=RABBITMQ_URL, broker_topic=topic, broker_unrouted=rule
        ) as platform,
    ):
        await platform.start_work()
        event_id = await receive(platform)

        async def tried() -> Any:
            return [each for each in (await trace_of(platform, event_id)).attempts if each.target == BROKER]

        attempt = (await until(tried))[0]
        (delivery,) = (await trace_of(platform, event_id)).deliveries

    assert attempt.error_code == "unrouted"
    assert "bind one to the exchange" in str(attempt.error_message)
    assert delivery.state is state


REAL = [
    pytest.param(RABBITMQ_URL, id="rabbitmq", marks=pytest.mark.rabbitmq),
    pytest.param(REDIS_URL, id="redis", marks=pytest.mark.redis),
]


@pytest.mark.parametrize("url", REAL)
async def test_nothing_is_lost_while_the_broker_is_away_and_cut_off(tmp_path: Path, url: str):
    """Every accepted event is published once the broker is back; ids tell what came twice."""
    topic = f"test-{uuid.uuid4()}"
    plug, through = await plugged(url)
    got: set[str] = set()
    async with (
        listening(url, topic, got),
        open_platform(tmp_path, broker_url=through, broker_topic=topic) as platform,
    ):
        await platform.start_work()
        ids = [await receive(platform, number, of_repository(number)) for number in range(20)]
        plug.cut()
        ids += [await receive(platform, number, of_repository(number)) for number in range(20, 40)]
        async with plug.pulled():
            ids += [await receive(platform, number, of_repository(number)) for number in range(40, 60)]
            await until(lambda: has_failed(platform, ids[40:]))
        ids += [await receive(platform, number, of_repository(number)) for number in range(60, 80)]
        await until(all_delivered(platform, *ids), seconds=60)
        traces = [await trace_of(platform, event_id) for event_id in ids]
        wanted = {trace.messages[0].id for trace in traces}
        await until(lambda: asyncio.sleep(0, got >= wanted))
    await plug.close()

    assert got == wanted
    assert len(wanted) == 80


@asynccontextmanager
async def listening(url: str, topic: str, got: set[str]) -> AsyncIterator[None]:
    """Gather the ids of what arrives."""
    if url == RABBITMQ_URL:
        async with rabbitmq(topic, "#") as arrived:
            task = asyncio.create_task(_gather_messages(arrived, got))
            yield
            task.cancel()
        return
    async with redis.Redis.from_url(url, decode_responses=True) as client:
        task = asyncio.create_task(_gather_entries(client, topic, got))
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.delete(topic)


async def _gather_messages(arrived: asyncio.Queue[Any], got: set[str]) -> None:
    while True:
        got.add((await arrived.get()).message_id)


async def _gather_entries(client: Any, topic: str, got: set[str]) -> None:
    last = "0"
    while True:
        for _, entries in await client.xread({topic: last}, block=200) or ():
            for entry_id, fields in entries:
                got.add(fields["id"])
                last = entry_id


async def has_failed(platform: Platform, event_ids: Sequence[str]) -> bool:
    """Tell whether the broker's absence was met with."""
    traces = [await trace_of(platform, event_id) for event_id in event_ids]
    return any(each.error_code == "broker_unavailable" for trace in traces for each in trace.attempts)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("kafka://x", "the scheme 'kafka' is unknown; known are amqp, amqps, redis"),
        ("amqp://user:secret@host:port/", "cannot be read"),
    ],
)
def test_a_broker_url_that_cannot_be_used_stops_the_start_and_shows_no_password(tmp_path: Path, url, told):
    with pytest.raises(ConfigurationError, match=told) as raised:
        Platform(Settings(database_url=f"sqlite:///{tmp_path}/w.db", broker_url=url))

    assert "secret" not in str(raised.value)
