"""The threads that plain handlers run on, shared fairly between handlers. Floor 4.

A thread cannot be stopped from outside, so a handler that blocks for ever keeps its thread for ever. Rules
so that it starves nobody:

1. Handlers take turns: of those that wait, each gets the next free thread in its turn, however much
   another has queued.
2. One handler has at most three quarters of the threads at a time; the rest is for the others.
3. A run that is *abandoned* (its time limit passed, nobody waits for it any more) no longer counts: a new
   thread takes its thread's place, and the old one ends as soon as its function returns.
4. A handler of which that many runs are abandoned and still hold their threads is not run until one of
   them ends, so that the number of threads stays bounded.

All threads are daemons: a blocked handler does not keep the process from ending.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager, nullcontext
from typing import Any

logger = logging.getLogger(__name__)


Around = Callable[[], AbstractContextManager[Any]]
"""What a host application wants around plain handlers: its context, connections that work."""


class HandlerStuck(Exception):
    """Earlier runs of the handler never ended and still hold their threads."""


class ThreadRun:
    """One function on its way through the threads.

    Attributes:
        owner: Whose turn and share it counts for: the handler's name.
        around: Entered around the function.
        future: What comes of it.
    """

    __slots__ = ("_function", "_on_start", "abandoned", "around", "ended", "future", "owner", "started")

    def __init__(self, owner: str, function: Callable[[], Any], on_start: Callable[[], None] | None) -> None:
        """Wait for a thread; *on_start* is called on it just before *function*."""
        self.owner = owner
        self.future: Future[Any] = Future()
        self.started = self.ended = self.abandoned = False
        self.around: Around = nullcontext
        self._function = function
        self._on_start = on_start

    def run(self) -> None:
        """Call the function, here; nothing that it raises comes out."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            if self._on_start is not None:
                self._on_start()
            with self.around():
                result = self._function()
        except BaseException as error:  # noqa: BLE001 - also sys.exit() in a handler is its outcome
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class HandlerThreads(Executor):
    """At most *size* threads that anybody waits for; started when they are needed."""

    def __init__(self, size: int, *, around: Around = nullcontext) -> None:
        """Have *size* threads, and enter *around* around every run."""
        self._size = size
        self._around = around
        self.share = max(1, size - max(1, size // 4))
        self._changed = threading.Condition()
        self._queues: dict[str, deque[ThreadRun]] = {}  # in the order of their turns
        self._running: Counter[str] = Counter()
        self._stuck: Counter[str] = Counter()
        self._threads = 0
        self._idle = 0
        self._closed = False

    def begin(
        self, owner: str, function: Callable[[], Any], *, on_start: Callable[[], None] | None = None
    ) -> ThreadRun:
        """Run *function* on a thread as soon as it is *owner*'s turn; return at once.

        Raises:
            HandlerStuck: Too many of *owner*'s runs are abandoned and still hold their threads.
            RuntimeError: The threads were shut down.
        """
        run = ThreadRun(owner, function, on_start)
        run.around = self._around
        with self._changed:
            if self._closed:
                message = "The threads for handlers were shut down."
                raise RuntimeError(message)
            if self._stuck[owner] >= self.share:
                raise HandlerStuck
            self._queues.setdefault(owner, deque()).append(run)
            self._call_a_thread()
        return run

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run ``fn(*args, **kwargs)`` as an executor does; all such runs are one owner's."""
        return self.begin("", lambda: fn(*args, **kwargs)).future

    def abandon(self, run: ThreadRun) -> None:
        """Wait for *run* no more: it is not begun, or its thread is replaced by another. Idempotent."""
        run.future.cancel()
        with self._changed:
            if not run.started or run.ended or run.abandoned:
                return
            run.abandoned = True
            self._threads -= 1
            self._running[run.owner] -= 1
            self._stuck[run.owner] += 1
            self._call_a_thread()
        logger.warning(
            "A handler's thread is left behind: it still runs after its time limit",
            extra={"action": "abandon_thread", "handler": run.owner},
        )

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002 - Executor's signature
        """Begin nothing more, and forget what waits; nothing that runs is waited for."""
        with self._changed:
            self._closed = True
            waiting = [run for queue in self._queues.values() for run in queue]
            self._queues.clear()
            self._changed.notify_all()
        for run in waiting:
            run.future.cancel()

    def _call_a_thread(self) -> None:
        """Wake or start a thread for what can run now; under the lock."""
        waiting = sum(len(queue) for queue in self._queues.values())
        if waiting > self._idle and self._threads < self._size:
            self._threads += 1
            threading.Thread(target=self._work, name="webhooks-handler", daemon=True).start()
        else:
            self._changed.notify()

    def _work(self) -> None:
        while (run := self._next()) is not None:
            run.run()
            if not self._ended(run):
                return

    def _next(self) -> ThreadRun | None:
        """Return what this thread runs next, waiting for it; None where there is nothing more to come."""
        with self._changed:
            while (run := self._take()) is None:
                if self._closed:
                    self._threads -= 1
                    return None
                self._idle += 1
                self._changed.wait()
                self._idle -= 1
            return run

    def _take(self) -> ThreadRun | None:
        for owner, queue in self._queues.items():
            if self._running[owner] < self.share:
                run = queue.popleft()
                del self._queues[owner]
                if queue:
                    self._queues[owner] = queue  # the last in turn now
                run.started = True
                self._running[owner] += 1
                return run
        return None

    def _ended(self, run: ThreadRun) -> bool:
        """Note that *run* is over; return whether its thread goes on."""
        with self._changed:
            run.ended = True
            counted = self._stuck if run.abandoned else self._running
            counted[run.owner] -= 1
            if not counted[run.owner]:
                del counted[run.owner]
            return not run.abandoned
