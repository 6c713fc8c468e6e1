"""What a process does is said by its roles, and any mix of processes on one database is one server."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.settings import Settings, read_settings
from tests.posting import post_until
from tests.running_server import fresh_postgres, running_server

pytestmark = pytest.mark.slow

HANDLERS = """\
import os
from pathlib import Path
from urllib.parse import urlsplit

from smart_api_integrations.webhooks import webhook_handler


@webhook_handler("github", "pull_request")
def note(event):
    with Path(os.environ["NOTES"]).open("a") as notes:
        notes.write(f"{event.id} {os.getpid()}\\n")
"""


def asked(url: str, path: str, method: str = "GET") -> tuple[int, bytes]:
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=10)) as connection:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read()


def notes_of(path: Path, *, count: int, seconds: float = 30) -> dict[str, int]:
    """Return the process that handled each event, once *count* were."""
    deadline, lines = time.monotonic() + seconds, list[str]()
    while time.monotonic() < deadline:
        lines = path.read_text().splitlines() if path.is_file() else []
        if len(lines) >= count:
            return {line.split()[0]: int(line.split()[1]) for line in lines}
        time.sleep(0.05)  # another process is waited for
    message = f"only {len(lines)} of {count} were handled"
    raise AssertionError(message)


def test_all_roles_are_the_default():
    assert Settings().roles == ("gateway", "worker", "api", "monitor")


def test_an_unknown_role_is_refused():
    with pytest.raises(ConfigurationError, match="roles"):
        read_settings(given={"roles": "gateway,boss"})


def test_a_gateway_alone_shows_no_pages_and_an_api_alone_takes_no_events(tmp_path):
    url = f"sqlite:///{tmp_path}/webhooks.db"
    with running_server(url, folder=tmp_path, options=("--roles", "gateway")) as gateway:
        assert asked(gateway.url, "/readyz")[0] == 200
        assert asked(gateway.url, "/api/events")[0] == 404
        assert asked(gateway.url, "/")[0] == 404
        assert asyncio.run(post_until(gateway.url, lambda posted: bool(posted.acknowledged))).failures == {}
        assert "Dashboard" not in gateway.greeting
    with running_server(url, folder=tmp_path, options=("--roles", "api")) as api:
        assert asked(api.url, "/readyz")[0] == 200
        assert asked(api.url, "/webhooks/github", "POST")[0] == 404
        assert b"evt_" in asked(api.url, "/api/received")[1]


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_what_a_gateway_keeps_is_handled_by_workers_elsewhere(engine, tmp_path, postgres_url):
    """Two gateways, two workers, one database, nobody who leads."""
    (tmp_path / "noting.py").write_text(HANDLERS, "utf-8")
    notes = tmp_path / "notes"
    environ = {"NOTES": str(notes), "WEBHOOKS_HANDLERS": "noting"}

    def start(url, roles):
        return running_server(url, folder=tmp_path, environ=environ, options=("--roles", roles))

    with (
        database(engine, tmp_path, postgres_url) as url,
        start(url, "worker") as one,
        start(url, "worker") as two,
        start(url, "gateway") as left,
        start(url, "gateway,api") as right,
    ):
        posted = [
            asyncio.run(post_until(each.url, lambda posted: len(posted.acknowledged) >= 20))
            for each in (left, right)
        ]
        ids = {event for each in posted for event in each.acknowledged.values()}
        handled = notes_of(notes, count=len(ids))

    assert handled.keys() == ids
    assert set(handled.values()) <= {one.process.pid, two.process.pid}


def database(engine, folder, postgres_url):
    """Return a fresh database of *engine* for the length of a block."""
    from contextlib import nullcontext  # noqa: PLC0415 - of one engine alone

    return fresh_postgres(postgres_url) if engine == "postgres" else nullcontext(f"sqlite:///{folder}/w.db")
