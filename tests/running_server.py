"""A server in a process of its own, as users start it, and the databases that it may have."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ENCRYPTION_KEY = "a key for tests only, of more than sixteen characters"
GITHUB_SECRET = "It's a Secret to Everybody, and long enough"
READY_SECONDS = 60

_URL = re.compile(r"http://\S+?(?=/?\s|/$)")


@dataclass(kw_only=True)
class RunningServer:
    """A server process that has said that it is ready."""

    process: subprocess.Popen[str]
    url: str
    greeting: str

    def kill(self) -> None:
        """Kill it with SIGKILL: nothing of it runs any more when this returns."""
        self.process.kill()
        self.process.wait(timeout=10)

    def stop(self) -> int:
        """Ask it to stop in order and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=40)


def start_server(
    database_url: str,
    *,
    folder: Path,
    environ: Mapping[str, str] | None = None,
    program: tuple[str, ...] = ("-m", "smart_api_integrations.cli"),
    options: tuple[str, ...] = (),
) -> RunningServer:
    """Start ``webhooks serve`` in *folder* on a free port and wait until it is ready."""
    command = [sys.executable, *program, "serve", "--port", "0", "--database-url", database_url, *options]
    with (folder / "server.log").open("a") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("WEBHOOKS_")},
                "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                "GITHUB_WEBHOOK_SECRET": GITHUB_SECRET,
                "WEBHOOKS_ENCRYPTION_KEYS": ENCRYPTION_KEY,
                "WEBHOOKS_ALLOWED_NETWORKS": "127.0.0.0/8",
                **(environ or {}),
            },
        )
    greeting = _first_lines(process, folder)
    found = _URL.search(greeting)
    assert found is not None, greeting
    return RunningServer(process=process, url=found[0], greeting=greeting)


@contextlib.contextmanager
def running_server(database_url: str, *, folder: Path, **options: object) -> Iterator[RunningServer]:
    """Run a server for the length of a block."""
    server = start_server(database_url, folder=folder, **options)  # type: ignore[arg-type]
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()
        if server.process.stdout:
            server.process.stdout.close()


def _first_lines(process: subprocess.Popen[str], folder: Path) -> str:
    assert process.stdout is not None
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        readable, _, _ = select.select([process.stdout], [], [], 0.5)
        line = process.stdout.readline() if readable else ""
        if line.startswith("Ready"):
            return line
        if process.poll() is not None:
            break
    process.kill()
    process.wait(timeout=10)
    process.stdout.close()
    message = f"The server did not become ready:\n{(folder / 'server.log').read_text()[-4000:]}"
    raise AssertionError(message)


@contextlib.contextmanager
def fresh_postgres(url: str) -> Iterator[str]:
    """Make a database for the length of a block and return its URL."""
    import psycopg  # noqa: PLC0415 - only where there is a PostgreSQL

    name = f"webhooks_{uuid.uuid4().hex[:12]}"
    base, _, _ = url.rpartition("/")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    try:
        yield f"{base}/{name}"
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)")
