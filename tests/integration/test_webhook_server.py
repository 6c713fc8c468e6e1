"""The third guide's ``webhook_server``: its program, and its ``app`` in somebody else's server."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

import webhook_server
from smart_api_integrations.server.hosted import HostedApplication
from smart_api_integrations.settings import Settings
from tests.asgi_call import call

SECONDS = 60


@pytest.fixture
def start(tmp_path):
    started: list[subprocess.Popen[str]] = []

    def run(*command: str, **environ: str) -> tuple[subprocess.Popen[str], str]:
        """Start a program; return it with what it said up to ``Ready``."""
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                **environ,
            },
        )
        started.append(process)
        killer = threading.Timer(SECONDS, process.kill)
        killer.start()
        said = []
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if line.startswith("Ready"):
                break
        killer.cancel()
        return process, "".join(said)

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def url_in(said: str) -> str:
    found = re.search(r"http://(\S+?):(\d+)", said)
    assert found is not None, said
    return f"http://127.0.0.1:{found[2]}"


def test_the_program_serves_the_dashboard_the_api_and_the_ways_in(start):
    process, said = start("-m", "webhook_server", WEBHOOKS_PORT="0")
    with httpx.Client(base_url=url_in(said)) as client:
        statuses = {
            path: client.get(path).status_code for path in ("/", "/health", "/api/webhooks", "/openapi.json")
        }
        unknown = client.post("/webhooks/nobody", content=b"{}").status_code
    process.send_signal(signal.SIGTERM)

    assert statuses == {"/": 200, "/health": 200, "/api/webhooks": 200, "/openapi.json": 200}
    assert unknown == 404
    assert "whk_" not in said
    assert process.wait(SECONDS) == 0


def test_beyond_loopback_a_key_is_made_told_once_and_needed(start, free_port):
    program = f"from webhook_server import run_server\nrun_server(host='0.0.0.0', port={free_port})"
    _, said = start("-c", program)
    (key,) = re.findall(r"whk_\S+", said)
    with httpx.Client(base_url=url_in(said)) as client:
        without = client.get("/api/stats").status_code
        wrong = client.get("/api/stats", headers={"Authorization": "Bearer whk_wrong"}).status_code
        right = client.get("/api/stats", headers={"Authorization": f"Bearer {key}"}).status_code

    assert (without, wrong, right) == (401, 401, 200)
    assert len(key) > 40


def test_beyond_loopback_a_key_that_is_set_is_the_only_one(start):
    _, said = start(
        "-m", "webhook_server", WEBHOOKS_HOST="::", WEBHOOKS_PORT="0", WEBHOOKS_API_KEYS="whk_mine"
    )
    right = httpx.get(url_in(said) + "/api/stats", headers={"Authorization": "Bearer whk_mine"})

    assert (right.status_code, "whk_" in said) == (200, False)


def test_the_server_runs_in_a_thread_too(start):
    program = (
        "import threading, webhook_server\n"
        "thread = threading.Thread(target=webhook_server.run_server, kwargs={'port': 0})\n"
        "thread.start()\nthread.join()"
    )
    _, said = start("-c", program)

    assert httpx.get(url_in(said) + "/health").status_code == 200


# ------------------------------------------------------------------ the application


class Life:
    """Speaks the lifespan protocol with an application."""

    def __init__(self, app):
        self._asked: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._told: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._running = asyncio.ensure_future(app({"type": "lifespan"}, self._asked.get, self._told.put))

    async def say(self, word):
        await self._asked.put({"type": f"lifespan.{word}"})
        return await self._told.get()


@pytest.fixture
def settings(tmp_path):
    return Settings(database_url=f"sqlite:///{tmp_path / 'webhooks.db'}")


async def test_the_application_lives_by_the_lifespan_protocol(settings):
    app = HostedApplication(settings)
    life = Life(app)
    started = await life.say("startup")
    answer = await call(app, "GET", "/api/webhooks")
    stopped = await life.say("shutdown")

    assert started == {"type": "lifespan.startup.complete"}
    assert (answer.status, answer.json()) == (200, [])
    assert stopped == {"type": "lifespan.shutdown.complete"}


async def test_without_a_lifespan_the_first_requests_open_it_once(settings):
    app = HostedApplication(settings)
    answers = await asyncio.gather(*(call(app, "GET", "/health") for _ in range(5)))
    await app._close()

    assert {answer.status for answer in answers} == {200}


async def test_a_start_that_fails_is_told_to_the_server(tmp_path):
    (tmp_path / "webhooks.db").mkdir()
    app = HostedApplication(Settings(database_url=f"sqlite:///{tmp_path / 'webhooks.db'}"))

    told = await Life(app).say("startup")

    assert told["type"] == "lifespan.startup.failed"
    assert told["message"]


@pytest.mark.parametrize("path", ["/", "/api/webhooks"])
@pytest.mark.parametrize("peer", [("192.0.2.1", 5000), ("testclient", 50000), None])
async def test_without_a_key_a_peer_elsewhere_gets_nothing_whatever_host_it_names(settings, path, peer):
    app = HostedApplication(settings)

    async def from_peer(scope, receive, send):
        await app(scope | {"client": peer}, receive, send)

    refused = await call(from_peer, "GET", path)
    taken = await call(app, "GET", path)
    await app._close()

    assert (refused.status, taken.status) == (403, 200)


def test_app_is_built_when_it_is_asked_for_and_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    webhook_server._app.cache_clear()

    assert webhook_server.app is webhook_server.app
    assert isinstance(webhook_server.app, HostedApplication)
    assert list(Path.cwd().iterdir()) == [], "nothing is opened before it runs"


def test_any_other_name_is_no_attribute():
    with pytest.raises(AttributeError, match="application"):
        _ = webhook_server.application
