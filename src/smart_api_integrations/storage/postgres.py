"""PostgreSQL: several processes, one database. Floor 3.

What differs from a file: other writers are there at the same time, so keys are taken in one step and
in one order; who waits for work is woken by LISTEN/NOTIFY; the clock is the database's; and inserts
go by COPY.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import psycopg
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Integer,
    Select,
    Table,
    Text,
    TextClause,
    any_,
    bindparam,
    create_engine,
    event,
    exc,
    func,
    pool,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import URL

from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.storage.bell import Bell
from smart_api_integrations.storage.bulk import Row, added_up, column_names, driver
from smart_api_integrations.storage.column_types import Moment
from smart_api_integrations.storage.database_url import database_url
from smart_api_integrations.storage.dialect import Counts, Holder, Move, TakenKeys
from smart_api_integrations.storage.lane import Failure
from smart_api_integrations.storage.migrating import upgrade
from smart_api_integrations.storage.outbox_protocol import Home
from smart_api_integrations.storage.postgres_listener import CHANNEL, Listener
from smart_api_integrations.storage.tables import events, work

logger = logging.getLogger(__name__)

OLDEST = 13
MIGRATION_LOCK = 0x736D_6172_7461_7069  # "smartapi": any number that nobody else takes
DEFAULT_ARGUMENTS = {
    "connect_timeout": "5",
    "application_name": "smart-api-integrations",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
SESSION = (
    "SET statement_timeout = '30s'",
    "SET lock_timeout = '10s'",
    "SET idle_in_transaction_session_timeout = '60s'",
    "SET jit = off",  # statements are short: compiling one costs more than a hundred runs of it
    # Every statement goes along an index; a plan prepared while a table was empty must not scan it
    # when it is full.
    "SET enable_seqscan = off",
)
WRITER = (
    *SESSION,
    # A database may default to answering before its disk has the commit; the journal never does.
    (
        "SELECT set_config('synchronous_commit', 'on', false)"
        " WHERE current_setting('synchronous_commit') = 'off'"
    ),
)
READER = (
    *SESSION,
    "SET default_transaction_read_only = on",
    "SET default_transaction_isolation = 'repeatable read'",
)
UNSAFE = {"fsync": "off", "full_page_writes": "off"}
COPY_TYPES = {
    "text": "text",
    "big_integer": "int8",
    "integer": "int4",
    "large_binary": "bytea",
    "float": "float8",
}
MISSING_TABLE = "42P01"
DUE = "work_is_due"

_settings = text("SELECT name, setting FROM pg_settings WHERE name = ANY(:names)")
_schema = text("SELECT current_schema()")
_WHERE = "SELECT current_database(), extract(epoch FROM pg_postmaster_start_time())"
_ENLIST = (
    'WITH kept AS (INSERT INTO "{schema}".webhooks_outbox (id, envelope, body)'
    " VALUES (:id, :envelope, :body)) SELECT pg_notify('{channel}', '')"
)
_notify = text("SELECT pg_notify(:channel, '')")
_TAKE_KEYS = (
    "INSERT INTO event_keys (hash, event_id, seen_at)"
    " SELECT decode(key, 'hex'), holder, since FROM unnest(string_to_array(%b::text, ','),"
    " string_to_array(%b::text, ','), string_to_array(%b::text, ',')::int8[]) AS wanted (key, holder, since)"
    " ORDER BY key"
    " ON CONFLICT (hash) DO UPDATE SET event_id = excluded.event_id, seen_at = excluded.seen_at"
    " WHERE event_keys.seen_at <= %b RETURNING hash"
)
_READ_KEYS = "SELECT hash, event_id, seen_at FROM event_keys WHERE hash = ANY(%b)"
_PUT_KEYS = (
    "INSERT INTO event_keys (hash, event_id, seen_at) VALUES (%s, %s, %s)"
    " ON CONFLICT (hash) DO UPDATE SET event_id = excluded.event_id, seen_at = excluded.seen_at"
)
_MOVE_WORK = (
    "UPDATE work SET state = move.state, failures = move.failures, due_at = move.due,"
    " leased_until = NULL, lease_owner = NULL, updated_at = %s"
    " FROM unnest(%s::text[], %s::text[], %s::int4[], %s::int8[]) AS move (id, state, failures, due)"
    " WHERE work.id = move.id"
)
_LOCK_LINES = (
    "SELECT pg_advisory_xact_lock(id) FROM"
    " (SELECT DISTINCT hashtextextended(name, 7) AS id FROM unnest(%s::text[]) AS name ORDER BY id) AS line"
)
_find_provider_id = (
    select(events.c.id).where(events.c.event_id == bindparam("text")).order_by(events.c.id.desc()).limit(1)
)


def refuse_unsafe(settings: Mapping[str, str]) -> None:
    """Refuse a server that may lose what it has committed.

    Raises:
        ConfigurationError: A setting that durability rests on is off.
    """
    for name, unsafe in UNSAFE.items():
        if settings.get(name) == unsafe:
            message = (
                f"This PostgreSQL runs with {name} = {unsafe} and can lose accepted events in a crash: "
                f"set {name} = on in postgresql.conf"
            )
            raise ConfigurationError(message)


class Postgres:
    """Keeps ``storage.dialect.Dialect`` on one PostgreSQL database."""

    name = "postgresql"
    reader_count = 2

    @classmethod
    def at(cls, url: str) -> Postgres:
        """Return the dialect for the database that *url* names.

        Raises:
            ConfigurationError: The URL cannot be read, or names no database.
        """
        return cls(database_url(url))

    def __init__(self, url: URL) -> None:
        """Take the database that *url* names; nothing is opened yet."""
        self._url = url.set(drivername="postgresql+psycopg").update_query_dict(
            {name: value for name, value in DEFAULT_ARGUMENTS.items() if name not in url.query}
        )
        self._writer = self._engine(WRITER)
        self._reader = self._engine(READER)
        self._listener = Listener(self._connect_plainly)
        self.bell: Bell | None = None

    def _engine(self, session: Sequence[str]) -> Engine:
        engine = create_engine(self._url, poolclass=pool.NullPool, hide_parameters=True)

        @event.listens_for(engine, "connect")
        def configure(connection: psycopg.Connection[Any], _: object) -> None:
            for statement in session:
                connection.execute(statement)
            connection.commit()

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.info.pop(DUE, None)  # left behind by a transaction that was rolled back

        return engine

    def _connect_plainly(self) -> psycopg.Connection[Any]:
        """Return a connection without SQLAlchemy, for listening."""
        arguments, options = self._writer.dialect.create_connect_args(self._url)
        return psycopg.connect(*arguments, **options, autocommit=True)

    def prepare(self) -> None:
        """See ``Dialect.prepare``."""
        with self._writer.connect() as connection, connection.begin():
            version = int((connection.dialect.server_version_info or (0,))[0])
            if version < OLDEST:
                message = f"PostgreSQL {version} is too old: {OLDEST} is needed"
                raise ConfigurationError(message)
            found = connection.execute(_settings, {"names": list(UNSAFE)})
            refuse_unsafe({row.name: row.setting for row in found})
            # Whoever comes second waits here, and finds the work done.
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            upgrade(connection)
        self._listener.measure_clock()

    def connect_writer(self) -> Connection:
        """See ``Dialect.connect_writer``."""
        return self._writer.connect()

    def connect_reader(self) -> Connection:
        """See ``Dialect.connect_reader``."""
        return self._reader.connect()

    def judge(self, error: Exception) -> Failure:
        """See ``Dialect.judge``."""
        original = getattr(error, "orig", None) or error
        if isinstance(original, psycopg.Error):
            return _judge(original)
        if isinstance(error, exc.StatementError):
            return Failure.DATA
        return Failure.UNAVAILABLE if isinstance(error, exc.SQLAlchemyError) else Failure.FAULT

    def among(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        """See ``Dialect.among``: the list is one array."""
        return column == any_(bindparam(name, type_=ARRAY(Text)))

    def write_rows(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """See ``Dialect.write_rows``: by COPY, in binary."""
        if not rows:
            return
        statement = f'COPY "{table.name}" ({column_names(table)}) FROM STDIN (FORMAT BINARY)'
        with driver(connection).cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types([_copy_type(column.type) for column in table.c])
            for row in rows:
                copy.write_row(row)

    def add_counts(self, connection: Connection, counts: Sequence[Counts]) -> None:
        """See ``Dialect.add_counts``: by one statement, and so in one round trip."""
        counts = [(table, rows) for table, rows in counts if rows]
        if counts:
            columns = [list(column) for _, rows in counts for column in zip(*sorted(rows), strict=True)]
            driver(connection).execute(_add_counts(tuple(table for table, _ in counts)), columns)

    def move_work(self, connection: Connection, moves: Sequence[Move], *, now: int) -> None:
        """See ``Dialect.move_work``."""
        driver(connection).execute(_MOVE_WORK, (now, *map(list, zip(*moves, strict=True))))

    def take_due(
        self, connection: Connection, lane: TextClause, wanted: Mapping[str, int], *, now: datetime
    ) -> Sequence[Any]:
        """See ``Dialect.take_due``: one walk along the index for each target."""
        values = {"targets": list(wanted), "shares": list(wanted.values()), "now": now}
        return connection.execute(_oldest(lane), values).all()

    def lock_lines(self, connection: Connection, lines: Sequence[tuple[str, str]]) -> None:
        """See ``Dialect.lock_lines``: by advisory locks, in one order; lines may share one."""
        names = [f"{target}\n{key}" for target, key in lines]
        driver(connection).execute(_LOCK_LINES, (names,))

    def take_keys(self, connection: Connection, wanted: Mapping[bytes, Holder], *, expired: int) -> TakenKeys:
        """See ``Dialect.take_keys``: an insert waits for whoever is inserting the same key.

        The keys are taken in their order, so that two transactions never wait for each other.
        """
        if not wanted:
            return TakenKeys(held={}, written={})
        execute = driver(connection).execute
        keys = sorted(wanted)
        event_ids, times = zip(*(wanted[key] for key in keys), strict=True)
        # joined: the driver writes an array element by element in Python, which costs twice as much
        lists = (",".join([key.hex() for key in keys]), ",".join(event_ids), ",".join(map(str, times)))
        taken = execute(_TAKE_KEYS, (*lists, expired), binary=True)
        written = {key: wanted[key] for (key,) in taken}
        lost = [key for key in keys if key not in written]
        rows = execute(_READ_KEYS, (lost,), binary=True) if lost else ()
        return TakenKeys(held={key: (event_id, seen) for key, event_id, seen in rows}, written=written)

    def remember(
        self,
        connection: Connection,
        holders: Mapping[bytes, Holder],
        names: Sequence[tuple[str, str]],
    ) -> None:
        """See ``Dialect.remember``: a correction of ``take_keys``, and rare; an index knows the names."""
        del names
        if holders:
            with driver(connection).cursor() as cursor:
                cursor.executemany(_PUT_KEYS, [(key, *holder) for key, holder in sorted(holders.items())])

    def find_provider_id(self, connection: Connection, text: str) -> str | None:
        """See ``Dialect.find_provider_id``: along an index."""
        return connection.scalar(_find_provider_id, {"text": text})

    def home(self, connection: Connection) -> Home:
        """See ``Dialect.home``: the server by when it was started, and the database's name."""
        schema: str = connection.scalar(_schema)
        insert = _ENLIST.format(schema=schema.replace('"', '""'), channel=CHANNEL)
        identity = _server_of(connection.exec_driver_sql(_WHERE).all())
        return Home(engine="postgresql", question=_WHERE, insert=insert, identity=identity, read=_server_of)

    def warn_of_callers(self) -> None:
        """See ``Dialect.warn_of_callers``: nothing."""

    def announce(self, connection: Connection) -> None:
        """See ``Dialect.announce``: once for a transaction."""
        if not connection.info.get(DUE):
            connection.info[DUE] = True
            if self.bell is not None and self.bell.is_heard:
                return
            connection.execute(_notify, {"channel": CHANNEL})

    def after_commit(self, connection: Connection) -> None:
        """See ``Dialect.after_commit``: this process need not wait for the round trip."""
        if connection.info.pop(DUE, False):
            self._listener.wake()
            if self.bell is not None:
                self.bell.ring()

    def listen(self, wake: Callable[[], None]) -> None:
        """See ``Dialect.listen``."""
        self._listener.start(wake)

    def close(self) -> None:
        """See ``Dialect.close``."""
        self._listener.stop()

    def now(self) -> datetime:
        """See ``Dialect.now``: a local clock, set by the database's."""
        return self._listener.now()


@cache
def _add_counts(tables: tuple[Table, ...]) -> str:
    """Return the statement that adds rows, given column by column, to those of *tables*."""
    *others, last = map(_added_to, tables)
    named = ", ".join(f"part_{number} AS ({insert})" for number, insert in enumerate(others))
    return f"WITH {named} {last}" if others else last


def _added_to(table: Table) -> str:
    columns = ", ".join(f"%b::{_copy_type(column.type)}[]" for column in table.c)
    head = f'INSERT INTO "{table.name}" ({column_names(table)})'
    return f"{head} SELECT * FROM unnest({columns}) {added_up(table)}"  # noqa: S608 - the tables' own names


@cache
def _oldest(lane: TextClause) -> Select[Any]:
    """Return the query of the oldest due work of each of some targets."""
    targets, shares = (
        bindparam("targets", type_=ARRAY(Text)),
        bindparam("shares", type_=ARRAY(Integer)),
    )
    wanted = func.unnest(targets, shares).table_valued("target", "share", name="wanted").render_derived()
    oldest = (
        select(work)
        # Not "=": then the index of all due times could give the order, through others' whole backlogs.
        .where(lane, work.c.target.between(wanted.c.target, wanted.c.target))
        .where(work.c.due_at <= bindparam("now", type_=Moment))
        .order_by(work.c.target, work.c.due_at)
        .limit(wanted.c.share)
        .with_for_update(skip_locked=True)
        .correlate(wanted)
        .lateral("taken")
    )
    return select(oldest).select_from(wanted.join(oldest, true()))


def _judge(error: psycopg.Error) -> Failure:
    if isinstance(error, (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)):
        return Failure.CONFLICT
    if error.sqlstate == MISSING_TABLE:
        return Failure.UNAVAILABLE
    if isinstance(error, (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError)):
        return Failure.DATA
    return Failure.UNAVAILABLE


def _copy_type(kind: Any) -> str:
    implemented = getattr(kind, "impl_instance", kind)
    return COPY_TYPES[_base_name(implemented)]


def _base_name(kind: Any) -> str:
    names = (str(cls.__visit_name__) for cls in type(kind).__mro__ if hasattr(cls, "__visit_name__"))
    return next(name for name in names if name in COPY_TYPES)


def _server_of(rows: Sequence[Sequence[Any]]) -> tuple[str, ...]:
    """Return what tells a database from every other one, on any server."""
    return tuple(str(value) for value in rows[0])
