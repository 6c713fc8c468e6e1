"""The stream of changes over HTTP: who may read it, what it says, how it ends and goes on."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from smart_api_integrations.dashboard.pages.live import told
from smart_api_integrations.server.application import create_app
from tests.asgi_call import call
from tests.journal_scenes import Scene, open_platform, rejected


async def no_way_in(scope, receive, send):
    raise AssertionError


@pytest.fixture
async def platform(tmp_path):
    async with open_platform(tmp_path) as opened:
        yield opened


@pytest.fixture
def app(platform):
    return create_app(platform, ingest=no_way_in)


@dataclass
class Stream:
    """One open stream, as a browser reads it."""

    app: Any
    path: str = "/live/stream"
    headers: tuple = ()
    start: asyncio.Future = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    pieces: asyncio.Queue = field(default_factory=asyncio.Queue)

    async def __aenter__(self):
        path, _, query = self.path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(b"host", b"127.0.0.1"), *self.headers],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        self.left = asyncio.Event()
        self.task = asyncio.create_task(self.app(scope, self.receive, self.send))
        return self

    async def __aexit__(self, *_):
        self.left.set()
        await self.task

    async def receive(self):
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.start.set_result(message)
        else:
            await self.pieces.put(message["body"])

    async def next(self):
        async with asyncio.timeout(20):
            lines = (await self.pieces.get()).decode().strip().split("\n")
        return dict(line.split(": ", 1) for line in lines)


async def test_a_stream_begins_with_where_the_journal_stands_and_tells_what_comes(app, platform):
    async with Stream(app) as stream:
        first = await stream.next()
        await Scene(platform=platform).event()
        await platform.journal.events.log_rejections([rejected()])
        later = json.loads((await stream.next())["data"])
        if not later["rejected"]:
            later["rejected"] = json.loads((await stream.next())["data"])["rejected"]
        headers = dict((await stream.start)["headers"])

    assert first["event"] == "change"
    assert not any(json.loads(first["data"])[name] for name in ("received", "rejected", "unknown"))
    assert (later["received"], later["rejected"]) == (1, 1)
    assert headers[b"content-type"].startswith(b"text/event-stream")
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"content-security-policy"]


@pytest.mark.parametrize("way", ["header", "query"])
async def test_it_goes_on_where_it_was_cut(app, platform, way):
    async with Stream(app) as stream:
        token = (await stream.next())["id"]
    await Scene(platform=platform).event()
    headers = ((b"last-event-id", token.encode()),) if way == "header" else ()
    path = "/live/stream" if way == "header" else f"/live/stream?after={token}"

    async with Stream(app, path, headers) as again:
        assert json.loads((await again.next())["data"])["received"] == 1


async def test_a_page_carries_the_mark_from_before_it_was_read(app, platform):
    page = (await call(app, "GET", "/events")).text
    token = page.partition('data-mark="')[2].partition('"')[0]
    await Scene(platform=platform).event()

    async with Stream(app, f"/live/stream?after={token}") as stream:
        assert json.loads((await stream.next())["data"])["received"] == 1


async def test_a_stream_ends_by_itself_to_be_asked_for_anew(platform):
    changes = [change async for change in told(platform.live, "", life_seconds=0.01)]

    assert len(changes) == 1
    assert platform.live.viewers == 0


async def test_too_many_are_told_to_come_later(app, platform, monkeypatch):
    monkeypatch.setattr(platform.live, "_most_viewers", 1)
    async with Stream(app) as stream:
        await stream.next()

        answer = await call(app, "GET", "/live/stream")

        assert (answer.status, answer.headers["retry-after"]) == (503, "30")


async def test_who_leaves_is_forgotten(app, platform):
    async with Stream(app) as stream:
        await stream.next()
        assert platform.live.viewers == 1
    assert platform.live.viewers == 0
    assert not platform.live.is_watching


async def test_it_needs_what_pages_need(tmp_path):
    async with open_platform(tmp_path, api_keys="whk_" + "k" * 40) as platform:
        answer = await call(create_app(platform, ingest=no_way_in), "GET", "/live/stream")

        assert answer.status in {401, 303}


async def test_a_fragment_is_the_page_without_its_frame(app, platform):
    await Scene(platform=platform).event()
    for path in ("/", "/events", "/endpoints", "/dead-letters"):
        answer = await call(app, "GET", path, headers={"x-fragment": "main"})

        assert answer.text.lstrip().startswith("<main"), path
        assert "</main>" in answer.text
        assert '<nav class="rail"' not in answer.text
        assert "</html>" not in answer.text
