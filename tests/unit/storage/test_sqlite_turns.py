"""Connections that write to one SQLite file take turns, whoever they belong to."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import sqlite3
from contextlib import closing

import pytest

from smart_api_integrations.application.identifiers import ulids
from smart_api_integrations.errors import ConfigurationError, StorageUnavailable
from smart_api_integrations.storage import opening, sqlite, sqlite_turns
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.storage.secret_cipher import SecretCipher
from smart_api_integrations.storage.sqlite_turns import Turns, TurnTaking, taking_turns, turn_file


def journal_at(url: str) -> Journal:
    return opening.open_journal(url, new_id=ulids(), cipher=SecretCipher([bytes(32)]))


def is_free(database) -> bool:
    file = os.open(turn_file(database), os.O_RDWR)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(file)


@pytest.fixture
def connection(tmp_path):
    connect = taking_turns(tmp_path / "w.db", seconds=0.05)
    with closing(connect(tmp_path / "w.db", isolation_level=None)) as made:
        assert isinstance(made, TurnTaking)
        assert made.turns is not None
        yield made


@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
def test_a_turn_lasts_as_long_as_the_transaction(connection, tmp_path, end):
    connection.turns.take()
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("CREATE TABLE t (n)")
    assert not is_free(tmp_path / "w.db")

    getattr(connection, end)()

    assert is_free(tmp_path / "w.db")


def test_a_second_one_waits_and_then_gives_up_as_sqlite_does(connection, tmp_path):
    connection.turns.take()
    other = Turns(tmp_path / "w.db", seconds=0.02)

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.take()
    connection.turns.give_back()
    other.take()

    assert not is_free(tmp_path / "w.db")
    other.close()
    assert is_free(tmp_path / "w.db")


async def test_two_journals_on_one_file_write_at_once_and_lose_nothing(tmp_path):
    url = f"sqlite:///{tmp_path}/webhooks.db"
    journals = [journal_at(url) for _ in range(3)]
    for journal in journals:
        await journal.open()

    await asyncio.gather(*(journal.check() for _ in range(50) for journal in journals))
    for journal in journals:
        await journal.close()

    with closing(sqlite3.connect(tmp_path / "webhooks.db")) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert file.execute("SELECT sum(n) FROM traffic WHERE measure = 'checked'").fetchone() == (150,)


async def test_who_holds_its_turn_too_long_makes_the_others_unavailable(tmp_path):
    journal = journal_at(f"sqlite:///{tmp_path}/webhooks.db?timeout=0.05")
    await journal.open()
    stuck = Turns(tmp_path / "webhooks.db", seconds=1)
    stuck.take()

    with pytest.raises(StorageUnavailable):
        await journal.check()
    stuck.close()
    await journal.check()

    await journal.close()


def test_where_turns_cannot_be_taken_an_old_sqlite_is_told_or_refused(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(sqlite_turns, "CAN_TAKE_TURNS", False)
    monkeypatch.setattr(sqlite, "CAN_TAKE_TURNS", False)
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 2))
    url = f"sqlite:///{tmp_path}/webhooks.db"

    sqlite.Sqlite.at(url).prepare()
    with pytest.raises(ConfigurationError, match=r"use SQLite 3\.51\.3, or PostgreSQL"):
        opening.refuse_several_processes(url)

    assert [getattr(record, "action", "") for record in caplog.records] == ["sqlite.several_writers"]


def test_a_newer_sqlite_or_postgresql_may_have_several_processes(monkeypatch):
    monkeypatch.setattr(sqlite_turns, "CAN_TAKE_TURNS", False)
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 3))

    opening.refuse_several_processes("sqlite:///webhooks.db")
    opening.refuse_several_processes("postgresql://localhost/webhooks")
