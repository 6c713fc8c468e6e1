"""Several processes behind one address: started, watched, started again, replaced one by one. Floor 9.

Theory of operation:

1. The parent opens the socket and does nothing else: it takes no request and has no connection to a
   store. Its children share the socket, so what waits to be accepted is lost with none of them.
2. A child that ends unasked is started again, after a wait that doubles with each start that did not
   last, from ``FIRST_WAIT`` to ``LONGEST_WAIT``. What it held is another's after a lease.
3. Where no child was ever ready, nothing is tried again: the settings are wrong, and the child has said why.
4. SIGHUP replaces the children one by one. A new one, which reads code and settings anew, has to be ready
   before the old one is asked to stop. If it does not come up, the rest is left as it is.
5. SIGTERM and SIGINT stop all of them in order; a second one hurries them; after the time that a stop may
   take they are killed, and their leases end.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType

from smart_api_integrations.server import service_manager
from smart_api_integrations.server.child import Child, start

logger = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 0.2, 30.0
LASTED_SECONDS = 30.0
START_SECONDS = 120.0
SPARE_SECONDS = 5.0
TICK_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorRules:
    """What a supervisor is told.

    Attributes:
        command: What a child runs, after the interpreter's name.
        environ: What is added to its environment.
        processes: How many there are.
        shutdown_seconds: How long a stop may take.
        ready: Called once, when all of them answer.
    """

    command: Sequence[str]
    environ: Mapping[str, str]
    processes: int
    shutdown_seconds: float
    ready: Callable[[], None]


@dataclass(slots=True)
class _Place:
    """One of the processes that there should be."""

    child: Child | None = None
    failures: int = 0
    start_at: float = 0.0


class Supervisor:
    """Keeps its processes running until it is told to stop."""

    def __init__(self, listening: socket.socket, rules: SupervisorRules) -> None:
        """Share *listening* among the children; nothing is started yet."""
        self._listening = listening
        self._rules = rules
        self._places = [_Place() for _ in range(rules.processes)]
        self._leaving: list[tuple[Child, float]] = []
        self._rolling: deque[_Place] = deque()
        self._replacement: Child | None = None
        self._was_ready = False
        self._stopping = False
        self._code = 0
        self._heard, self._signals = socket.socketpair()
        self._asked: deque[int] = deque()

    def run(self) -> int:
        """Run until told to stop; return the exit code: 0, or that of a child that never became ready."""
        with self._listening_to_signals(), self._heard, self._signals:
            while not self._is_over:
                while self._asked:
                    self._obey(self._asked.popleft())
                self._watch()
                self._roll()
                self._start_due()
                self._tell_ready()
                self._wait()
        return self._code

    @property
    def _is_over(self) -> bool:
        return self._stopping and not any(place.child for place in self._places) and not self._leaving

    @contextlib.contextmanager
    def _listening_to_signals(self) -> Iterator[None]:
        def note(number: int, _: FrameType | None) -> None:
            self._asked.append(number)

        for end in (self._heard, self._signals):
            end.settimeout(0)
        before = {
            number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        }
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        waker = signal.set_wakeup_fd(self._signals.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(waker)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _obey(self, number: int) -> None:
        if number == signal.SIGHUP:
            self._begin_rolling()
        else:
            self._stop()

    def _begin_rolling(self) -> None:
        if self._stopping or self._rolling:
            return
        logger.info("The processes are replaced one by one", extra={"action": "roll"})
        service_manager.notify(*service_manager.reloading())
        self._rolling.extend(self._places)

    def _stop(self) -> None:
        if not self._stopping:
            service_manager.notify(service_manager.STOPPING)
        self._stopping = True
        self._rolling.clear()
        for child in (*(place.child for place in self._places), self._replacement):
            if child is not None:
                self._leave(child)
        for place in self._places:
            place.child = None
        self._replacement = None
        for child, _ in self._leaving:
            child.stop()

    def _leave(self, child: Child) -> None:
        deadline = time.monotonic() + self._rules.shutdown_seconds + SPARE_SECONDS
        self._leaving.append((child, deadline))

    def _watch(self) -> None:
        """Take note of who ended, and end who should have."""
        for place in self._places:
            if place.child is not None and place.child.code is not None:
                self._ended(place, place.child)
        for child, deadline in tuple(self._leaving):
            if child.code is not None:
                child.close()
                self._leaving.remove((child, deadline))
            elif time.monotonic() > deadline:
                child.kill()

    def _ended(self, place: _Place, child: Child) -> None:
        place.child = None
        child.close()
        code = child.code or 0
        if not self._was_ready:
            self._code = self._code or code or 1
            self._stop()
            return
        place.failures = 0 if child.age > LASTED_SECONDS else place.failures + 1
        wait = 0.0 if not place.failures else min(FIRST_WAIT * 2 ** (place.failures - 1), LONGEST_WAIT)
        place.start_at = time.monotonic() + wait
        logger.error(
            "A process ended and is started again",
            extra={
                "action": "restart",
                "pid": child.process.pid,
                "exit_code": code,
                "wait_seconds": wait,
            },
        )

    def _start_due(self) -> None:
        if self._stopping:
            return
        for place in self._places:
            if place.child is None and time.monotonic() >= place.start_at:
                place.child = self._started()

    def _started(self) -> Child:
        return start(self._rules.command, listening=self._listening, environ=self._rules.environ)

    def _roll(self) -> None:
        """Replace the next one, once the one before is replaced."""
        if not self._rolling:
            return
        fresh = self._replacement
        if fresh is None:
            self._replacement = self._started()
        elif fresh.is_ready:
            self._replace(self._rolling.popleft(), fresh)
        elif fresh.code is not None or fresh.age > START_SECONDS:
            self._give_up_rolling(fresh)

    def _replace(self, place: _Place, fresh: Child) -> None:
        old, place.child, place.failures = place.child, fresh, 0
        self._replacement = None
        if old is not None:
            self._leave(old)
            old.stop()
        if not self._rolling:
            logger.info("Every process is replaced", extra={"action": "roll"})
            service_manager.notify(service_manager.READY)

    def _give_up_rolling(self, fresh: Child) -> None:
        logger.error(
            "A new process did not become ready: the old ones go on",
            extra={"action": "roll", "pid": fresh.process.pid, "exit_code": fresh.code},
        )
        if fresh.code is None:
            fresh.kill()
        self._leave(fresh)
        self._replacement = None
        self._rolling.clear()
        service_manager.notify(service_manager.READY)

    def _tell_ready(self) -> None:
        if self._was_ready or not all(place.child and place.child.is_ready for place in self._places):
            return
        self._was_ready = True
        service_manager.notify(service_manager.READY)
        self._rules.ready()

    def _wait(self) -> None:
        """Wait for a signal, a word of a child, or the clock."""
        living = [place.child for place in self._places if place.child is not None]
        living += [self._replacement] if self._replacement is not None else []
        with selectors.DefaultSelector() as selector:
            selector.register(self._heard, selectors.EVENT_READ)
            for child in living:
                if not child.is_ready:
                    selector.register(child.tether, selectors.EVENT_READ, child)
            for key, _ in selector.select(self._seconds_to_wait()):
                if isinstance(key.data, Child):
                    key.data.hear()
                else:
                    self._heard.recv(4096)

    def _seconds_to_wait(self) -> float:
        now = time.monotonic()
        due = [place.start_at - now for place in self._places if place.child is None]
        return max(0.0, min([TICK_SECONDS, *due]))
