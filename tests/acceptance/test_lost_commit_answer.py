"""A commit whose answer never came: the sender is told 503, sends again, and the event is handled.

The handling was leased to the server in the commit that it never heard of, so nobody runs it and nobody
else may. Its lease must end although that server lives, works, and renews the leases of what it does hold.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.conftest import POSTGRES_URL
from tests.github_requests import SECRET, signed_headers
from tests.running_server import RunningServer, fresh_postgres, running_server

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

LEASE_SECONDS = 2
VICTIM = "delivery-whose-commit-is-not-heard-of"
HANDLERS = """
import asyncio
from smart_api_integrations.webhooks import webhook_handler

@webhook_handler("github", "push")
def handled(event):
    return None

@webhook_handler("github", "ping")
async def slow(event):
    await asyncio.sleep(3)
"""


class Cutter:
    """Stands between a server and PostgreSQL; cuts a connection instead of passing on one commit's answer.

    That commit is the first after the bytes of `mark` went by on the same connection.
    """

    def __init__(self, port: int, mark: bytes) -> None:
        self._port = port
        self._mark = mark
        self._sockets = [socket.create_server(("127.0.0.1", 0))]
        self._threads = [threading.Thread(target=self._serve)]
        self.port: int = self._sockets[0].getsockname()[1]
        self.done = threading.Event()
        self._threads[0].start()

    def close(self) -> None:
        self._hang_up(self._sockets[0])
        self._threads[0].join()
        self._hang_up(*self._sockets)
        for thread in self._threads:
            thread.join()
        for end in self._sockets:
            end.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._sockets[0].accept()
                far = socket.create_connection(("127.0.0.1", self._port))
                self._sockets += [near, far]
                marked = threading.Event()
                for way in (self._ask, self._answer):
                    self._threads.append(threading.Thread(target=way, args=(near, far, marked)))
                    self._threads[-1].start()

    def _ask(self, server: socket.socket, database: socket.socket, marked: threading.Event) -> None:
        with suppress(OSError):
            while piece := server.recv(65536):
                if self._mark in piece:
                    marked.set()
                database.sendall(piece)
        self._hang_up(server, database)

    def _answer(self, server: socket.socket, database: socket.socket, marked: threading.Event) -> None:
        with suppress(OSError):
            while piece := database.recv(65536):
                # CommandComplete, which only the database sends: what it says is done and on disk.
                if b"C\x00\x00\x00\x0bCOMMIT\x00" in piece and marked.is_set() and not self.done.is_set():
                    self.done.set()
                    break
                server.sendall(piece)
        self._hang_up(server, database)

    @staticmethod
    def _hang_up(*ends: socket.socket) -> None:
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def cutter(port: int, mark: str) -> Iterator[Cutter]:
    made = Cutter(port, mark.encode())
    try:
        yield made
    finally:
        made.close()


def post(server: RunningServer, delivery: str, event: str = "push") -> int:
    body = b'{"delivery":"%s"}' % delivery.encode()
    with closing(http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)) as connection:
        connection.request(
            "POST", "/webhooks/github", body, signed_headers(body, event=event, delivery=delivery)
        )
        return connection.getresponse().status


def state_of(url: str, delivery: str) -> Any:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "select work.state from work join events on events.id = work.subject_id"
            " where events.event_id = %s",
            (delivery,),
        ).fetchone()
    return found and found[0]


def waits_for(condition: Callable[[], bool], *, seconds: float) -> bool:
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while time.monotonic() < deadline:
        if condition():
            return True
        pause.wait(0.2)
    return False


def test_an_event_whose_commit_was_not_heard_of_is_handled_by_a_busy_server(tmp_path: Path) -> None:
    (tmp_path / "hooks.py").write_text(HANDLERS)
    with (
        fresh_postgres(POSTGRES_URL) as url,
        cutter(urlsplit(url).port or 5432, VICTIM) as cut,
    ):
        host, _, name = url.rpartition("/")
        through = f"{host.rpartition(':')[0]}:{cut.port}/{name}"
        settings = {"WEBHOOKS_LEASE_SECONDS": str(LEASE_SECONDS), "GITHUB_WEBHOOK_SECRET": SECRET}
        with running_server(
            through, folder=tmp_path, environ=settings, options=("--handlers", "hooks")
        ) as server:
            assert post(server, VICTIM) == 503
            assert cut.done.is_set()
            assert state_of(url, VICTIM) is not None  # kept, though the server could not know it
            assert waits_for(lambda: post(server, VICTIM) == 200, seconds=10)  # a repeat of what is kept

            def handled() -> bool:
                post(server, f"busy-{time.monotonic_ns()}", event="ping")
                return bool(state_of(url, VICTIM) == "completed")

            assert waits_for(handled, seconds=LEASE_SECONDS + 8)
