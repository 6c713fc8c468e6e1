"""Rows on the shortest way to a driver, past a statement's machinery. Floor 3.

For the hot paths. Rows are tuples of what the database stores, in the order of the table's columns:
the modules ``*_rows`` make them. A driver's errors come out as they are; ``Dialect.judge`` knows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Float, Integer, Table

Row = tuple[Any, ...]
CHUNKS = (64, 16, 4, 1)


def driver(connection: Connection) -> Any:
    """Return the driver's own connection, in whose transaction *connection* is."""
    return connection.connection.driver_connection


def column_names(table: Table) -> str:
    """Return the names of the columns of *table*, in their order, as a statement has them."""
    return ", ".join(f'"{column.name}"' for column in table.c)


@dataclass(frozen=True, slots=True)
class ManyRows:
    """An INSERT of any number of rows in a few steps of the driver, each of many rows.

    SQLite's driver lets go of the interpreter at every step. With a step for each row, the thread that
    writes may have to wait for the event loop's thread at each of them.

    Attributes:
        statements: The statement for each size of ``CHUNKS``.
    """

    statements: tuple[str, ...]

    @classmethod
    def of(cls, *, head: str, width: int, tail: str = "") -> ManyRows:
        """Return the insert that begins with *head*, has rows of *width* values, and ends with *tail*."""
        row = f"({', '.join('?' * width)})"
        return cls(tuple(f"{head} VALUES {', '.join([row] * size)} {tail}" for size in CHUNKS))

    def write(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Insert *rows*."""
        execute = driver(connection).execute
        written = 0
        for size, statement in zip(CHUNKS, self.statements, strict=True):
            while len(rows) - written >= size:
                execute(statement, tuple(chain.from_iterable(rows[written : written + size])))
                written += size


def added_up(table: Table) -> str:
    """Return what follows the rows of an insert that adds its numbers to those that are there.

    Everything of *table* that is a number and not part of its primary key is added up.
    """
    key = ", ".join(column.name for column in table.primary_key)
    sums = ", ".join(
        f"{column.name} = {table.name}.{column.name} + excluded.{column.name}"
        for column in table.c
        if not column.primary_key and isinstance(column.type, (Integer, Float))
    )
    return f"ON CONFLICT ({key}) DO UPDATE SET {sums}"
