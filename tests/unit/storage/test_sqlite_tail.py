"""Keys that pass from the log through memory to the index: none is ever lost on the way."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, event, pool, text

from smart_api_integrations.storage import sqlite_tail
from smart_api_integrations.storage.dialect import Holder
from smart_api_integrations.storage.sqlite_tail import Tail
from smart_api_integrations.storage.tables import event_keys, metadata, provider_ids, recent_keys

GENERATION = 50


@pytest.fixture
def connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    monkeypatch.setattr(sqlite_tail, "GENERATION", GENERATION)
    engine = create_engine(
        f"sqlite:///{tmp_path}/tail.db", poolclass=pool.NullPool, connect_args={"isolation_level": None}
    )
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.connect() as connection:
        with connection.begin():
            metadata.create_all(connection, tables=[event_keys, provider_ids, recent_keys])
        yield connection


def known(tail: Tail, connection: Connection, key: bytes) -> Holder | None:
    """Look a key up as the engine does: in memory, then in the index."""
    query = text("SELECT event_id, seen_at FROM event_keys WHERE hash = :key")
    found = connection.execute(query, {"key": key}).one_or_none()
    return tail.get(key) or (None if found is None else (found.event_id, found.seen_at))


def named(connection: Connection, name: str) -> set[str]:
    """Look a provider's id up as the engine does: in the index, and in the log."""
    query = text(
        "SELECT event_id FROM provider_ids WHERE provider_id = :name"
        " UNION SELECT event_id FROM recent_keys WHERE provider_id = :name"
    )
    return set(connection.scalars(query, {"name": name}))


def put(tail: Tail, connection: Connection, holders: dict[bytes, Holder], *, commit: bool = True) -> None:
    names = [(f"their {event_id}", event_id) for event_id, _ in set(holders.values())]
    transaction = connection.begin()
    tail.begin()
    tail.catch_up(connection)
    tail.add(connection, holders, names)
    if commit:
        transaction.commit()
        tail.committed()
    else:
        transaction.rollback()


def count(connection: Connection, table: str) -> int:
    with connection.begin():
        return connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0  # noqa: S608 - this file's names


def test_every_entry_is_known_at_every_moment(connection: Connection) -> None:
    """Over several generations, with rollbacks, restarts and a second writer."""
    dice = random.Random(7)  # noqa: S311 - the same run every time
    tails = [Tail(), Tail()]
    written: dict[bytes, Holder] = {}
    for number in range(400):
        which = dice.randrange(2)
        if dice.random() < 0.02:
            tails[which] = Tail()
        commit = dice.random() > 0.1
        keys = [dice.randbytes(16) for _ in range(dice.randrange(1, 9))]
        repeated = dice.sample(sorted(written), min(len(written), 1))
        batch = {key: (f"evt_{number}_{place // 2}", number) for place, key in enumerate(keys + repeated)}
        put(tails[which], connection, batch, commit=commit)
        if commit:
            written |= batch
        for tail in tails:
            with connection.begin():
                tail.begin()
                tail.catch_up(connection)
                for key in dice.sample(sorted(written), min(20, len(written))):
                    assert known(tail, connection, key) == written[key]
                    event_id = written[key][0]
                    assert named(connection, f"their {event_id}") == {event_id}
                assert known(tail, connection, dice.randbytes(15)) is None

    assert count(connection, "event_keys") > 10 * GENERATION


def test_what_is_in_the_index_leaves_the_log(connection: Connection) -> None:
    tail = Tail()
    for number in range(300):
        put(
            tail,
            connection,
            {number.to_bytes(2, "big") + bytes([n]): (f"evt_{number}", 1) for n in range(10)},
        )

    assert count(connection, "event_keys") > 3_000 - 4 * GENERATION
    assert count(connection, "provider_ids") > 300 - 4 * GENERATION / 10
    assert count(connection, "recent_keys") < 5 * GENERATION / 10


def test_an_older_entry_never_replaces_a_newer_one_in_the_index(connection: Connection) -> None:
    tail = Tail()
    with connection.begin():
        connection.execute(text("INSERT INTO event_keys VALUES (:key, 'newer', 9)"), {"key": b"key"})
    put(tail, connection, {b"key": ("older", 5)})
    for number in range(30):
        put(tail, connection, {bytes([number, n]): (f"evt_{number}", 1) for n in range(10)})

    with connection.begin():
        assert connection.scalar(text("SELECT event_id FROM event_keys WHERE hash = x'6b6579'")) == "newer"


def test_what_was_rolled_back_is_not_known(connection: Connection) -> None:
    tail = Tail()
    put(tail, connection, {b"kept": ("evt_1", 1)})
    put(tail, connection, {b"lost": ("evt_2", 1)}, commit=False)
    put(tail, connection, {b"later": ("evt_3", 1)})

    with connection.begin():
        tail.begin()
        tail.catch_up(connection)
        assert [known(tail, connection, key) for key in (b"kept", b"lost", b"later")] == [
            ("evt_1", 1),
            None,
            ("evt_3", 1),
        ]
        assert named(connection, "their evt_2") == set()
