"""SQLite: one file, one writer, every commit synced. Floor 3.

Settings and why (``docs/decisions/0001-one-colour-and-lanes.md`` has the measurements):

- WAL with ``synchronous=FULL``: NORMAL loses acknowledged events in a power cut.
- One connection of a process writes and checkpoints, all others are read-only; the processes take turns,
  for ``sqlite_turns`` says why.
- Pages of 16 KiB: a row with a 2 KB body would leave most of a 4 KiB page empty.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    Table,
    Text,
    TextClause,
    bindparam,
    create_engine,
    event,
    exc,
    func,
    literal_column,
    pool,
    select,
    union_all,
)
from sqlalchemy.engine import URL

from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.storage.bell import Bell
from smart_api_integrations.storage.bulk import ManyRows, Row, added_up, column_names, driver
from smart_api_integrations.storage.column_types import JsonText, Moment, pack, storable
from smart_api_integrations.storage.database_url import database_url
from smart_api_integrations.storage.dialect import Counts, Holder, Move, TakenKeys
from smart_api_integrations.storage.lane import Failure
from smart_api_integrations.storage.migrating import upgrade
from smart_api_integrations.storage.outbox_protocol import Home
from smart_api_integrations.storage.sqlite_tail import Tail
from smart_api_integrations.storage.sqlite_turns import (
    CAN_TAKE_TURNS,
    SEVERAL_WRITERS_SAFE,
    TurnTaking,
    taking_turns,
)
from smart_api_integrations.storage.tables import provider_ids, recent_keys, work

logger = logging.getLogger(__name__)

OLDEST = (3, 35, 0)
PAGE_BYTES = 16_384
CHECKPOINT_PAGES = 4 * 1024 * 1024 // PAGE_BYTES
BUSY_SECONDS = 5.0

_WHERE = "PRAGMA database_list"
_ENLIST = "INSERT INTO main.webhooks_outbox (id, envelope, body) VALUES (:id, :envelope, :body)"

WRITER_PRAGMAS = (
    f"PRAGMA page_size = {PAGE_BYTES}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA mmap_size = 0",
    f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}",
    "PRAGMA cache_size = -65536",
)
READER_PRAGMAS = (
    "PRAGMA query_only = ON",
    "PRAGMA mmap_size = 0",
)
OF_ONE_ITEM = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
)
DUE = "work_is_due"

_VALUE: ColumnElement[str] = literal_column("value", Text)
_READ_KEYS = "SELECT hash, event_id, seen_at FROM event_keys WHERE hash IN"
_MOVE_WORK = (
    "UPDATE work SET state = json_extract(move.value, '$[1]'), failures = json_extract(move.value, '$[2]'),"
    " due_at = json_extract(move.value, '$[3]'), leased_until = NULL, lease_owner = NULL, updated_at = ?"
    " FROM json_each(?) AS move WHERE work.id = json_extract(move.value, '$[0]')"
)
_theirs = [
    select(func.max(table.c.event_id).label("id")).where(table.c.provider_id == bindparam("text"))
    for table in (provider_ids, recent_keys)
]
_find_provider_id = select(func.max(union_all(*_theirs).subquery().c.id))


class Sqlite:
    """Keeps ``storage.dialect.Dialect`` on one SQLite file."""

    name = "sqlite"
    reader_count = 2

    @classmethod
    def at(cls, url: str) -> Sqlite:
        """Return the dialect for the database that *url* names.

        Raises:
            ConfigurationError: The URL cannot be read, or names no database.
        """
        return cls(database_url(url))

    def __init__(self, url: URL) -> None:
        """Take the file that *url* names; nothing is opened yet.

        ``?timeout=`` says how many seconds a write waits for another process that is writing.

        Raises:
            ConfigurationError: The URL names no file: several connections share the journal.
        """
        if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
            message = "The journal needs a file: sqlite:///webhooks.db, or sqlite:////an/absolute/path.db"
            raise ConfigurationError(message)
        self._path = Path(url.database)
        self._warned = False
        self._busy_seconds = float(str(url.query.get("timeout", BUSY_SECONDS)))
        self._tail = Tail()
        self._writer = self._engine(WRITER_PRAGMAS, begin="BEGIN IMMEDIATE", tail=self._tail)
        self._reader = self._engine(READER_PRAGMAS, begin="BEGIN")
        self._wake: Callable[[], None] | None = None
        self.bell: Bell | None = None

    def _engine(self, pragmas: Sequence[str], *, begin: str, tail: Tail | None = None) -> Engine:
        engine = create_engine(
            URL.create("sqlite", database=str(self._path)),
            poolclass=pool.NullPool,
            hide_parameters=True,
            connect_args={
                "isolation_level": None,
                "cached_statements": 512,
                "timeout": self._busy_seconds,
                "factory": taking_turns(self._path, seconds=self._busy_seconds)
                if tail
                else sqlite3.Connection,
            },
        )

        @event.listens_for(engine, "connect")
        def configure(connection: sqlite3.Connection, _: object) -> None:
            with connection.turn() if isinstance(connection, TurnTaking) else nullcontext():
                for pragma in pragmas:
                    connection.execute(pragma).close()

        @event.listens_for(engine, "begin")
        def start(connection: Connection) -> None:
            connection.info.pop(DUE, None)  # left behind by a transaction that was rolled back
            taker: Any = connection.connection.dbapi_connection
            if tail is not None:
                tail.begin()
            if isinstance(taker, TurnTaking) and taker.turns is not None:
                taker.turns.take()
            connection.exec_driver_sql(begin)

        return engine

    def prepare(self) -> None:
        """See ``Dialect.prepare``."""
        if sqlite3.sqlite_version_info < OLDEST:
            message = f"SQLite {sqlite3.sqlite_version} is too old: {'.'.join(map(str, OLDEST))} is needed"
            raise ConfigurationError(message)
        self._make_file()
        self._tell_of_other_writers()
        with self._writer.connect() as connection:
            self._check(connection)
            with connection.begin():
                upgrade(connection)

    def _make_file(self) -> None:
        """Make the file readable for its owner alone; SQLite gives its companions the same mode."""
        try:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            message = (
                f"The database file {self._path} cannot be opened for writing ({error.strerror}): "
                "make its folder, or choose another place"
            )
            raise ConfigurationError(message) from error

    def _tell_of_other_writers(self) -> None:
        """Warn where processes cannot take turns and this SQLite is one with the bug."""
        if not CAN_TAKE_TURNS and sqlite3.sqlite_version_info < SEVERAL_WRITERS_SAFE:
            logger.warning(
                "with SQLite before 3.51.3 a second process that writes to this file can, rarely,"
                " corrupt it: run one process, or use PostgreSQL",
                extra={"action": "sqlite.several_writers", "sqlite_version": sqlite3.sqlite_version},
            )

    def _check(self, connection: Connection) -> None:
        """Raise unless what the promises rest on is really set."""
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous")
        }
        connection.rollback()
        if found != {"journal_mode": "wal", "synchronous": 2}:
            message = f"SQLite would lose events here: {found}; put the file on a local disk that allows WAL"
            raise ConfigurationError(message)

    def connect_writer(self) -> Connection:
        """See ``Dialect.connect_writer``."""
        return self._writer.connect()

    def connect_reader(self) -> Connection:
        """See ``Dialect.connect_reader``."""
        return self._reader.connect()

    def judge(self, error: Exception) -> Failure:
        """See ``Dialect.judge``: locked, full, read-only and damaged are all operational errors."""
        original = getattr(error, "orig", None) or error
        if isinstance(original, sqlite3.Error):
            return Failure.DATA if isinstance(original, OF_ONE_ITEM) else Failure.UNAVAILABLE
        if isinstance(error, exc.StatementError):
            return Failure.DATA
        return Failure.UNAVAILABLE if isinstance(error, exc.SQLAlchemyError) else Failure.FAULT

    def among(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        """See ``Dialect.among``: the list is one JSON text, which SQLite takes apart."""
        return column.in_(select(_VALUE).select_from(func.json_each(bindparam(name, type_=JsonText))))

    def write_rows(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """See ``Dialect.write_rows``."""
        _insert(table).write(connection, rows)

    def add_counts(self, connection: Connection, counts: Sequence[Counts]) -> None:
        """See ``Dialect.add_counts``."""
        for table, rows in counts:
            _insert(table, added_up(table)).write(connection, rows)

    def move_work(self, connection: Connection, moves: Sequence[Move], *, now: int) -> None:
        """See ``Dialect.move_work``."""
        driver(connection).execute(_MOVE_WORK, (now, pack(moves).decode()))

    def take_due(
        self, connection: Connection, lane: TextClause, wanted: Mapping[str, int], *, now: datetime
    ) -> Sequence[Any]:
        """See ``Dialect.take_due``: one statement for all targets of which the same number is wanted."""
        rows: list[Any] = []
        for share in sorted(set(wanted.values())):
            targets = [target for target, count in wanted.items() if count == share]
            rows += connection.execute(_oldest(lane), {"targets": targets, "share": share, "now": now})
        return rows

    def lock_lines(self, connection: Connection, lines: Sequence[tuple[str, str]]) -> None:
        """See ``Dialect.lock_lines``: there is one writer at a time."""

    def take_keys(self, connection: Connection, wanted: Mapping[bytes, Holder], *, expired: int) -> TakenKeys:
        """See ``Dialect.take_keys``: there is one writer at a time, so looking is enough."""
        self._tail.catch_up(connection)
        held: dict[bytes, Holder] = {}
        older: list[bytes] = []
        for key in wanted:
            recent = self._tail.get(key)
            if recent is None or recent[1] <= expired:
                older.append(key)
            else:
                held[key] = recent
        if older:
            statement = f"{_READ_KEYS} ({', '.join('?' * len(older))})"
            for key, event_id, seen_at in driver(connection).execute(statement, older):
                if seen_at > expired:
                    held[key] = event_id, seen_at
        return TakenKeys(held=held, written={})

    def remember(
        self, connection: Connection, holders: Mapping[bytes, Holder], names: Sequence[tuple[str, str]]
    ) -> None:
        """See ``Dialect.remember``."""
        if holders or names:
            self._tail.add(connection, holders, [(storable(theirs), ours) for theirs, ours in names])

    def find_provider_id(self, connection: Connection, text: str) -> str | None:
        """See ``Dialect.find_provider_id``: in the index, or in the log before it."""
        found: str | None = connection.scalar(_find_provider_id, {"text": text})
        return found

    def home(self, connection: Connection) -> Home:
        """See ``Dialect.home``: the file, whatever name leads to it."""
        rows = connection.exec_driver_sql(_WHERE).all()
        return Home(engine="sqlite", question=_WHERE, insert=_ENLIST, identity=_file_of(rows), read=_file_of)

    def warn_of_callers(self) -> None:
        """See ``Dialect.warn_of_callers``: an application's connection takes no turns."""
        if not self._warned and sqlite3.sqlite_version_info < SEVERAL_WRITERS_SAFE:
            self._warned = True
            logger.warning(
                "with SQLite before 3.51.3 a connection of the application's own that writes to the journal's"
                " file can, rarely, corrupt it: use a newer SQLite, or PostgreSQL, for publish(connection=…)",
                extra={"action": "sqlite.callers_connection", "sqlite_version": sqlite3.sqlite_version},
            )

    def announce(self, connection: Connection) -> None:
        """See ``Dialect.announce``."""
        connection.info[DUE] = True

    def after_commit(self, connection: Connection) -> None:
        """See ``Dialect.after_commit``."""
        self._tail.committed()
        if not connection.info.pop(DUE, False):
            return
        if self._wake is not None:
            self._wake()
        if self.bell is not None:
            self.bell.ring()

    def listen(self, wake: Callable[[], None]) -> None:
        """See ``Dialect.listen``: only this process is heard, others poll or hear a bell."""
        self._wake = wake

    def close(self) -> None:
        """See ``Dialect.close``."""
        self._wake = None

    def now(self) -> datetime:
        """See ``Dialect.now``: the machine's clock, which all processes on this file share."""
        return datetime.now(UTC)


@cache
def _oldest(lane: TextClause) -> Select[Any]:
    """Return the query of the oldest due work of each of some targets."""
    target = func.json_each(bindparam("targets", type_=JsonText)).table_valued("value", name="target")
    oldest = work.alias("oldest")
    ids = (
        select(oldest.c.id)
        .where(lane, oldest.c.target == target.c.value, oldest.c.due_at <= bindparam("now", type_=Moment))
        .order_by(oldest.c.due_at)
        .limit(bindparam("share"))
        .correlate(target)
    )
    return select(work).select_from(target.join(work, work.c.id.in_(ids.scalar_subquery())))


@cache
def _insert(table: Table, tail: str = "") -> ManyRows:
    """Return the statements that insert into *table*."""
    # OR FAIL: the default ABORT undoes half a statement, which costs a journal file of its own each time;
    # the lane undoes the whole transaction anyway.
    head = f'INSERT OR FAIL INTO "{table.name}" ({column_names(table)})'
    return ManyRows.of(head=head, width=len(table.c), tail=tail)


def _file_of(rows: Sequence[Sequence[Any]]) -> tuple[int, int] | None:
    """Return which file a connection's main database is; None for one in memory."""
    file = next((row[2] for row in rows if row[1] == "main"), None)
    try:
        found = Path(file).stat() if file else None
    except OSError:
        return None
    return None if found is None else (found.st_dev, found.st_ino)
