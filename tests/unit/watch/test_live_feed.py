"""The live feed over a real journal: who is told what, and what it costs when nobody watches."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from smart_api_integrations.core.changes import Change
from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.watch.live_feed import LiveFeed, TooManyViewersError
from tests.journal_scenes import Scene, open_platform, rejected


@pytest.fixture
async def platform(tmp_path):
    async with open_platform(tmp_path) as opened:
        yield opened


@pytest.fixture
async def feed(platform):
    feed = LiveFeed(platform.journal, look_seconds=0.001)
    yield feed
    await feed.close()


@asynccontextmanager
async def watching(feed, token=""):
    async with asyncio.timeout(20), feed.watch(token) as viewer:
        yield viewer, await viewer.next()


async def test_what_happens_is_told_to_everybody(platform, feed):
    async with watching(feed) as (one, first), watching(feed) as (other, _):
        await Scene(platform=platform).event()

        assert first == Change()
        assert (await one.next()).count("accepted") == 1
        assert (await other.next()).count("accepted") == 1


async def test_what_a_slow_viewer_missed_is_told_in_one(platform, feed):
    scene = Scene(platform=platform)
    async with watching(feed) as (slow, _), watching(feed) as (fast, _):
        for _ in range(5):
            await scene.event()
            await fast.next()
        await platform.journal.events.log_rejections([rejected(), rejected()])
        await fast.next()

        change = await slow.next()

        assert (change.count("accepted"), change.count("rejected")) == (5, 2)


async def test_a_stream_is_taken_up_where_it_was_cut_even_by_another_process(platform, feed):
    scene = Scene(platform=platform)
    async with watching(feed) as (viewer, _):
        await scene.event()
        await viewer.next()
        token = viewer.token
    await scene.event()
    await scene.event()
    another = LiveFeed(platform.journal, look_seconds=0.001)

    async with watching(another, token) as (_, missed):
        assert missed.count("accepted") == 2


@pytest.mark.parametrize("token", ["1-0-0-0-0-0-0-0-00000000", "999999999-0-0-0-0-0-0-0-00000000"])
async def test_after_a_long_cut_anything_may_have_changed(feed, token):
    async with watching(feed, token) as (_, missed):
        assert missed.unknown


@pytest.mark.parametrize("token", ["", "nonsense", "1-2-3", "<script>"])
async def test_what_is_no_token_begins_now(feed, token):
    async with watching(feed, token) as (_, missed):
        assert missed == Change()


async def test_nothing_is_read_while_nobody_watches(platform, feed, monkeypatch):
    looks = []
    mark = platform.journal.mark

    async def counted(since):
        looks.append(since)
        return await mark(since)

    monkeypatch.setattr(platform.journal, "mark", counted)
    async with watching(feed):
        assert feed.is_watching
    after = len(looks)

    await Scene(platform=platform).event()

    assert not feed.is_watching
    assert len(looks) == after


async def test_there_is_a_limit_of_viewers(platform):
    feed = LiveFeed(platform.journal, most_viewers=1)
    async with watching(feed):
        with pytest.raises(TooManyViewersError):
            async with feed.watch():
                pass
    async with watching(feed):
        assert feed.viewers == 1


async def test_a_feed_that_closes_ends_every_stream(feed):
    async with watching(feed) as (viewer, _):
        waiting = asyncio.ensure_future(viewer.next())
        await asyncio.sleep(0)

        await feed.close()

        assert await waiting is None
    with pytest.raises(TooManyViewersError):
        async with feed.watch():
            pass


async def test_counting_begins_anew_without_losing_anything(platform, monkeypatch):
    monkeypatch.setattr("smart_api_integrations.watch.live_feed.COUNTED_MINUTES", 0)
    feed = LiveFeed(platform.journal, look_seconds=0.001)
    scene = Scene(platform=platform)
    async with watching(feed) as (viewer, _):
        seen = 0
        for _ in range(20):
            await scene.event()
            while seen < 1:
                seen += (await viewer.next()).count("accepted")
            seen = 0
    await feed.close()


async def test_while_the_store_is_away_streams_stay_open_and_go_on_afterwards(platform, monkeypatch, caplog):
    monkeypatch.setattr("smart_api_integrations.watch.live_feed.FAILED_SECONDS", 0.001)
    feed = LiveFeed(platform.journal, look_seconds=0.001)
    mark, failed = platform.journal.mark, asyncio.Event()
    is_away = True

    async def away(since):
        if is_away:
            failed.set()
            raise StorageUnavailable
        return await mark(since)

    async with watching(feed) as (viewer, _):
        monkeypatch.setattr(platform.journal, "mark", away)
        await failed.wait()
        await Scene(platform=platform).event()
        is_away = False

        assert (await viewer.next()).count("accepted") == 1
    assert [record.action for record in caplog.records] == ["live.look_failed"]
    await feed.close()


async def test_viewers_that_come_at_once_hear_the_same(platform, feed):
    scene = Scene(platform=platform)

    async def heard(ready):
        async with watching(feed) as (viewer, first):
            assert first == Change()
            ready.release()
            return (await viewer.next()).count("accepted")

    ready = asyncio.Semaphore(0)
    viewers = [asyncio.ensure_future(heard(ready)) for _ in range(5)]
    for _ in viewers:
        await ready.acquire()
    await scene.event()

    assert await asyncio.gather(*viewers) == [1] * 5


async def test_a_journal_that_cannot_be_read_lets_nobody_watch(platform, feed, monkeypatch):
    async def away(_since):
        raise StorageUnavailable

    monkeypatch.setattr(platform.journal, "mark", away)
    with pytest.raises(StorageUnavailable):
        async with feed.watch():
            pass

    assert (feed.viewers, feed.is_watching) == (0, False)
