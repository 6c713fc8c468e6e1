"""``webhooks db``: the schema, backups, purging and keys, on a database of one's own."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tests.journal_scenes import Scene, open_platform

OLD, NEW = "an old key of more than sixteen characters", "a new key of more than sixteen characters"


@pytest.fixture
def database(tmp_path: Path, cli, monkeypatch) -> Path:
    """Fill a database with an event and an endpoint whose secret is under the old key."""
    monkeypatch.setenv("WEBHOOKS_ENCRYPTION_KEYS", OLD)

    async def fill() -> None:
        async with open_platform(tmp_path, encryption_keys=(OLD,)) as platform:
            scene = Scene(platform=platform)
            await scene.endpoint("https://one.example.com/")
            await scene.event("shop.on_push")
            for one in await scene.claims():
                await scene.die(one)

    asyncio.run(fill())
    made = tmp_path / "webhooks.db"
    monkeypatch.setenv("WEBHOOKS_DATABASE_URL", f"sqlite:///{made}")
    return made


def test_status_tells_an_old_schema_from_a_current_one(cli, database, tmp_path):
    current = cli("db", "status", "--json")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE smart_api_integrations_version SET version_num = '0001'")
        connection.commit()
    old = cli("db", "status")

    assert current.json["is_current"] is True
    assert current.json["schema"] == current.json["newest"]
    assert (old.code, "webhooks db upgrade" in old.out) == (6, True)
    assert cli("db", "status", "--db", f"sqlite:///{tmp_path}/none.db").code == 3
    assert not (tmp_path / "none.db").exists()


def test_upgrade_makes_the_newest_schema(cli, database):
    assert cli("db", "upgrade").code == 0
    assert cli("db", "status").code == 0


def test_a_backup_is_a_database_that_opens(cli, database, tmp_path):
    copy = tmp_path / "copy.db"

    made = cli("db", "backup", str(copy))

    assert made.code == 0
    assert "key" in made.out
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    listed = cli("events", "list", "--json", "--db", f"sqlite:///{copy}").objects
    assert listed == cli("events", "list", "--json").objects
    assert len(listed) == 1
    assert not list(tmp_path.glob("*.partial"))


def test_a_backup_replaces_nothing(cli, database, tmp_path):
    there = tmp_path / "there.db"
    there.write_text("mine")

    assert cli("db", "backup", str(there)).code == 2
    assert there.read_text() == "mine"
    assert cli("db", "backup", str(tmp_path / "no" / "folder.db")).code == 75


def test_a_backup_of_postgresql_says_what_to_run(cli, monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    url = "postgresql://user:hidden@db.example.com/shop"

    told = cli("db", "backup", str(tmp_path / "x.dump"), "--db", url)

    assert told.code == 78
    assert "pg_dump --format=custom --file=x.dump postgresql://user@db.example.com:5432/shop" in told.err
    assert "hidden" not in told.err + told.out


def test_purge_counts_what_it_forgets(cli, database, monkeypatch):
    monkeypatch.setenv("WEBHOOKS_RETENTION_DEAD_LETTERS", "0s")

    counts = cli("db", "purge", "--json").json

    assert counts == {"payloads": 0, "dead_letters": 1, "finished": 0, "rejected": 0, "audit": 0}
    assert cli("dead-letters", "list", "--json").objects == []
    monkeypatch.setenv("WEBHOOKS_RETENTION_DEAD_LETTERS", "never")
    assert "dead_letters" not in cli("db", "purge", "--json").json
    monkeypatch.setenv("WEBHOOKS_RETENTION_DEAD_LETTERS", "soon")
    assert cli("db", "purge").code == 78


def test_keys_are_rotated_and_the_old_one_may_go(cli, database, monkeypatch):
    monkeypatch.setenv("WEBHOOKS_ENCRYPTION_KEYS", NEW)
    assert cli("db", "rotate-keys").code == 78
    monkeypatch.setenv("WEBHOOKS_ENCRYPTION_KEYS", f"{NEW},{OLD}")
    assert cli("db", "rotate-keys", "--json").json == {"sealed_anew": 1}
    assert cli("db", "rotate-keys", "--json").json == {"sealed_anew": 0}
    monkeypatch.setenv("WEBHOOKS_ENCRYPTION_KEYS", NEW)

    (listed,) = cli("endpoints", "list", "--json").objects
    assert listed["secret"].startswith("whsec_")


@pytest.mark.postgres
def test_a_backup_of_postgresql_by_its_own_tool(cli, postgres_url, tmp_path, monkeypatch):
    if shutil.which("pg_dump") is None:
        pytest.skip("pg_dump is not installed")
    from tests.running_server import fresh_postgres  # noqa: PLC0415 - of this test alone

    monkeypatch.setenv("WEBHOOKS_ENCRYPTION_KEYS", OLD)
    with fresh_postgres(postgres_url) as url:
        assert cli("db", "upgrade", "--db", url).code == 0
        made = cli("db", "backup", str(tmp_path / "x.dump"), "--db", url)
        status = cli("db", "status", "--db", url)

    if made.code == 75:
        assert "pg_dump failed" in made.err  # an older tool than the server refuses
        pytest.skip("this pg_dump is older than the server")
    assert (made.code, status.code) == (0, 0)
    assert (tmp_path / "x.dump").read_bytes().startswith(b"PGDMP")
    assert [path.name for path in tmp_path.iterdir()] == ["x.dump"]


def test_one_payload_is_expunged_when_somebody_says_yes(cli, database):
    (event,) = cli("events", "list", "--json").objects

    assert cli("events", "expunge", event["id"]).code != 0
    assert "refs/heads/main" in cli("events", "show", event["id"]).out
    assert cli("events", "expunge", event["id"], "--yes").code == 0
    assert cli("events", "show", event["id"], "--json").json["body"] == ""
    assert cli("events", "replay", event["id"]).code == 2
    assert cli("events", "expunge", "evt_none", "--yes").code == 3
