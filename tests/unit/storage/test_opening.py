"""Opening a journal: which URLs there are, and what a store must be like."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.errors import ConfigurationError, StorageUnavailable
from smart_api_integrations.storage import open_journal, sqlite
from smart_api_integrations.storage.postgres import refuse_unsafe
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.storage.secret_cipher import SecretCipher


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def journal_at(url: str) -> Journal:
    ids = count()
    return open_journal(
        url, new_id=lambda prefix: f"{prefix}{next(ids):026}", cipher=SecretCipher([b"k" * 32])
    )


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://localhost/x", "'mysql' is not known; known are postgres, postgresql, sqlite"),
        ("", "cannot be read"),
        ("webhooks.db", "cannot be read"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("sqlite:///file:x?mode=memory&uri=true", "needs a file"),
    ],
)
def test_a_url_that_names_no_store_is_refused_with_advice(url: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        journal_at(url)


def test_importing_storage_loads_no_database_library() -> None:
    """The library part costs little: SQLAlchemy comes with the first journal that is opened."""
    code = (
        "import sys, smart_api_integrations.storage; "
        "print(sorted({'sqlalchemy', 'psycopg', 'alembic', 'sqlite3'} & set(sys.modules)))"
    )

    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )

    assert done.stdout.strip() == "[]"


async def test_the_file_and_its_companions_are_its_owners_alone(tmp_path: Path) -> None:
    journal = journal_at(f"sqlite:///{tmp_path}/webhooks.db")
    await journal.open()
    await journal.check()

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in files(tmp_path)}
    await journal.close()

    assert {"webhooks.db", "webhooks.db-wal"} <= set(modes)
    assert set(modes.values()) == {0o600}


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no/such/webhooks\.db"):
        await journal_at(f"sqlite:///{tmp_path}/no/such/webhooks.db").open()


async def test_a_file_that_is_no_database_is_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("these are notes, and no database at all\n" * 50)

    with pytest.raises(StorageUnavailable):
        await journal_at(f"sqlite:///{file}").open()

    assert file.read_text().startswith("these are notes")


async def test_every_commit_is_synced_and_readers_cannot_write(tmp_path: Path) -> None:
    journal = journal_at(f"sqlite:///{tmp_path}/webhooks.db")
    await journal.open()
    await journal.close()
    dialect = sqlite.Sqlite.at(f"sqlite:///{tmp_path}/webhooks.db")

    with dialect.connect_writer() as writer, dialect.connect_reader() as reader:
        found = {
            name: writer.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("synchronous", "journal_mode", "page_size", "mmap_size", "wal_autocheckpoint")
        }
        writer.rollback()
        with pytest.raises(Exception, match="readonly"):
            reader.exec_driver_sql("DELETE FROM events")

    assert found == {
        "synchronous": 2,
        "journal_mode": "wal",
        "page_size": 16_384,
        "mmap_size": 0,
        "wal_autocheckpoint": 256,
    }


async def test_an_sqlite_that_is_too_old_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))

    with pytest.raises(ConfigurationError, match=r"3\.35\.0 is needed"):
        await journal_at(f"sqlite:///{tmp_path}/webhooks.db").open()


async def test_no_secret_lies_in_the_file_in_the_clear(tmp_path: Path) -> None:
    journal = journal_at(f"sqlite:///{tmp_path}/webhooks.db")
    await journal.open()
    now = journal.now()
    await journal.endpoints.add(
        Endpoint(
            id="ep_1",
            url="https://example.com",
            events=("*",),
            secret="whsec_in_the_clear",
            created_at=now,
            updated_at=now,
        )
    )
    await journal.close()

    with closing(sqlite3.connect(tmp_path / "webhooks.db")) as file:
        (stored,) = file.execute("SELECT secret FROM webhooks").fetchone()
    assert stored.startswith("v1.")
    assert not any(b"in_the_clear" in path.read_bytes() for path in files(tmp_path))


@pytest.mark.parametrize("name", ["fsync", "full_page_writes"])
def test_a_postgres_that_may_lose_commits_is_refused(name: str) -> None:
    refuse_unsafe({"fsync": "on", "full_page_writes": "on"})

    with pytest.raises(ConfigurationError, match=f"{name} = on"):
        refuse_unsafe({"fsync": "on", "full_page_writes": "on"} | {name: "off"})


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(StorageUnavailable, match="postgresql database cannot be opened") as caught:
        await journal_at("postgresql://somebody:hunter2@127.0.0.1:1/x").open()

    assert "hunter2" not in str(caught.value)
