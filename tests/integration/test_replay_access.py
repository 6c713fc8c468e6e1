"""Who may replay: by role over the API, and from the command line against a server."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from smart_api_integrations.application.access import NewKey
from smart_api_integrations.core.access import Role
from smart_api_integrations.server.application import create_app
from tests.asgi_call import call
from tests.journal_scenes import Scene, open_platform
from tests.running_server import running_server

DEAD = {"kind": "handling"}
MADE = "/api/replays"


async def ingest(scope, receive, send):
    raise AssertionError


@pytest.fixture
async def platform(tmp_path):
    async with open_platform(tmp_path) as opened:
        scene = Scene(platform=opened)
        await scene.event("shop.on_push")
        for one in await scene.claims():
            await scene.die(one)
        yield opened


@pytest.fixture
def app(platform):
    return create_app(platform, ingest=ingest)


@pytest.fixture
async def headers(platform):
    made = {role: await platform.access.create_key(NewKey(name=role, role=role)) for role in Role}
    return {role: {"authorization": f"Bearer {key.value}"} for role, key in made.items()}


async def test_a_viewer_sees_jobs_and_makes_none(app, platform, headers):
    job = (await call(app, "POST", MADE, json_body=DEAD, headers=headers[Role.OPERATOR])).json()
    (event,) = await platform.journal.events.summaries()
    (dead,) = await platform.journal.work.dead_letters()
    viewer = headers[Role.VIEWER]

    for path in (MADE, f"{MADE}/{job['id']}", f"{MADE}/{job['id']}/items"):
        assert (await call(app, "GET", path, headers=viewer)).status == 200, path
    for path in (
        MADE,
        f"{MADE}/{job['id']}/pause",
        f"{MADE}/{job['id']}/resume",
        f"{MADE}/{job['id']}/cancel",
        f"/api/received/{event.id}/replay",
        f"/api/deliveries/{dead.id}/resend",
    ):
        refused = await call(app, "POST", path, json_body=DEAD, headers=viewer)
        assert (refused.status, refused.json()["code"]) == (403, "scope_missing"), path
    assert [each.id for each in await platform.replays.jobs()] == [job["id"]]


async def test_a_job_says_whose_key_made_it(app, headers):
    for role in (Role.OPERATOR, Role.ADMIN):
        job = (await call(app, "POST", MADE, json_body=DEAD, headers=headers[role])).json()
        assert job["created_by"] == role


async def test_nobody_replays_without_a_key(app, headers):
    assert (await call(app, "POST", MADE, json_body=DEAD)).status == 401


def fill(folder: Path) -> None:
    async def story() -> None:
        async with open_platform(folder) as platform:
            scene = Scene(platform=platform)
            await scene.event("shop.on_push")
            for one in await scene.claims():
                await scene.die(one)

    asyncio.run(story())


def asked(url: str, *words: str) -> Any:
    """Run one command against a server and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "smart_api_integrations.cli", "replays", *words, "--url", url, "--json"],
        env=os.environ | {"WEBHOOKS_API_KEYS": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_the_command_line_starts_a_job_that_the_server_runs(tmp_path):
    fill(tmp_path)
    database = f"sqlite:///{tmp_path}/webhooks.db"

    with running_server(database, folder=tmp_path) as server:
        counted = asked(server.url, "create", "--kind", "handling", "--dry-run")
        job = asked(server.url, "create", "--kind", "handling", "--yes", "--note", "from afar")
        shown = asked(server.url, "show", job["id"], "--wait")

    assert counted["total"] == job["total"] == 1
    assert (shown["state"], shown["done"], shown["note"]) == ("completed", 1, "from afar")
    assert sum(shown["outcomes"].values()) == 1
