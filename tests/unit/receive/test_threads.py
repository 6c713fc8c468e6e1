"""Handlers share the threads fairly, and one that never ends keeps only what is its own."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, wait
from typing import Any

import pytest

from smart_api_integrations.receive.threads import HandlerStuck, HandlerThreads, ThreadRun

SECONDS = 20.0


class Gate:
    """Functions that block until the gate is opened, and say that they began."""

    def __init__(self) -> None:
        self._opened = threading.Event()
        self._began = threading.Semaphore(0)

    def pass_through(self) -> bool:
        self._began.release()
        return self._opened.wait(SECONDS)

    def await_one(self) -> None:
        assert self._began.acquire(timeout=SECONDS)

    def began_another(self) -> bool:
        return self._began.acquire(timeout=0.05)

    def open(self) -> None:
        self._opened.set()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()


@pytest.fixture
def threads() -> Iterator[HandlerThreads]:
    with HandlerThreads(4) as threads:
        yield threads


def result(run: ThreadRun) -> Any:
    return run.future.result(SECONDS)


def test_a_function_runs_and_its_result_or_error_comes_back(threads):
    def fail():
        raise SystemExit(3)

    assert result(threads.begin("a", lambda: 7)) == 7
    with pytest.raises(SystemExit):
        result(threads.begin("a", fail))


def test_it_is_an_executor_like_any_other(threads):
    assert threads.submit(divmod, 7, 2).result(SECONDS) == (3, 1)
    assert list(threads.map(str, [1, 2])) == ["1", "2"]


def test_no_more_threads_are_started_than_are_needed(threads):
    names = {result(threads.begin("a", threading.current_thread)) for _ in range(5)}

    assert len(names) == 1
    assert all(thread.daemon for thread in names)


def test_one_handler_leaves_threads_to_the_others(threads, gate):
    blocked = [threads.begin("slow", gate.pass_through) for _ in range(10)]
    for _ in range(threads.share):
        gate.await_one()

    assert result(threads.begin("other", lambda: "ran")) == "ran"
    assert not gate.began_another()
    gate.open()
    assert all(result(run) for run in blocked)


def test_handlers_take_turns(gate):
    order: list[str] = []
    with HandlerThreads(1) as threads:
        first = threads.begin("z", gate.pass_through)
        gate.await_one()
        runs = [threads.begin(owner, functools.partial(order.append, owner)) for owner in "aaab"]
        gate.open()
        wait([run.future for run in (first, *runs)], SECONDS)

    assert order == ["a", "b", "a", "a"]


def test_an_abandoned_run_is_replaced_by_a_new_thread(gate):
    with HandlerThreads(1) as threads:
        blocked = threads.begin("slow", gate.pass_through)
        gate.await_one()
        threads.abandon(blocked)
        threads.abandon(blocked)

        assert result(threads.begin("other", lambda: "ran")) == "ran"


def test_a_handler_whose_runs_never_end_is_not_run_until_one_does(gate):
    with HandlerThreads(4) as threads:
        runs = [threads.begin("slow", gate.pass_through) for _ in range(threads.share)]
        for run in runs:
            gate.await_one()
            threads.abandon(run)

        with pytest.raises(HandlerStuck):
            threads.begin("slow", gate.pass_through)
        assert result(threads.begin("other", lambda: "ran")) == "ran"

        gate.open()
        wait([run.future for run in runs], SECONDS)
        assert result(begin_as_soon_as_possible(threads, "slow", lambda: "again")) == "again"


def begin_as_soon_as_possible(threads: HandlerThreads, owner: str, function: Callable[[], Any]) -> ThreadRun:
    """Begin once a thread that was left behind has noted its end, just after its future's."""
    while True:
        with contextlib.suppress(HandlerStuck):
            return threads.begin(owner, function)


def test_a_run_that_is_abandoned_before_it_began_never_begins(gate):
    ran: list[int] = []
    with HandlerThreads(1) as threads:
        threads.begin("slow", gate.pass_through)
        gate.await_one()
        waiting = threads.begin("other", lambda: ran.append(1))
        threads.abandon(waiting)
        gate.open()
        assert result(threads.begin("last", lambda: "ran")) == "ran"

    assert ran == []
    assert waiting.future.cancelled()


def test_a_run_that_is_over_is_not_abandoned(threads):
    run = threads.begin("a", lambda: 7)
    result(run)

    threads.abandon(run)

    assert result(threads.begin("a", lambda: 8)) == 8


def test_after_a_shutdown_nothing_begins_and_what_waits_is_cancelled(gate):
    threads = HandlerThreads(1)
    threads.begin("slow", gate.pass_through)
    gate.await_one()
    waiting = threads.begin("other", lambda: 7)

    threads.shutdown()

    with pytest.raises(CancelledError):
        result(waiting)
    with pytest.raises(RuntimeError, match="shut down"):
        threads.begin("a", lambda: 7)


def test_the_start_is_told_on_the_thread_before_the_function_runs(threads):
    order: list[str] = []

    result(threads.begin("a", lambda: order.append("ran"), on_start=lambda: order.append("started")))

    assert order == ["started", "ran"]


@pytest.mark.parametrize(("size", "share"), [(1, 1), (2, 1), (4, 3), (16, 12)])
def test_a_handlers_share_is_three_quarters_and_at_least_one(size, share):
    assert HandlerThreads(size).share == share
