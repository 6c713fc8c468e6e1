"""Lines: work of one target and one ordering key, of which one at a time may begin. Floor 3.

Theory of operation:

1. Open work of a key forms a line, in the order of its ids. New work that finds the line occupied is
   kept ``in_line``: durable and due, but in no index that a claim looks at, so a long line costs claims
   nothing.
2. Whoever ends the last work that is free to run frees the oldest that is in line, in the same
   transaction. A retry keeps its place: it is not over.
3. An engine with several writers locks a line before it looks at it, else work that joins while the
   one before it ends might find nobody to free it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, select

from smart_api_integrations.core.journal import Work
from smart_api_integrations.storage.column_types import OutsideText, storable
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import OPEN_IN_ORDER, work

Line = tuple[str, str]
"""A target and an ordering key."""

_of_line: tuple[ColumnElement[bool], ...] = (
    work.c.ordering_key == bindparam("key", type_=OutsideText),
    work.c.target == bindparam("line_target"),
)
_next = (
    select(work.c.id, work.c.in_line, work.c.due_at)
    .where(OPEN_IN_ORDER, *_of_line, work.c.in_line.is_not(None))
    .order_by(work.c.id)
    .limit(1)
)
_occupied = select(work.c.id).where(OPEN_IN_ORDER, *_of_line, work.c.in_line.is_(None)).limit(1)
_free = work.update().where(work.c.id == bindparam("freed")).values(in_line=None)


class Lines:
    """The operations on lines, to be run in the writing lane."""

    def __init__(self, store: Store) -> None:
        """Work on *store*."""
        self._store = store

    def joining(self, connection: Connection, lines: Iterable[Line]) -> Joining:
        """Look at the *lines* that new work is going to join."""
        wanted = sorted({(target, storable(key)) for target, key in lines})
        if wanted:
            self._store.dialect.lock_lines(connection, wanted)
        return Joining({line for line in wanted if self._is_occupied(connection, line)})

    def leave(self, connection: Connection, over: Sequence[Work], *, now: datetime) -> None:
        """Let the next of each line begin, after the work *over* was given its end."""
        lines = sorted({(part.target, part.ordering_key) for part in over if part.ordering_key is not None})
        if not lines:
            return
        self._store.dialect.lock_lines(connection, lines)
        due = [self._free_next(connection, line) for line in lines]
        if any(each is not None and each <= now for each in due):
            self._store.dialect.announce(connection)

    def _free_next(self, connection: Connection, line: Line) -> datetime | None:
        """Free the oldest in *line* unless another of it may run; return when it is due."""
        if self._is_occupied(connection, line):
            return None
        following = connection.execute(_next, _parameters(line)).one_or_none()
        if following is None:
            return None
        connection.execute(_free, {"freed": following.id})
        due: datetime = following.due_at
        return due

    def _is_occupied(self, connection: Connection, line: Line) -> bool:
        """Tell whether something of *line* waits or runs that is not itself in line."""
        return connection.execute(_occupied, _parameters(line)).first() is not None


class Joining:
    """Which lines are occupied, while a transaction adds to them."""

    def __init__(self, occupied: set[Line]) -> None:
        """Begin with the lines that are *occupied* in the store."""
        self._occupied = occupied

    def join(self, target: str, key: str | None) -> bool:
        """Add work to its line; return True where it has to wait behind another."""
        if key is None:
            return False
        line = (target, storable(key))
        waits = line in self._occupied
        self._occupied.add(line)
        return waits


def _parameters(line: Line) -> dict[str, Any]:
    target, key = line
    return {"line_target": target, "key": key}
