"""Copying a database while it is used. Floor 3.

SQLite is copied in one read transaction, so the copy is of one moment and no writer waits. PostgreSQL has a
tool for it, which is called where it is installed.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from smart_api_integrations.errors import ConfigurationError, InvalidInput, StorageUnavailable
from smart_api_integrations.storage.database_url import database_url

SQLITE = "sqlite"


def back_up(url: str, target: Path) -> int:
    """Copy the database that *url* names to *target*, whole or not at all; return the copy's bytes.

    Raises:
        InvalidInput: There is a file of that name already, or its folder cannot be written to.
        ConfigurationError: PostgreSQL's `pg_dump` is not installed; the message says what to run.
        StorageUnavailable: The copy failed; nothing is left of it.
    """
    if target.exists():
        message = f"{target} is there already: a backup replaces nothing"
        raise InvalidInput(message)
    draft = target.with_name(target.name + ".partial")
    try:
        (_copy_sqlite if url.startswith(SQLITE) else _dump_postgres)(url, draft)
        draft.replace(target)
    except (sqlite3.Error, OSError) as error:
        message = f"The backup failed ({type(error).__name__}): {target} was not written"
        raise StorageUnavailable(message) from error
    finally:
        draft.unlink(missing_ok=True)
    return target.stat().st_size


def _copy_sqlite(url: str, draft: Path) -> None:
    file = Path(database_url(url).database or "")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    address = f"{file.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as source, closing(sqlite3.connect(draft)) as copy:
        source.backup(copy)  # all pages in one step: one read transaction
        copy.execute("PRAGMA journal_mode = DELETE")
        (verdict,) = copy.execute("PRAGMA quick_check").fetchone()
    if verdict != "ok":
        message = (
            f"The copy is damaged ({verdict}): check the disk, and the database by `PRAGMA integrity_check`"
        )
        raise StorageUnavailable(message)
    with draft.open("rb") as written:
        os.fsync(written.fileno())


def _dump_postgres(url: str, draft: Path) -> None:
    program = shutil.which("pg_dump")
    parts = urlsplit(url.replace("postgresql+psycopg:", "postgresql:", 1))
    host = f"{parts.username or ''}@{parts.hostname}:{parts.port or 5432}"
    bare = f"postgresql://{host}{parts.path}"
    if program is None:
        message = (
            "PostgreSQL is backed up by its own pg_dump, which is not installed here. Where it is, run:\n"
            f"  pg_dump --format=custom --file={draft.stem} {bare}"
        )
        raise ConfigurationError(message)
    environ = os.environ | ({"PGPASSWORD": parts.password} if parts.password else {})
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    done = subprocess.run(  # noqa: S603 - the program that was found, and the database's own address
        [program, "--format=custom", f"--file={draft}", bare],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        message = f"pg_dump failed: {done.stderr.strip()[-500:]}"
        raise StorageUnavailable(message)
