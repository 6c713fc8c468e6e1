"""Looking at a journal's database from outside, without opening or changing it. Floor 3.

Opening a journal brings its schema up to date; whoever asks whether a deployment is well must not do that.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, exc, func, inspect, pool, select, text
from sqlalchemy.engine import URL

from smart_api_integrations.core.journal import COUNT_LIMIT
from smart_api_integrations.errors import ConfigurationError, StorageUnavailable
from smart_api_integrations.storage.column_types import microseconds
from smart_api_integrations.storage.database_url import database_url
from smart_api_integrations.storage.migrating import FOLDER, VERSION_TABLE
from smart_api_integrations.storage.postgres import UNSAFE, refuse_unsafe
from smart_api_integrations.storage.secret_cipher import SecretCipher
from smart_api_integrations.storage.tables import DEAD, DUE, LEASED, webhooks, work

CONNECT_SECONDS = 5
SECRETS_TRIED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What was found in a database that can be reached.

    Attributes:
        server: The engine and its version.
        schema: The revision of its schema; None where there is none yet.
        newest: The revision that this program brings it to.
        clock_skew_seconds: How far its clock is ahead of this machine's; 0 on SQLite, which has none.
        unsafe: Why it could lose what it has committed; None where it could not.
        waiting: How much work is due or waits, counted no further than ``COUNT_LIMIT``.
        oldest_due_seconds: How long the oldest due work has waited.
        dead: Dead letters, counted likewise.
        overdue_leases: Leases that ended a while ago, and that no worker has taken back.
        unreadable: Endpoints whose secret no key opens, of the first ``SECRETS_TRIED``.
    """

    server: str
    schema: str | None
    newest: str
    clock_skew_seconds: float = 0.0
    unsafe: str | None = None
    waiting: int = 0
    oldest_due_seconds: float = 0.0
    dead: int = 0
    overdue_leases: int = 0
    unreadable: int = 0

    @property
    def is_current(self) -> bool:
        """Whether the schema is this program's."""
        return self.schema == self.newest


def inspect_database(url: str, *, cipher: SecretCipher | None, overdue_after: float) -> Inspection | None:
    """Return what is found at *url*; None where it is an SQLite file that is not there yet. Blocks.

    Leases count as overdue *overdue_after* seconds after their end; without *cipher* no secret is tried.

    Raises:
        ConfigurationError: It is no database of ours.
        StorageUnavailable: It cannot be reached.
    """
    parts = database_url(url)
    if parts.get_backend_name() == "sqlite" and not Path(str(parts.database)).is_file():
        return None
    try:
        with _engine(parts).connect() as connection:
            return _inspected(connection, cipher, overdue_after)
    except exc.SQLAlchemyError as error:
        original = getattr(error, "orig", None) or error
        message = f"the database cannot be read ({type(original).__name__})"
        raise StorageUnavailable(message) from original


def _engine(parts: URL) -> Engine:
    if parts.get_backend_name() == "sqlite":
        file = Path(str(parts.database)).resolve()
        return create_engine(
            "sqlite://",
            creator=lambda: sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=CONNECT_SECONDS),
            poolclass=pool.NullPool,
        )
    url = parts.set(drivername="postgresql+psycopg")
    arguments = {"connect_timeout": CONNECT_SECONDS, "options": "-c default_transaction_read_only=on"}
    return create_engine(url, poolclass=pool.NullPool, connect_args=arguments, hide_parameters=True)


def _inspected(connection: Connection, cipher: SecretCipher | None, overdue_after: float) -> Inspection:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    facts: dict[str, Any] = {
        "server": _server(connection),
        "schema": context.get_current_revision(),
        "newest": str(ScriptDirectory(str(FOLDER)).get_current_head()),
        "unsafe": _unsafe(connection),
    }
    now = datetime.now(UTC)
    if connection.dialect.name == "postgresql":
        there = connection.scalar(text("SELECT clock_timestamp()"))
        facts["clock_skew_seconds"] = 0.0 if there is None else (there - datetime.now(UTC)).total_seconds()
        now = there or now
    if facts["schema"] == facts["newest"] and inspect(connection).has_table(work.name):
        facts |= _work(connection, now, overdue_after)
        facts["unreadable"] = 0 if cipher is None else _unreadable(connection, cipher)
    return Inspection(**facts)


def _server(connection: Connection) -> str:
    version = ".".join(str(part) for part in connection.dialect.server_version_info or ())
    return f"{'SQLite' if connection.dialect.name == 'sqlite' else 'PostgreSQL'} {version}"


def _unsafe(connection: Connection) -> str | None:
    if connection.dialect.name != "postgresql":
        return None
    found = {name: str(connection.scalar(text(f"SHOW {name}"))) for name in UNSAFE}
    try:
        refuse_unsafe(found)
    except ConfigurationError as error:
        return str(error)
    return None


def _work(connection: Connection, now: datetime, overdue_after: float) -> dict[str, Any]:
    def count(*where: Any) -> int:
        some = select(work.c.id).where(*where).limit(COUNT_LIMIT).subquery()
        return connection.scalar(select(func.count()).select_from(some)) or 0

    oldest = connection.scalar(select(work.c.due_at).where(DUE).order_by(work.c.due_at).limit(1))
    ended = microseconds(now) - int(overdue_after * 1_000_000)
    return {
        "waiting": count(DUE),
        "oldest_due_seconds": 0.0 if oldest is None else max(0.0, (now - oldest).total_seconds()),
        "dead": count(DEAD),
        "overdue_leases": count(LEASED, text(f"leased_until < {ended:d}")),
    }


def _unreadable(connection: Connection, cipher: SecretCipher) -> int:
    rows = connection.execute(select(webhooks.c.id, webhooks.c.secret).limit(SECRETS_TRIED))
    return sum(not _opens(cipher, row.id, row.secret) for row in rows)


def _opens(cipher: SecretCipher, row_id: str, secret: str) -> bool:
    try:
        cipher.decrypt(secret, row_id=row_id)
    except ConfigurationError:
        return False
    return True
