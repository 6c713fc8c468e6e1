"""A set in memory: read once, looked at again after a second, and kept while the store is away."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.storage import versioned
from smart_api_integrations.storage.versioned import Snapshot


class Shelf:
    """A store of words that counts how often it is asked."""

    def __init__(self, *words: str) -> None:
        self.words = list(words)
        self.mark = 0
        self.is_away = False
        self.looks = 0
        self.reads = 0

    def change(self, *words: str) -> None:
        self.words = list(words)
        self.mark += 1

    async def version(self) -> str:
        if self.is_away:
            raise StorageUnavailable
        self.looks += 1
        return str(self.mark)

    async def all(self) -> Sequence[str]:
        self.reads += 1
        return list(self.words)

    async def get(self, key: str) -> str | None:
        raise NotImplementedError

    async def put(self, record: str) -> None:
        raise NotImplementedError

    async def remove(self, key: str) -> None:
        raise NotImplementedError


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


def joined(words: Sequence[str]) -> str:
    return " ".join(words)


async def test_it_is_empty_before_it_is_read(clock: Clock) -> None:
    snapshot = Snapshot(Shelf("a", "b"), joined, clock=clock)

    assert snapshot.view == ""
    assert await snapshot.current() == "a b"
    assert snapshot.view == "a b"


async def test_within_a_second_nobody_is_asked(clock: Clock) -> None:
    shelf = Shelf("a")
    snapshot = Snapshot(shelf, joined, clock=clock)

    for _ in range(5):
        await snapshot.current()
        clock.time += 0.19

    assert (shelf.looks, shelf.reads) == (1, 1)


async def test_after_a_second_it_is_read_again_only_where_it_changed(clock: Clock) -> None:
    shelf = Shelf("a")
    snapshot = Snapshot(shelf, joined, clock=clock)
    await snapshot.current()
    clock.time += 1
    await snapshot.current()
    shelf.change("b")
    clock.time += 1

    assert await snapshot.current() == "b"
    assert (shelf.looks, shelf.reads) == (3, 2)


async def test_a_change_that_was_made_here_is_seen_at_once(clock: Clock) -> None:
    shelf = Shelf("a")
    snapshot = Snapshot(shelf, joined, clock=clock)
    await snapshot.current()
    shelf.change("b")

    assert await snapshot.current() == "a"
    snapshot.forget()
    assert await snapshot.current() == "b"


async def test_while_the_store_is_away_it_stays_as_it_was(clock: Clock) -> None:
    shelf = Shelf("a")
    snapshot = Snapshot(shelf, joined, clock=clock)
    shelf.is_away = True
    with pytest.raises(StorageUnavailable):
        await snapshot.current()
    shelf.is_away = False
    await snapshot.current()
    shelf.change("b")
    shelf.is_away = True
    clock.time += 5

    assert await snapshot.current() == "a"


async def test_it_is_kept_fresh_for_those_who_only_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versioned, "FRESH_SECONDS", 0.0)
    shelf = Shelf("a")
    snapshot = Snapshot(shelf, joined)
    keeping = asyncio.create_task(snapshot.keep_fresh())
    async with asyncio.timeout(20):
        while snapshot.view != "a":  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0)
        shelf.is_away = True
        await asyncio.sleep(0)
        shelf.is_away = False
        shelf.change("b")
        while snapshot.view != "b":  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
