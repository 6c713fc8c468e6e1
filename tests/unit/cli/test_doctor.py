"""What the doctor finds, what it says to do, and that it changes nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest

from smart_api_integrations.application.identifiers import ulids
from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.storage import open_journal
from smart_api_integrations.storage.inspection import inspect_database
from smart_api_integrations.storage.secret_cipher import SecretCipher, key_file_beside
from smart_api_integrations.watch import checkup
from tests.own_services import free_port
from tests.running_server import fresh_postgres


@pytest.fixture
def doctor(cli):
    def look(*words: str):
        ended = cli("doctor", "--json", *words)
        return ended.code, {(each["what"], each["verdict"]): each for each in ended.objects}

    return look


async def opened(url: str, cipher: SecretCipher, *, with_endpoint: bool = False) -> None:
    """Make a journal, as its first start does."""
    journal = open_journal(url, new_id=ulids(), cipher=cipher)
    await journal.open()
    if with_endpoint:
        now = journal.now()
        endpoint = Endpoint(
            id="ep_1", url="https://example.com", events=("*",), secret="s", created_at=now, updated_at=now
        )
        await journal.endpoints.add(endpoint)
    await journal.close()


@pytest.fixture
def journal(cli, tmp_path):
    """Make the journal that the doctor finds in its folder."""
    asyncio.run(opened("sqlite:///webhooks.db", SecretCipher(key_file_beside(tmp_path / "webhooks.db"))))
    return tmp_path / "webhooks.db"


def test_an_empty_folder_is_no_fault_and_stays_empty(doctor, tmp_path):
    before = set(tmp_path.iterdir())

    code, found = doctor()

    assert code == 0
    assert found["database", "warn"]["fix"] == "The first start makes it."
    assert set(tmp_path.iterdir()) == before


def test_what_is_well_is_said_to_be_well(doctor, journal):
    before = journal.read_bytes()

    code, found = doctor()

    assert code == 0
    for what in ("settings", "database", "schema", "clock", "backlog", "leases", "encryption", "disk"):
        assert (what, "ok") in found
    assert journal.read_bytes() == before


def test_for_people_it_is_a_table_with_what_to_do(cli, tmp_path):
    ended = cli("doctor")

    assert ended.out.startswith("ok    settings")
    assert "→ The first start makes it." in ended.out
    assert ended.lines[-1] == "All is well."


def test_settings_that_cannot_be_used_are_all_told(doctor, monkeypatch):
    monkeypatch.setenv("WEBHOOKS_PORT", "high")
    monkeypatch.setenv("WEBHOOKS_PROCESSES", "0")

    code, found = doctor()

    assert code == 6
    assert found["settings", "fail"]["fix"]


def test_files_that_others_may_read_are_a_fault_with_the_command_that_mends_them(doctor, journal):
    journal.with_name("webhooks.db.key").chmod(0o644)

    code, found = doctor()

    assert code == 6
    assert found["permissions", "fail"]["fix"].startswith("chmod 600 ")


def test_a_schema_of_another_version_is_told_and_left_alone(doctor, journal):
    with closing(sqlite3.connect(journal)) as file:
        file.execute("UPDATE smart_api_integrations_version SET version_num = '0001'")
        file.commit()

    code, found = doctor()

    assert code == 6
    assert "it is at 0001" in found["schema", "fail"]["found"]
    assert ("backlog", "ok") not in found


def test_backlog_dead_letters_and_leases_of_the_dead_are_told(doctor, journal):
    row = (
        "INSERT INTO work (id, tenant, kind, subject_id, target, state, attempt_count, failures,"
        " max_attempts, due_at, leased_until, fence, created_at, updated_at)"
        " VALUES (?, 'default', ?, 'msg_1', 'ep_1', ?, 1, 0, 3, ?, ?, 1, 0, 0)"
    )
    kind = Kind.DELIVERY.value
    with closing(sqlite3.connect(journal)) as file:
        file.execute(row, ("dlv_1", kind, "pending", 1, None))
        file.execute(row, ("dlv_2", kind, "delivering", None, 1))
        file.execute(row, ("dlv_3", kind, "failed", None, None))
        file.commit()

    code, found = doctor()

    assert code == 6
    assert found["backlog", "warn"]["found"].startswith("1 wait, the oldest due for ")
    assert found["leases", "fail"]["found"].startswith("1 of dead workers ended")
    assert found["dead", "warn"]["found"] == "1 dead letters"


def test_secrets_that_no_key_opens_are_counted(doctor, tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path}/webhooks.db"
    asyncio.run(opened(url, SecretCipher([b"a" * 32]), with_endpoint=True))
    monkeypatch.setenv("WEBHOOKS_ENCRYPTION_KEYS", "another key of more than sixteen characters")

    code, found = doctor()

    assert code == 6
    assert "1 endpoints open with no key" in found["encryption", "fail"]["found"]


def test_services_that_do_not_answer_are_named_without_their_passwords(doctor, monkeypatch):
    monkeypatch.setenv("WEBHOOKS_REDIS_URL", f"redis://:hunter2@127.0.0.1:{free_port()}/0")
    monkeypatch.setenv("WEBHOOKS_BROKER_URL", f"amqp://me:hunter2@127.0.0.1:{free_port()}/")

    code, found = doctor()

    assert code == 6
    assert "Limits hold per process" in found["redis", "fail"]["fix"]
    assert "wait in the journal" in found["broker", "fail"]["fix"]
    assert "hunter2" not in str(found)


def test_a_database_that_is_away_is_told_without_its_password(doctor, monkeypatch):
    monkeypatch.setenv("WEBHOOKS_ENCRYPTION_KEYS", "a key of more than sixteen characters")

    code, found = doctor("--database-url", f"postgresql://me:hunter2@127.0.0.1:{free_port()}/webhooks")

    assert code == 6
    assert "cannot be read" in found["database", "fail"]["found"]
    assert "hunter2" not in str(found)


def test_postgresql_without_a_key_is_told_how_to_make_one(doctor):
    code, found = doctor("--database-url", f"postgresql://127.0.0.1:{free_port()}/webhooks")

    assert code == 6
    assert "export WEBHOOKS_ENCRYPTION_KEYS=" in found["encryption", "fail"]["fix"]


def test_a_plain_public_url_is_warned_of_and_strict_makes_it_a_fault(doctor, monkeypatch):
    monkeypatch.setenv("WEBHOOKS_PUBLIC_URL", "http://hooks.example.com")

    assert doctor()[1]["public url", "warn"]["fix"]
    assert doctor()[0] == 0
    assert doctor("--strict")[0] == 6


def test_a_full_disk_is_told(doctor, journal, monkeypatch):
    monkeypatch.setattr(checkup, "LITTLE_SPACE", 2**62)
    assert ("disk", "warn") in doctor()[1]

    monkeypatch.setattr(checkup, "NO_SPACE", 2**61)
    assert ("disk", "fail") in doctor()[1]


@pytest.mark.postgres
def test_postgresql_is_looked_at_and_not_changed(postgres_url):
    cipher = SecretCipher([b"k" * 32])
    with fresh_postgres(postgres_url) as url:
        before = inspect_database(url, cipher=cipher, overdue_after=60)
        asyncio.run(opened(url, cipher, with_endpoint=True))
        after = inspect_database(url, cipher=cipher, overdue_after=60)

    assert before is not None
    assert before.schema is None
    assert before.server.startswith("PostgreSQL ")
    assert after is not None
    assert after.is_current
    assert after.unsafe is None
    assert after.unreadable == 0
    assert abs(after.clock_skew_seconds) < 5
