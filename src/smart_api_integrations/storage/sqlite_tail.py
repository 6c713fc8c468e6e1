"""Indexes over random values that cost a group of inserts next to nothing. Floor 3, SQLite alone.

Every value put into an index of random order (dedupe keys, the providers' ids) changes a page of its
own: with 16 KiB pages and 64 events in a group that is megabytes to write for one commit. So:

1. What is new goes to a log, one narrow row for an event: a whole group fits on a page or two.
2. What is in the log and not yet in the indexes is held in memory too. Memory takes in only what is
   committed, so it is right after a rollback, a crash, or another process's write.
3. Once a generation of keys has gathered, it is frozen and sorted, and every later group moves the next
   slice of it into the indexes. Neighbours in the order share pages: few are written.
4. When a generation is in the indexes, its log rows are deleted, some with each group, and never the
   newest row: so the next one's number is always greater than any that was given out.

Moving an entry twice is harmless, so several processes, or one that comes back from a crash, may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from sqlalchemy import Connection

from smart_api_integrations.storage.bulk import ManyRows, driver
from smart_api_integrations.storage.column_types import join_keys, split_keys
from smart_api_integrations.storage.dialect import Holder

GENERATION = 65_536  # keys; some 20 MB of memory
# For each one that is added, so that a generation is moved and deleted before the next one is full.
MOVED = 1.25
DELETED = 8

LogRow = tuple[str, int, bytes, str | None]
"""An event's id, when its keys were seen (microseconds), its keys, and what its provider calls it."""

_READ = "SELECT event_id, seen_at, keys, provider_id, seq FROM recent_keys WHERE seq > ? ORDER BY seq"
_DELETE = "DELETE FROM recent_keys WHERE seq <= ? AND seq < (SELECT min(seq) FROM recent_keys) + ?"
_append = ManyRows.of(head="INSERT OR FAIL INTO recent_keys (event_id, seen_at, keys, provider_id)", width=4)
_move_keys = ManyRows.of(
    head="INSERT OR FAIL INTO event_keys (hash, event_id, seen_at)",
    width=3,
    tail="ON CONFLICT (hash) DO UPDATE SET event_id = excluded.event_id, seen_at = excluded.seen_at"
    " WHERE excluded.seen_at > event_keys.seen_at",
)
_move_ids = ManyRows.of(
    head="INSERT OR FAIL INTO provider_ids (provider_id, event_id)", width=2, tail="ON CONFLICT DO NOTHING"
)


@dataclass(slots=True)
class _Generation:
    """Entries that belong together, and, once they are sorted, how far they are moved."""

    keys: dict[bytes, Holder] = field(default_factory=dict)
    ids: list[tuple[str, str]] = field(default_factory=list)
    order: list[bytes] = field(default_factory=list)
    keys_moved: int = 0
    ids_moved: int = 0

    def take_in(self, rows: Sequence[LogRow]) -> None:
        for event_id, seen_at, keys, provider_id in rows:
            holder = event_id, seen_at
            for key in split_keys(keys):
                self.keys[key] = holder
            if provider_id is not None:
                self.ids.append((provider_id, event_id))

    def sort(self) -> None:
        self.order = sorted(self.keys)
        self.ids.sort()

    @property
    def done(self) -> bool:
        return self.keys_moved >= len(self.order) and self.ids_moved >= len(self.ids)


class Tail:
    """The log before the indexes. For the writing lane alone; each call is in its transaction."""

    def __init__(self) -> None:
        """Know nothing yet: the first ``catch_up`` reads the log."""
        self._last = 0
        self._fresh = _Generation()
        self._frozen: _Generation | None = None
        self._deletable = 0
        self._added: tuple[int, Sequence[LogRow]] | None = None
        self._moved: tuple[int, int] | None = None

    def get(self, key: bytes) -> Holder | None:
        """Return the newest holder of *key* that may not be in the index yet."""
        found = self._fresh.keys.get(key)
        if found is None and self._frozen is not None:
            found = self._frozen.keys.get(key)
        return found

    def begin(self) -> None:
        """Forget what a transaction did that was rolled back."""
        self._added = self._moved = None

    def committed(self) -> None:
        """Take note that what this transaction added and moved is in the database."""
        if self._added is not None:
            self._last, rows = self._added
            self._fresh.take_in(rows)
        if self._moved is not None and self._frozen is not None:
            self._frozen.keys_moved, self._frozen.ids_moved = self._moved
            if self._frozen.done:
                self._frozen = None
        self._added = self._moved = None

    def catch_up(self, connection: Connection) -> None:
        """Read what others committed to the log since the last time; before anything is added."""
        rows = driver(connection).execute(_READ, (self._last,)).fetchall()
        if rows:
            self._last = rows[-1][-1]
            self._fresh.take_in([row[:-1] for row in rows])
        if self._frozen is None and len(self._fresh.keys) >= GENERATION:
            self._frozen, self._fresh = self._fresh, _Generation()
            self._frozen.sort()
            self._deletable = self._last

    def add(
        self, connection: Connection, holders: Mapping[bytes, Holder], names: Sequence[tuple[str, str]]
    ) -> None:
        """Log the holders of keys and the providers' ids of events; move on with those before."""
        rows = _log_rows(holders, names)
        last = _append.write(connection, rows)
        if last is not None:
            self._added = last, rows
        if self._frozen is not None:
            self._moved = _move(connection, self._frozen, ceil(MOVED * (len(holders) + len(names))))
        elif self._deletable:
            deleted = driver(connection).execute(_DELETE, (self._deletable, DELETED * len(rows)))
            if not deleted.rowcount:
                self._deletable = 0


def _log_rows(holders: Mapping[bytes, Holder], names: Sequence[tuple[str, str]]) -> list[LogRow]:
    """Return one row for each event that holds something."""
    keys: dict[Holder, list[bytes]] = {}
    for key, holder in holders.items():
        keys.setdefault(holder, []).append(key)
    theirs = {ours: name for name, ours in names}
    rows: list[LogRow] = [
        (event_id, seen_at, join_keys(those), theirs.pop(event_id, None))
        for (event_id, seen_at), those in keys.items()
    ]
    rows.extend((ours, 0, b"", name) for ours, name in theirs.items())
    return rows


def _move(connection: Connection, frozen: _Generation, share: int) -> tuple[int, int]:
    """Move the next entries of *frozen*, keys first, and return how far that goes."""
    keys = frozen.order[frozen.keys_moved : frozen.keys_moved + share]
    _move_keys.write(connection, [(key, *frozen.keys[key]) for key in keys])
    ids = frozen.ids[frozen.ids_moved : frozen.ids_moved + share - len(keys)]
    _move_ids.write(connection, ids)
    return frozen.keys_moved + len(keys), frozen.ids_moved + len(ids)
