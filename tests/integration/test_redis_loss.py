"""Redis may be lost: killed, hung, back again. Then nothing waits, nothing is refused, nothing is lost."""

from __future__ import annotations

import asyncio
import shutil
import signal
import uuid
from collections.abc import Callable

import psycopg
import pytest

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.network.redis_bell import RedisBell
from smart_api_integrations.receive.answer import Answer
from smart_api_integrations.storage.postgres_listener import CHANNEL
from tests.integration.test_door import LIMITED, knock, opened, statuses
from tests.own_services import own_redis
from tests.running_server import fresh_postgres

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not here"),
]


@pytest.fixture
def redis(tmp_path):
    with own_redis(tmp_path) as service:
        yield service


async def until(what: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not what():  # noqa: ASYNC110 - what is waited for is another process's
            await asyncio.sleep(0.02)


class Ears:
    """Counts how often it is woken."""

    def __init__(self, url: str) -> None:
        self.count = 0
        self.bell = RedisBell(url)

    def wake(self) -> None:
        self.count += 1


async def test_a_bell_is_heard_by_others_and_again_after_redis_was_killed(redis):
    url = f"redis://127.0.0.1:{redis.port}/0"
    one, other = Ears(url), Ears(url)
    for ears in (one, other):
        ears.bell.open(ears.wake)
    await until(lambda: one.bell.is_heard and other.bell.is_heard)

    one.bell.ring()
    await until(lambda: other.count == 1)
    redis.stop()
    for _ in range(100):
        one.bell.ring()
    await until(lambda: not one.bell.is_heard)
    redis.start()
    await until(lambda: one.bell.is_heard and other.bell.is_heard)
    woken_after_the_loss = other.count
    one.bell.ring()
    await until(lambda: other.count > woken_after_the_loss)

    assert woken_after_the_loss >= 2, "what was said meanwhile is looked for once"
    for ears in (one, other):
        await ears.bell.close()
    one.bell.ring()


async def test_a_redis_that_hangs_is_noticed_by_who_rings(redis):
    ears = Ears(f"redis://127.0.0.1:{redis.port}/0")
    ears.bell.open(ears.wake)
    await until(lambda: ears.bell.is_heard)

    redis.send(signal.SIGSTOP)
    ears.bell.ring()
    await until(lambda: not ears.bell.is_heard)
    redis.send(signal.SIGCONT)
    await until(lambda: ears.bell.is_heard)

    await ears.bell.close()


async def send(platform: Platform, times: int) -> list[Answer]:
    return [answer for _ in range(times) for answer in await knock(platform, 1, delivery=uuid.uuid4().hex)]


async def test_events_are_taken_whatever_happens_to_redis(redis, tmp_path):
    """Local limits hold alone; an answer waits a quarter of a second for Redis, once in five."""
    plenty = LIMITED.replace("6, burst_limit: 3", "6000, burst_limit: 3000")
    async with opened(tmp_path, plenty, redis_url=f"redis://127.0.0.1:{redis.port}/0") as platform:
        async with asyncio.timeout(30):
            answers = await send(platform, 5)
            redis.stop()
            answers += await send(platform, 5)
            redis.start()
            answers += await send(platform, 5)
            redis.send(signal.SIGSTOP)
            answers += await send(platform, 5)
            redis.send(signal.SIGCONT)
            answers += await send(platform, 5)
        kept = await platform.journal.events.summaries(limit=50)

    assert statuses(answers) == {200: 25}
    assert len(kept) == 25


@pytest.mark.postgres
async def test_postgresql_wakes_the_workers_itself_only_while_redis_does_not(redis, tmp_path, postgres_url):
    with fresh_postgres(postgres_url) as url, psycopg.connect(url, autocommit=True) as listening:
        listening.execute(f"LISTEN {CHANNEL}")
        async with opened(
            tmp_path,
            database_url=url,
            encryption_keys=("a key of more than sixteen characters",),
            redis_url=f"redis://127.0.0.1:{redis.port}/0",
            roles=("gateway",),
        ) as platform:
            bell = platform._bell
            assert bell is not None
            await until(lambda: bell.is_heard)
            await platform.endpoints.register("https://example.com/hook", events=["order.created"])
            await platform.publish("order.created", {"n": 1})
            while_heard = list(listening.notifies(timeout=0.2))
            redis.stop()
            await until(lambda: not bell.is_heard)
            await platform.publish("order.created", {"n": 2})
            while_lost = list(listening.notifies(timeout=5, stop_after=1))

    assert while_heard == []
    assert len(while_lost) == 1
