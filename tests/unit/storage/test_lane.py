"""The lane: groups, one answer each, and nothing that a caller does ends it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, exc, pool, text

from smart_api_integrations.errors import InvalidInput, NotFound, StorageUnavailable
from smart_api_integrations.storage.lane import Failure, Lane


class Book:
    """A table of notes, and a record of how the lane wrote them."""

    def __init__(self, path: Path) -> None:
        self.engine = create_engine(f"sqlite:///{path}/notes.db", poolclass=pool.NullPool)
        self.groups: list[list[Any]] = []
        self.connections = 0
        self.failures: list[Exception] = []
        self.gate = threading.Event()
        self.gate.set()
        with self.engine.begin() as connection:
            connection.execute(text("CREATE TABLE note (word TEXT NOT NULL UNIQUE)"))

    def connect(self) -> Connection:
        self.connections += 1
        if self.failures:
            raise self.failures.pop(0)
        return self.engine.connect()

    def judge(self, error: Exception) -> Failure:
        if isinstance(error, exc.OperationalError):
            return Failure.UNAVAILABLE
        if isinstance(error, TimeoutError):
            return Failure.CONFLICT
        return Failure.DATA if isinstance(error, exc.DBAPIError) else Failure.FAULT

    def write(self, connection: Connection, words: Sequence[Any]) -> list[Any]:
        self.gate.wait(10)
        self.groups.append(list(words))
        for word in words:
            connection.execute(text("INSERT INTO note VALUES (:word)"), {"word": word})
        return [word.upper() for word in words]

    def words(self) -> list[str]:
        with self.engine.connect() as connection:
            return list(connection.scalars(text("SELECT word FROM note ORDER BY word")))

    @asynccontextmanager
    async def lane(self, **options: Any) -> AsyncIterator[Lane]:
        lane = Lane(name="lane", connect=self.connect, judge=self.judge, **options)
        try:
            yield lane
        finally:
            self.gate.set()
            await lane.close()


async def begun_with(lane: Lane) -> None:
    """Let the lane take all that waits: it then stands at the gate."""
    while lane.waiting:  # noqa: ASYNC110 - it is a thread that takes it
        await asyncio.sleep(0)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path)


async def test_what_waits_while_a_group_is_written_is_the_next_group(book: Book) -> None:
    book.gate.clear()
    async with book.lane() as lane:
        first = lane.submit(book.write, "first")
        await begun_with(lane)
        rest = [lane.submit(book.write, f"word {n}") for n in range(20)]
        book.gate.set()

        answers = await asyncio.gather(first, *rest)

    assert answers[:2] == ["FIRST", "WORD 0"]
    assert [len(group) for group in book.groups] == [1, 20]


async def test_only_the_bad_item_of_a_group_fails(book: Book) -> None:
    book.gate.clear()
    async with book.lane() as lane:
        futures = [lane.submit(book.write, word) for word in ("a", "b", None, "c")]
        book.gate.set()

        answers = await asyncio.gather(*futures, return_exceptions=True)

    assert [answers[place] for place in (0, 1, 3)] == ["A", "B", "C"]
    assert isinstance(answers[2], InvalidInput)
    assert book.words() == ["a", "b", "c"]


async def test_a_drivers_exception_and_its_values_stay_inside(book: Book) -> None:
    async with book.lane() as lane:
        await lane.submit(book.write, "secret word")

        with pytest.raises(InvalidInput) as caught:
            await lane.submit(book.write, "secret word")

    assert "secret word" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_an_error_given_as_a_result_fails_its_caller_alone(book: Book) -> None:
    def look(connection: Connection, words: Sequence[str]) -> list[str | NotFound]:
        return [word if word == "there" else NotFound(f"no {word}") for word in words]

    async with book.lane() as lane:
        answers = await asyncio.gather(
            lane.submit(look, "there"), lane.submit(look, "nowhere"), return_exceptions=True
        )

    assert answers[0] == "there"
    assert isinstance(answers[1], NotFound)


async def test_a_lost_connection_fails_the_group_and_is_opened_again(book: Book) -> None:
    def lose(connection: Connection, items: Sequence[str]) -> list[str]:
        raise exc.OperationalError(None, {}, OSError())

    async with book.lane() as lane:
        await lane.submit(book.write, "before")
        with pytest.raises(StorageUnavailable, match="OSError"):
            await lane.submit(lose, "x")
        await lane.submit(book.write, "after")

    assert book.connections == 2
    assert book.words() == ["after", "before"]


async def test_a_store_that_cannot_be_reached_fails_calls_until_it_can(book: Book) -> None:
    book.failures.append(exc.OperationalError("connect", {}, ConnectionRefusedError()))
    async with book.lane() as lane:
        with pytest.raises(StorageUnavailable):
            await lane.submit(book.write, "lost")
        await lane.submit(book.write, "kept")

    assert book.words() == ["kept"]


async def test_a_conflict_is_tried_again_and_not_for_ever(book: Book) -> None:
    tries: list[int] = []

    def conflict(connection: Connection, limits: Sequence[int]) -> list[str]:
        tries.append(1)
        if len(tries) < limits[0]:
            raise TimeoutError
        return ["won"]

    async with book.lane() as lane:
        assert await lane.submit(conflict, 3) == "won"
        tries.clear()
        with pytest.raises(StorageUnavailable):
            await lane.submit(conflict, 100)

    assert len(tries) == 5


async def test_a_fault_of_our_own_is_passed_on_as_it_is(book: Book) -> None:
    def wrong(connection: Connection, items: Sequence[str]) -> list[str]:
        raise KeyError(items[0])

    async with book.lane() as lane:
        with pytest.raises(KeyError, match="mine"):
            await lane.submit(wrong, "mine")
        assert await lane.submit(book.write, "still alive") == "STILL ALIVE"


async def test_a_full_lane_says_so_at_once(book: Book) -> None:
    book.gate.clear()
    async with book.lane(capacity=3) as lane:
        futures = [lane.submit(book.write, "begun")]
        await begun_with(lane)
        futures += [lane.submit(book.write, f"waits {n}") for n in range(3)]

        with pytest.raises(StorageUnavailable, match="wait already"):
            lane.submit(book.write, "one too many")

        book.gate.set()
        await asyncio.gather(*futures)


async def test_what_was_cancelled_before_its_group_is_not_written(book: Book) -> None:
    book.gate.clear()
    async with book.lane() as lane:
        begun = lane.submit(book.write, "begun")
        await begun_with(lane)
        gone, stays = lane.submit(book.write, "gone"), lane.submit(book.write, "stays")
        gone.cancel()
        book.gate.set()
        await asyncio.gather(begun, stays)

    assert book.words() == ["begun", "stays"]


async def test_a_loop_that_is_closed_hurts_nobody_else(book: Book) -> None:
    book.gate.clear()
    async with book.lane() as lane:

        async def submit_and_leave() -> None:
            lane.submit(book.write, "from another loop")

        await asyncio.to_thread(asyncio.run, submit_and_leave())
        mine = lane.submit(book.write, "mine")
        book.gate.set()

        assert await mine == "MINE"

    assert book.words() == ["mine"] or book.words() == ["from another loop", "mine"]


async def test_a_closed_lane_finishes_what_it_has_and_takes_no_more(book: Book) -> None:
    async with book.lane() as lane:
        futures = [lane.submit(book.write, f"{n:02}") for n in range(30)]
        await lane.close()

        with pytest.raises(StorageUnavailable, match="closed"):
            lane.submit(book.write, "late")

        assert len(await asyncio.gather(*futures)) == 30
    assert len(book.words()) == 30
