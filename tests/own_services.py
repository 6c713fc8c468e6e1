"""Servers that a test may kill: a Redis and a PostgreSQL of its own, on free ports, in its own folder."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

START_SECONDS = 30.0
POSTGRES_USER = "postgres"


def free_port() -> int:
    """Return a port that nobody listens at now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def answers(port: int) -> bool:
    """Tell whether somebody listens at *port*."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_until(what: Callable[[], bool], *, seconds: float = START_SECONDS) -> None:
    """Wait for another process.

    Raises:
        TimeoutError: It did not happen in time.
    """
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.02)


@dataclass(slots=True, kw_only=True)
class OwnService:
    """A server process that can be killed, stopped like a machine that hangs, and started again."""

    command: Sequence[str]
    port: int
    folder: Path
    is_up: Callable[[], bool]
    user: str | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self.folder / "service.log").open("ab") as log:
            self.process = subprocess.Popen(
                list(self.command), stdout=log, stderr=log, user=self.user, process_group=0, cwd=self.folder
            )
        wait_until(self.is_up)

    def send(self, number: int) -> None:
        """Send a signal to it."""
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, number)

    def stop(self, number: int = signal.SIGKILL) -> None:
        """End it by a signal, and wait until it is gone. Idempotent."""
        if self.process is not None:
            self.send(number)
            self.process.wait(timeout=START_SECONDS)
            self.process = None


@contextlib.contextmanager
def own_redis(folder: Path) -> Iterator[OwnService]:
    """Run a Redis for the length of a block."""
    home = folder / "redis"
    home.mkdir()
    port = free_port()
    program = shutil.which("redis-server") or "redis-server"
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(home)]
    service = OwnService(command=command, port=port, folder=home, is_up=lambda: answers(port))
    service.start()
    try:
        yield service
    finally:
        service.send(signal.SIGCONT)
        service.stop()


def postgres_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest version's; None where there are none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextlib.contextmanager
def own_postgres(folder: Path) -> Iterator[OwnService]:
    """Run a PostgreSQL cluster for the length of a block; its log is ``service.log``."""
    programs = postgres_programs()
    assert programs is not None
    home = folder / "postgres"
    home.mkdir()
    user = None
    if os.geteuid() == 0:  # PostgreSQL does not run as root
        user = POSTGRES_USER
        shutil.chown(home, user)
        _let_in(home)
    subprocess.run(
        [str(programs / "initdb"), "-D", str(home / "data"), "-U", "postgres", "-A", "trust", "--no-sync"],
        check=True,
        capture_output=True,
        user=user,
        cwd=home,
    )
    port = free_port()
    options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": 100}
    command = [str(programs / "postgres"), "-D", str(home / "data"), "-p", str(port)]
    command += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    ready = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    service = OwnService(
        command=command,
        port=port,
        folder=home,
        is_up=lambda: subprocess.run(ready, check=False).returncode == 0,
        user=user,
    )
    service.start()
    try:
        yield service
    finally:
        service.stop(signal.SIGQUIT)


def _let_in(folder: Path) -> None:
    """Let other users reach *folder* through the folders above it, those of this test run."""
    for parent in folder.parents:
        if parent.stat().st_uid != os.geteuid() or parent.parent == parent:
            break
        if not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
