"""Opening the journal that a URL names: which engine, and whether it is installed. Floor 3.

SQLAlchemy and an engine's driver are imported when a journal is opened, and not before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.storage.secret_cipher import SecretCipher

DEDUPE_WINDOW = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Where an engine's ``Dialect`` is, and which extra brings its driver."""

    module: str
    name: str
    extra: str


SQLITE = Engine(module="smart_api_integrations.storage.sqlite", name="Sqlite", extra="server")
POSTGRES = Engine(module="smart_api_integrations.storage.postgres", name="Postgres", extra="server,postgres")
ENGINES = {"sqlite": SQLITE, "postgresql": POSTGRES, "postgres": POSTGRES}


def open_journal(
    url: str,
    *,
    new_id: Callable[[str], str],
    cipher: SecretCipher,
    clock: Callable[[], datetime] | None = None,
    dedupe_window: timedelta = DEDUPE_WINDOW,
    broker: Endpoint | None = None,
) -> Journal:
    """Return the journal that *url* names; ``await journal.open()`` before the first use.

    Args:
        url: ``sqlite:///webhooks.db``, ``sqlite:////absolute/path.db`` or ``postgresql://…``.
        new_id: Makes an id from its prefix, from any thread: ``new_id("dlv_")``; a ULID follows it.
        cipher: Encrypts the endpoints' secrets.
        clock: Takes the place of the database's clock, for tests.
        dedupe_window: How long a repeated event is recognised.
        broker: Gets a delivery of every tenant's messages that its ``events`` match, as an endpoint would.

    Raises:
        ConfigurationError: The scheme is unknown, the URL names no database, or what the engine needs
            is not installed.
    """
    scheme, separator, _ = url.partition("://")
    engine = ENGINES.get(scheme.partition("+")[0])
    if not separator:
        message = (
            "The database URL cannot be read: write sqlite:///webhooks.db or postgresql://user@host/name"
        )
        raise ConfigurationError(message)
    if engine is None:
        message = f"The database scheme {scheme!r} is not known; known are {', '.join(sorted(ENGINES))}"
        raise ConfigurationError(message)
    try:
        dialect = getattr(import_module(engine.module), engine.name).at(url)
        assemble = import_module("smart_api_integrations.storage.journal").assemble
    except ImportError as error:
        message = f"{scheme} needs {error.name}: pip install 'smart-api-integrations[{engine.extra}]'"
        raise ConfigurationError(message) from error
    journal: Journal = assemble(
        dialect, new_id=new_id, cipher=cipher, clock=clock, dedupe_window=dedupe_window, broker=broker
    )
    return journal


def refuse_several_processes(url: str) -> None:
    """Refuse a database that several processes cannot safely share; return where they can.

    Raises:
        ConfigurationError: It is an SQLite with the bug of ``sqlite_turns``, on a system without its lock.
    """
    if not url.startswith("sqlite"):
        return
    turns = import_module("smart_api_integrations.storage.sqlite_turns")
    library = import_module("sqlite3")
    if turns.CAN_TAKE_TURNS or library.sqlite_version_info >= turns.SEVERAL_WRITERS_SAFE:
        return
    message = (
        f"SQLite {library.sqlite_version} can corrupt a file that several processes write to, and this "
        "system has no lock for them to take turns with: run one process, use SQLite 3.51.3, or PostgreSQL."
    )
    raise ConfigurationError(message)
