"""Writing transactions on one SQLite file take turns, over all processes. Floor 3, SQLite alone.

Before 3.51.3 SQLite can, rarely, corrupt a WAL file when two connections write or checkpoint in the same
instant (https://sqlite.org/wal.html#walresetbug). So a writing connection holds a lock of ours from before
its transaction begins until it is over, the checkpoint that its commit may run included: no two are
ever at it at once. It costs two system calls for a group of writes. A process that dies loses its turn
with its file; one that is stopped in its turn lets the others fail as unavailable, after the same time as
SQLite's own lock. Whatever else writes to the file takes no turns: stop the server first.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FIRST_PAUSE, LONGEST_PAUSE = 0.000_2, 0.005
SEVERAL_WRITERS_SAFE = (3, 51, 3)
CAN_TAKE_TURNS = find_spec("fcntl") is not None
"""POSIX systems have the lock."""


class Turns:
    """The lock of one connection; others have theirs, on the same file beside the database."""

    def __init__(self, database: Path, *, seconds: float) -> None:
        """Wait at most *seconds* for a turn at *database*; nothing is locked yet."""
        self._file = os.open(turn_file(database), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._seconds = seconds
        self._is_ours = False

    def take(self) -> None:
        """Begin a turn; it is ours already between ``take`` and ``give_back``.

        Raises:
            sqlite3.OperationalError: Another process had it for too long.
        """
        deadline, pause = time.monotonic() + self._seconds, FIRST_PAUSE
        while not self._is_ours:
            self._is_ours = _try_lock(self._file)
            if self._is_ours:
                return
            if time.monotonic() > deadline:
                message = "database is locked: another process writes for too long"
                raise sqlite3.OperationalError(message)
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def give_back(self) -> None:
        """End a turn. Idempotent."""
        if self._is_ours:
            _unlock(self._file)
            self._is_ours = False

    def close(self) -> None:
        """Let go of the file, and of the turn with it. Idempotent."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._is_ours = False


class TurnTaking(sqlite3.Connection):
    """A connection whose turn ends with its transaction."""

    turns: Turns | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Have a turn for the length of a block, outside of any transaction."""
        if self.turns is not None:
            self.turns.take()
        try:
            yield
        finally:
            self._end()

    def commit(self) -> None:
        """Commit, then let others write."""
        try:
            super().commit()
        finally:
            self._end()

    def rollback(self) -> None:
        """Roll back, then let others write."""
        try:
            super().rollback()
        finally:
            self._end()

    def close(self) -> None:
        """Close, then let others write."""
        try:
            super().close()
        finally:
            if self.turns is not None:
                self.turns.close()

    def _end(self) -> None:
        if self.turns is not None and not self.in_transaction:
            self.turns.give_back()


def taking_turns(database: Path, *, seconds: float) -> Callable[..., TurnTaking]:
    """Return what makes a connection to *database* that takes turns, where the system can."""

    def connect(*arguments: Any, **options: Any) -> TurnTaking:
        connection = TurnTaking(*arguments, **options)
        if CAN_TAKE_TURNS:
            connection.turns = Turns(database, seconds=seconds)
        return connection

    return connect


def turn_file(database: Path) -> Path:
    """Return the file that is locked; it holds nothing and is never deleted."""
    return database.with_name(database.name + ".turn")


def _try_lock(file: int) -> bool:
    import fcntl  # noqa: PLC0415 - POSIX alone has it

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unlock(file: int) -> None:
    import fcntl  # noqa: PLC0415 - POSIX alone has it

    fcntl.flock(file, fcntl.LOCK_UN)
