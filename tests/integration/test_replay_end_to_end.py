"""A platform that works: what an endpoint missed or refused reaches it by a replay, at its rate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

import pytest

from smart_api_integrations import Webhooks
from smart_api_integrations.core.replay import ReplayOutcomes, ReplayState
from tests.sink import SECRET, Sink, running_sink

MESSAGES = 12
SECONDS = 30


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as running:
        yield running


@pytest.fixture
def webhooks(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhooks]:
    monkeypatch.setenv("WEBHOOKS_ENCRYPTION_KEYS", "a key for tests only, of more than sixteen characters")
    monkeypatch.setenv("WEBHOOKS_ALLOWED_NETWORKS", "127.0.0.0/8")
    with Webhooks(database_url=database_url) as running:
        yield running


def register(webhooks: Webhooks, url: str) -> str:
    made = webhooks.call(webhooks.platform.endpoints.register(url, ["order.*"], secret=SECRET))
    return made.id


def until(webhooks: Webhooks, job_id: str, is_so: Callable[[ReplayState, ReplayOutcomes], bool]) -> None:
    async def look() -> None:
        async with asyncio.timeout(SECONDS):
            while True:
                job, outcomes = await webhooks.platform.replays.get(job_id)
                if is_so(job.state, outcomes):
                    return
                await asyncio.sleep(0.01)

    webhooks.call(look())


def test_an_endpoint_of_today_gets_what_it_missed_once(webhooks: Webhooks, sink: Sink) -> None:
    sent = {webhooks.publish("order.created", {"order": number}) for number in range(MESSAGES)}
    webhooks.publish("user.created", {})
    late = register(webhooks, sink.url)

    job = webhooks.replays.start("delivery", mode="missing", target=late, rate=1000)
    again = webhooks.replays.start("delivery", mode="missing", target=late, rate=1000)

    assert job.total == MESSAGES
    assert sink.wait_for(MESSAGES)
    for each in (job, again):
        until(webhooks, each.id, lambda state, left: state is ReplayState.COMPLETED and not left.open)
    assert set(sink.arrivals) == sent
    assert set(sink.arrivals.values()) == {1}
    assert sink.refused == 0
    done, outcomes = webhooks.replays.get(job.id)
    other, _ = webhooks.replays.get(again.id)
    assert done.done + other.done == MESSAGES
    assert outcomes.done == done.done


def test_a_rate_holds_and_a_cancelled_job_sends_no_more(webhooks: Webhooks, sink: Sink) -> None:
    for number in range(MESSAGES):
        webhooks.publish("order.created", {"order": number})
    register(webhooks, sink.url)
    began = time.monotonic()

    job = webhooks.replays.start("delivery", mode="missing", rate=4)
    assert sink.wait_for(4)
    took = time.monotonic() - began
    webhooks.replays.cancel(job.id)
    until(webhooks, job.id, lambda _, left: not left.open)

    after, outcomes = webhooks.replays.get(job.id)
    assert took > 0.4  # two at once, then half a second for the next two
    assert after.state is ReplayState.CANCELLED
    assert 4 <= after.done < MESSAGES
    assert outcomes.done == after.done == len(sink.arrivals)
    assert webhooks.replays.preview("delivery", mode="missing").count == MESSAGES - after.done
