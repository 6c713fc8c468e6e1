"""``webhooks events tail``: what is printed, when, and when again."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from smart_api_integrations.cli import event_tail
from smart_api_integrations.cli.event_tail import WATCHED, EventTail
from smart_api_integrations.cli.records import Where


def event(number, state="completed", **values):
    return {
        "id": f"evt_{number}", "received_at": "2026-11-22T14:23:41.118Z", "provider": "github",
        "webhook_name": "default", "event_type": "push", "action": None, "state": state,
    } | values  # fmt: skip


class Server:
    """Lists what it is told, one list a look; the last look never comes."""

    def __init__(self, *looks):
        self.looks = list(looks)
        self.asked = []
        self.over = asyncio.Event()

    async def pages(self, path, query, *, limit):
        self.asked.append((path, query, limit))
        if not self.looks:
            self.over.set()
            await asyncio.Event().wait()
        for each in self.looks.pop(0):
            yield each


@pytest.fixture
def follow(monkeypatch, capsys):
    async def follow(server, *, last=10, once=False, as_json=True, query=None):
        @asynccontextmanager
        async def opened(**_):
            yield server

        monkeypatch.setattr(event_tail, "open_desk", opened)
        monkeypatch.setattr(event_tail, "LOOK_SECONDS", 0)
        tail = EventTail(query or {}, as_json=as_json)
        following = asyncio.ensure_future(tail.follow(Where(), last=last, once=once))
        over = asyncio.ensure_future(server.over.wait())
        await asyncio.wait({following, over}, return_when=asyncio.FIRST_COMPLETED)
        for task in (following, over):
            task.cancel()
        await asyncio.gather(following, over, return_exceptions=True)
        return capsys.readouterr().out.splitlines()

    return follow


def shown(lines):
    return [(json.loads(line)["id"], json.loads(line)["state"]) for line in lines]


async def test_it_begins_with_the_newest_oldest_of_them_first(follow):
    lines = await follow(Server([event(3), event(2), event(1)]), last=2, once=True)

    assert shown(lines) == [("evt_2", "completed"), ("evt_3", "completed")]


async def test_what_comes_is_printed_and_again_when_its_state_changes(follow):
    server = Server(
        [event(1)],
        [event(2, "verified"), event(1)],
        [event(2, "verified"), event(1)],
        [event(3), event(2, "completed"), event(1)],
    )

    lines = await follow(server, last=0)

    assert shown(lines) == [("evt_2", "verified"), ("evt_2", "completed"), ("evt_3", "completed")]


async def test_it_asks_for_what_is_wanted_only(follow):
    server = Server([])

    await follow(server, once=True, query={"provider": "stripe"})

    assert server.asked == [("/api/received", {"provider": "stripe"}, WATCHED)]


async def test_a_line_for_people_says_when_what_and_how_it_stands(follow):
    odd = event(1, "failed", webhook_name="deploys", action="\x1b[31mopened")

    (line,) = await follow(Server([odd]), once=True, as_json=False)

    assert (
        line.split()[1:] == ["failed", "github/deploys", "push.\\x1b[31mopened", "evt_1"]
        or "\x1b" not in line
    )
    assert "github/deploys" in line
    assert line.endswith("evt_1")


def test_it_runs_on_a_database(cli, tmp_path, monkeypatch):
    from smart_api_integrations import Webhooks  # noqa: PLC0415 - needs the server extra
    from smart_api_integrations.testing.signed_webhooks import SignedWebhooks  # noqa: PLC0415 - likewise

    url = f"sqlite:///{tmp_path}/webhooks.db"
    with Webhooks(database_url=url) as webhooks:
        hook = SignedWebhooks().github("push")
        taken = webhooks.platform.gateway.accept_whole(
            hook.request, hook.provider, "default", received=tuple(hook.headers.items())
        )
        assert webhooks.call(taken).status == 200

    ended = cli("events", "tail", "--once", "--json", "--database-url", url)

    assert (ended.code, [each["event_type"] for each in ended.objects]) == (0, ["push"])
