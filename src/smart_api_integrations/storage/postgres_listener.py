"""One thread that hears from PostgreSQL when work is due, and what time it is there. Floor 3.

It holds a connection of its own. A connection that is lost is opened again, and since something may
have been said meanwhile, everybody is woken once.
"""

from __future__ import annotations

import logging
import select
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

logger = logging.getLogger(__name__)

CHANNEL = "smart_api_integrations_due"
MEASURE_EVERY_SECONDS = 60.0
RECONNECT_AFTER_SECONDS = 1.0
FIRST_TRY_SECONDS = 10.0


class Listener:
    """Calls ``wake`` for every notification, and keeps a clock that the database sets."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        """Take what opens a connection in autocommit."""
        self._connect = connect
        self._zero: datetime | None = None
        self._wake: Callable[[], None] | None = None
        self._thread: threading.Thread | None = None
        self._tried = threading.Event()
        self._stopped: socket.socket
        self._stop: socket.socket

    def now(self) -> datetime:
        """Return the database's time, from a local clock that runs evenly."""
        zero = self._zero or self.measure_clock()
        return zero + timedelta(seconds=time.monotonic())

    def measure_clock(self) -> datetime:
        """Set the local clock by the database's; return its zero."""
        with self._connect() as connection:
            return self._measure(connection)

    def _measure(self, connection: psycopg.Connection[Any]) -> datetime:
        """Read the database's clock; half of the way there and back is the error."""
        sent = time.monotonic()
        (there,) = connection.execute("SELECT clock_timestamp()").fetchall()[0]
        arrived = time.monotonic()
        zero: datetime = there.astimezone(UTC) - timedelta(seconds=(sent + arrived) / 2)
        self._zero = zero
        return zero

    def wake(self) -> None:
        """Pass on that work is due."""
        if self._wake is not None:
            self._wake()

    def start(self, wake: Callable[[], None]) -> None:
        """Listen in a thread of its own; return once it does, or cannot for now."""
        self._wake = wake
        self._stopped, self._stop = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="journal-listener", daemon=True)
        self._tried.clear()
        self._thread.start()
        self._tried.wait(FIRST_TRY_SECONDS)

    def stop(self) -> None:
        """End the thread. Idempotent."""
        self._wake = None
        if self._thread is not None:
            self._stop.send(b"x")
            self._thread.join()
            self._thread = None
            self._stop.close()
            self._stopped.close()

    def _serve(self) -> None:
        again = False
        while True:
            try:
                with self._connect() as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._tried.set()
                    if again:
                        self.wake()
                    if self._hear(connection):
                        return
            except psycopg.Error as error:
                logger.warning(
                    "the listening connection is lost; opening it again",
                    extra={"action": "postgres.listener_lost", "error": type(error).__name__},
                )
            self._tried.set()
            again = True
            if self._stops_within(RECONNECT_AFTER_SECONDS):
                return

    def _hear(self, connection: psycopg.Connection[Any]) -> bool:
        """Wake for every notification; return True when it is time to stop."""
        while True:
            waits = [connection.fileno(), self._stopped.fileno()]
            ready, _, _ = select.select(waits, [], [], MEASURE_EVERY_SECONDS)
            if self._stopped.fileno() in ready:
                return True
            if not ready:
                self._measure(connection)
            elif any(True for _ in connection.notifies(timeout=0)):
                self.wake()

    def _stops_within(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._stopped], [], [], seconds)
        return bool(ready)
