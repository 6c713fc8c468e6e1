"""The connection that an application has open already, of whatever library. Floor 3.

Known are SQLAlchemy's connections and sessions (synchronous and asynchronous), Django's connections, and
connections of the DB-API (``sqlite3``, ``psycopg``, synchronous and asynchronous). None is imported for it:
they are told apart by where their classes come from. Statements are executed and nothing else: whether it is
committed or rolled back is the caller's.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.storage.outbox import Asking

Rows = Sequence[Sequence[Any]]

_NAMED = re.compile(r"(?<!:):([a-z]+)")
_ENGINES = {"sqlite": "sqlite", "postgresql": "postgresql"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallersConnection:
    """A caller's connection, and how to speak through it.

    Attributes:
        engine: ``sqlite`` or ``postgresql``; None where the library does not say.
        is_async: Whether its statements are awaited.
        send: Executes a statement with its values; returns a result, or what is awaited for one.
    """

    engine: str | None
    is_async: bool
    send: Callable[[str, Mapping[str, Any]], Any]


def callers_connection(connection: Any) -> CallersConnection:
    """Return how to speak through *connection*.

    Raises:
        ConfigurationError: It is of no library that is known.
    """
    origins = {kind.__module__.partition(".")[0] for kind in type(connection).__mro__}
    known = next((_KNOWN[origin] for origin in _KNOWN if origin in origins), None)
    if known is None:
        message = (
            f"connection= got a {type(connection).__module__}.{type(connection).__name__}; expected one of "
            "SQLAlchemy (a connection or a session), of Django, of sqlite3 or of psycopg."
        )
        raise ConfigurationError(message)
    return known(connection)


def ask(connection: CallersConnection, asking: Asking, *, engine: str) -> None:
    """Execute the statements of *asking* through a synchronous connection.

    Raises:
        ConfigurationError: It is asynchronous, or of another database.
    """
    _check(connection, engine, awaited=False)
    statement, values = next(asking)
    while True:
        rows = _rows(connection.send(statement, values))
        try:
            statement, values = asking.send(rows)
        except StopIteration:
            return


async def ask_async(connection: CallersConnection, asking: Asking, *, engine: str) -> None:
    """Execute the statements of *asking* through an asynchronous connection.

    Raises:
        ConfigurationError: It is synchronous, or of another database.
    """
    _check(connection, engine, awaited=True)
    statement, values = next(asking)
    while True:
        result = await connection.send(statement, values)
        found = _rows(result)
        rows: Rows = await found if inspect.isawaitable(found) else found
        try:
            statement, values = asking.send(rows)
        except StopIteration:
            return


def _check(connection: CallersConnection, engine: str, *, awaited: bool) -> None:
    if connection.is_async != awaited:
        right = "await publish.aio(…)" if connection.is_async else "publish(…)"
        message = (
            f"The connection is {'a' if connection.is_async else 'no'}synchronous: call {right} with it."
        )
        raise ConfigurationError(message.replace("nosynchronous", "synchronous"))
    if connection.engine not in {None, engine}:
        message = f"The connection is of {connection.engine}, the journal is in {engine}: nothing was sent."
        raise ConfigurationError(message)


def _rows(result: Any) -> Any:
    """Return the rows of a result, or what is awaited for them; none where the statement gives none."""
    if getattr(result, "returns_rows", True) is False or getattr(result, "description", True) is None:
        return ()
    return result.fetchall()


def _of_sqlalchemy(connection: Any) -> CallersConnection:
    from sqlalchemy import text  # noqa: PLC0415 - only where the caller has it

    def send(statement: str, values: Mapping[str, Any]) -> Any:
        return connection.execute(text(statement), dict(values))

    is_async = inspect.iscoroutinefunction(connection.execute)
    bind = connection.get_bind() if hasattr(connection, "get_bind") else connection
    engine = _ENGINES.get(getattr(getattr(bind, "dialect", None), "name", ""))
    return CallersConnection(engine=engine, is_async=is_async, send=send)


def _of_django(connection: Any) -> CallersConnection:
    def send(statement: str, values: Mapping[str, Any]) -> Any:
        cursor = connection.cursor()
        cursor.execute(*_positional(statement, values, "%s"))
        return cursor

    return CallersConnection(engine=_ENGINES.get(connection.vendor, "another"), is_async=False, send=send)


def _of_sqlite3(connection: Any) -> CallersConnection:
    def send(statement: str, values: Mapping[str, Any]) -> Any:
        return connection.execute(statement, dict(values))

    return CallersConnection(engine="sqlite", is_async=False, send=send)


def _of_psycopg(connection: Any) -> CallersConnection:
    def send(statement: str, values: Mapping[str, Any]) -> Any:
        return connection.execute(*_positional(statement, values, "%s"))

    is_async = inspect.iscoroutinefunction(connection.execute)
    return CallersConnection(engine="postgresql", is_async=is_async, send=send)


def _of_psycopg2(connection: Any) -> CallersConnection:
    return CallersConnection(engine="postgresql", is_async=False, send=_of_cursor(connection))


def _of_cursor(connection: Any) -> Callable[[str, Mapping[str, Any]], Any]:
    def send(statement: str, values: Mapping[str, Any]) -> Any:
        cursor = connection.cursor()
        cursor.execute(*_positional(statement, values, "%s"))
        return cursor

    return send


def _positional(statement: str, values: Mapping[str, Any], mark: str) -> tuple[str, tuple[Any, ...]]:
    """Return *statement* with *mark* for each value, and the values in their order."""
    names = _NAMED.findall(statement)
    return _NAMED.sub(mark, statement), tuple(values[name] for name in names)


_KNOWN: Mapping[str, Callable[[Any], CallersConnection]] = {
    "sqlalchemy": _of_sqlalchemy,
    "django": _of_django,
    "sqlite3": _of_sqlite3,
    "psycopg": _of_psycopg,
    "psycopg2": _of_psycopg2,
}
