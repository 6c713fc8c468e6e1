"""Speaking through a connection of somebody else's: which library, which marks for values, which colour."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import pytest

from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.storage.callers_connection import (
    CallersConnection,
    ask,
    ask_async,
    callers_connection,
)


class Cursor:
    """A cursor of the DB-API that knows what it was told."""

    def __init__(self, told: list[Any], rows: list[tuple[Any, ...]] | None) -> None:
        self.told = told
        self.rows = rows
        self.description = None if rows is None else [("a",)]

    def execute(self, statement: str, values: Any = ()) -> None:
        self.told.append((statement, values))

    def fetchall(self) -> Any:
        assert self.rows is not None, "a driver raises here"
        return self.rows


def connection_of(module: str, **attributes: Any) -> Any:
    """Return a connection whose class comes from *module*."""
    kind = type("Connection", (), {"__module__": module, **attributes})
    return kind()


def conversation(heard: list[Any]) -> Generator[tuple[str, dict[str, Any]], Any, None]:
    heard.append((yield "SELECT 1", {}))
    heard.append((yield "INSERT INTO t (b, a) VALUES (:b, :a)", {"a": 1, "b": b"2"}))


@pytest.mark.parametrize("module", ["psycopg2.extensions", "django.db.backends.postgresql.base"])
def test_a_cursor_gets_its_values_in_the_order_of_the_statement(module: str) -> None:
    told: list[Any] = []
    cursors = iter([Cursor(told, [(1,)]), Cursor(told, None)])
    heard: list[Any] = []

    theirs = connection_of(module, cursor=lambda _: next(cursors), vendor="postgresql")
    ask(callers_connection(theirs), conversation(heard), engine="postgresql")

    assert told == [("SELECT 1", ()), ("INSERT INTO t (b, a) VALUES (%s, %s)", (b"2", 1))]
    assert heard == [[(1,)], ()]


def test_sqlite3_is_spoken_to_by_name() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (a, b)")
    heard: list[Any] = []

    ask(callers_connection(connection), conversation(heard), engine="sqlite")

    assert connection.execute("SELECT a, b FROM t").fetchall() == [(1, b"2")]
    assert heard == [[(1,)], ()]
    connection.close()


def test_a_subclass_is_known_by_where_it_comes_from() -> None:
    class Ours(sqlite3.Connection):
        """What a factory makes."""

    connection = sqlite3.connect(":memory:", factory=Ours)

    assert callers_connection(connection).engine == "sqlite"
    connection.close()


def test_an_asynchronous_connection_is_awaited_to_its_rows() -> None:
    told: list[Any] = []

    class Rows(Cursor):
        async def fetchall(self) -> Any:
            return self.rows

    async def execute(_: Any, statement: str, values: Any = ()) -> Rows:
        told.append((statement, values))
        return Rows(told, [(1,)])

    heard: list[Any] = []
    theirs = callers_connection(connection_of("psycopg.connection_async", execute=execute))
    asyncio.run(ask_async(theirs, conversation(heard), engine="postgresql"))

    assert theirs.is_async
    assert [statement for statement, _ in told] == ["SELECT 1", "INSERT INTO t (b, a) VALUES (%s, %s)"]
    assert heard == [[(1,)], [(1,)]]


@pytest.mark.parametrize("given", [None, "sqlite:///shop.db", object(), SimpleNamespace(cursor=None)])
def test_what_is_no_connection_is_refused_by_its_name(given: Any) -> None:
    with pytest.raises(ConfigurationError, match=type(given).__name__):
        callers_connection(given)


def silent(_: str, __: Any) -> Any:
    raise AssertionError


@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        (
            CallersConnection(engine="sqlite", is_async=True, send=silent),
            r"asynchronous: call await publish\.aio",
        ),
        (
            CallersConnection(engine="mysql", is_async=False, send=silent),
            "is of mysql, the journal is in sqlite",
        ),
    ],
)
def test_nothing_is_executed_on_one_that_does_not_fit(theirs: CallersConnection, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        ask(theirs, conversation([]), engine="sqlite")


def test_a_synchronous_one_is_not_awaited() -> None:
    theirs = CallersConnection(engine="sqlite", is_async=False, send=silent)

    with pytest.raises(ConfigurationError, match=r"is synchronous: call publish\(…\)"):
        asyncio.run(ask_async(theirs, conversation([]), engine="sqlite"))
