"""Rows on the shortest way to a driver, past a statement's machinery. Floor 3.

For the hot paths. Rows are tuples of what the database stores, in the order of the table's columns:
the modules ``*_rows`` make them. A driver's errors come out as they are; ``Dialect.judge`` knows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Float, Integer, Table

Row = tuple[Any, ...]
MOST_ROWS = 64
"""In one statement: 64 rows of the widest table are far from SQLite's limit of 32,766 values."""


def driver(connection: Connection) -> Any:
    """Return the driver's own connection, in whose transaction *connection* is."""
    return connection.connection.driver_connection


def column_names(table: Table) -> str:
    """Return the names of the columns of *table*, in their order, as a statement has them."""
    return ", ".join(f'"{column.name}"' for column in table.c)


@dataclass(frozen=True, slots=True)
class ManyRows:
    """An INSERT of any number of rows in as few steps of the driver as can be.

    SQLite's driver lets go of the interpreter at every step. With a step for each row, the thread that
    writes may have to wait for the event loop's thread at each of them.

    Attributes:
        head: The statement before its rows.
        row: The place of one row's values.
        tail: What follows the rows.
    """

    head: str
    row: str
    tail: str

    @classmethod
    def of(cls, *, head: str, width: int, tail: str = "") -> ManyRows:
        """Return the insert that begins with *head*, has rows of *width* values, and ends with *tail*."""
        return cls(head, f"({', '.join('?' * width)})", tail)

    def write(self, connection: Connection, rows: Sequence[Row]) -> int | None:
        """Insert *rows*; return the rowid of the last one where the table has rowids."""
        execute = driver(connection).execute
        last: int | None = None
        for start in range(0, len(rows), MOST_ROWS):
            part = rows[start : start + MOST_ROWS]
            last = execute(_statement(self, len(part)), tuple(chain.from_iterable(part))).lastrowid
        return last


@cache  # for each table one of each size, as the driver keeps them prepared
def _statement(insert: ManyRows, size: int) -> str:
    return f"{insert.head} VALUES {', '.join([insert.row] * size)} {insert.tail}"


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
