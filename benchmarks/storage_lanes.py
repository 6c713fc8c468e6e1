"""What a commit costs, and what gathering commits saves: the figures of docs/decisions/0001.

    python benchmarks/storage_lanes.py [--events 6000] [--rounds 3] [--postgres URL]

Each round runs every variant once, in another order; the table shows medians, and each variant against
"driver, a commit for each" of the same engine. Only the ratios of one run mean anything.

The bare variants write one row: an id, a provider's id, headers and a 2 KB body, without any index but the
primary key. The journal's write the whole event with its indexes, two dedupe keys and the counters, for 64
callers in an event loop; on SQLite also into a journal that holds 300,000 events, once with the keys as they
are (log, then sorted slices: ``storage.sqlite_tail``) and once straight into an index of random order.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import psycopg
from sqlalchemy import Column, Engine, LargeBinary, MetaData, Table, Text, create_engine, event, pool

from smart_api_integrations.application.identifiers import ulids
from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.journal import (
    Attempt,
    AttemptStatus,
    Handoff,
    Message,
    Outcome,
    Proof,
    ReceivedEvent,
)
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.storage import open_journal
from smart_api_integrations.storage.bulk import ManyRows, driver
from smart_api_integrations.storage.dialect import Holder, TakenKeys
from smart_api_integrations.storage.secret_cipher import SecretCipher
from smart_api_integrations.storage.sqlite import Sqlite

GROUP = 64
STORED_BEFORE = 300_000
BODY = os.urandom(1024).hex().encode()
HEADERS = tuple((f"X-Header-{n}", "a value of some length") for n in range(10))
COLUMNS = (Column("id", Text, primary_key=True), Column("event_id", Text))
BARE = Table("bare", MetaData(), *COLUMNS, Column("headers", LargeBinary), Column("body", LargeBinary))
new_id = ulids()
Variant = Callable[[str, int], float]


def bare_rows(events: int) -> list[dict[str, Any]]:
    """Return rows for the bare table."""
    return [
        {"id": new_id("evt_"), "event_id": os.urandom(16).hex(), "headers": b"h" * 200, "body": BODY}
        for _ in range(events)
    ]


def groups(rows: Sequence[Any], size: int) -> Iterable[list[Any]]:
    """Return *rows* in groups."""
    iterator = iter(rows)
    return iter(lambda: list(islice(iterator, size)), [])


def connect(url: str) -> Any:
    """Return a driver's connection that syncs every commit."""
    if not url.startswith("sqlite"):
        return psycopg.connect(url)
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    for setting in (
        "page_size = 16384",
        "journal_mode = WAL",
        "synchronous = FULL",
        "wal_autocheckpoint = 256",
    ):
        connection.execute(f"PRAGMA {setting}")
    return connection


def by_driver(size: int) -> Variant:
    """Return a variant that writes groups of *size* with the driver alone."""

    def run(url: str, events: int) -> float:
        connection = connect(url)
        mark = "?" if url.startswith("sqlite") else "%s"
        statement = f"INSERT INTO bare VALUES ({', '.join([mark] * 4)})"  # noqa: S608 - placeholders
        rows = [tuple(row.values()) for row in bare_rows(events)]
        cursor = connection.cursor()
        started = time.perf_counter()
        for group in groups(rows, size):
            cursor.execute("BEGIN") if mark == "?" else None
            cursor.executemany(statement, group) if size > 1 else cursor.execute(statement, group[0])
            connection.commit()
        took = time.perf_counter() - started
        connection.close()
        return events / took

    return run


def by_core(size: int) -> Variant:
    """Return a variant that writes groups of *size* with SQLAlchemy Core."""

    def run(url: str, events: int) -> float:
        engine = core_engine(url)
        rows = bare_rows(events)
        with engine.connect() as connection:
            started = time.perf_counter()
            for group in groups(rows, size):
                with connection.begin():
                    connection.execute(BARE.insert(), group)
            return events / (time.perf_counter() - started)

    return run


def core_engine(url: str) -> Engine:
    """Return an engine over the same kind of connection."""
    if url.startswith("sqlite"):
        engine = create_engine(url, creator=lambda: connect(url), poolclass=pool.NullPool)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        return engine
    return create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=pool.NullPool)


def received() -> ReceivedEvent:
    """Return an event as a gateway makes it."""
    return ReceivedEvent(
        id=new_id("evt_"),
        provider="github",
        webhook_name="default",
        event_type="push",
        event_id=os.urandom(16).hex(),
        path="/webhooks/github",
        headers=HEADERS,
        body=BODY,
        received_at=datetime.now(UTC),
        proof=Proof(scheme="hmac", algorithm="sha256"),
        dedupe_keys=(os.urandom(16), os.urandom(16)),
    )


async def with_callers(journal: Any, events: int, call: Callable[[Any], Any], callers: int = 64) -> float:
    """Return how many calls a second *callers* get through, each waiting for its answer."""
    todo = iter(range(events))

    async def caller() -> None:
        for _ in todo:
            await call(journal)

    started = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return events / (time.perf_counter() - started)


async def accept(journal: Any) -> None:
    """Keep one event."""
    await journal.events.accept(received(), [])


async def publish_and_record(journal: Any) -> None:
    """Keep one message with one delivery that is handed to us, and record its end."""
    message = Message(id=new_id("msg_"), event="a.b", body=BODY, created_at=datetime.now(UTC))
    handoff = Handoff(owner="worker", lease=timedelta(seconds=15))
    (claim,) = (await journal.messages.publish(message, handoff=handoff)).claims
    part = claim.work
    attempt = Attempt(
        id=new_id("att_"),
        work_id=part.id,
        kind=part.kind,
        target=part.target,
        subject_id=part.subject_id,
        number=1,
        status=AttemptStatus.SUCCEEDED,
        started_at=datetime.now(UTC),
        duration_ms=3.0,
        request_headers={"webhook-id": message.id},
        response_code=200,
        response_body="ok",
        phases={"ttfb": 2.5},
    )
    recorded = await journal.work.record(Outcome(work=part, state=State.DELIVERED, attempt=attempt))
    assert not recorded.stale


def by_journal(call: Callable[[Any], Any]) -> Variant:
    """Return a variant that makes *call* on an open journal."""

    async def run(url: str, events: int) -> float:
        journal = open_journal(url, new_id=new_id, cipher=SecretCipher([bytes(32)]))
        await journal.open()
        now = journal.now()
        endpoint = Endpoint(
            id=new_id("ep_"),
            url="https://a.example",
            events=("*",),
            secret="s" * 20,
            created_at=now,
            updated_at=now,
        )
        await journal.endpoints.add(endpoint)
        rate = await with_callers(journal, events, call)
        await journal.endpoints.remove(endpoint.id)
        await journal.close()
        return rate

    return lambda url, events: asyncio.run(run(url, events))


def full_journal(url: str) -> None:
    """Make a journal with the keys of many events in its index."""

    async def make() -> None:
        journal = open_journal(url, new_id=new_id, cipher=SecretCipher([bytes(32)]))
        await journal.open()
        await journal.close()

    asyncio.run(make())
    connection = connect(url)
    connection.execute("BEGIN")
    now = time.time_ns() // 1_000
    keys = ((os.urandom(16), f"evt_{n:026}", now) for n in range(2 * STORED_BEFORE))
    connection.executemany("INSERT INTO event_keys VALUES (?, ?, ?)", keys)
    theirs = ((os.urandom(16).hex(), f"evt_{n:026}") for n in range(STORED_BEFORE))
    connection.executemany("INSERT INTO provider_ids VALUES (?, ?)", theirs)
    connection.commit()
    connection.close()


KEYS_IN = ManyRows.of(head="INSERT INTO event_keys (hash, event_id, seen_at)", width=3)
IDS_IN = ManyRows.of(head="INSERT INTO provider_ids (provider_id, event_id)", width=2)


class Straight(Sqlite):
    """The plain way: every key goes into its index at once."""

    def take_keys(self, connection: Any, wanted: Mapping[bytes, Holder], *, expired: int) -> TakenKeys:
        """Look in the index alone."""
        places = ", ".join("?" * len(wanted))
        statement = f"SELECT hash, event_id, seen_at FROM event_keys WHERE hash IN ({places})"  # noqa: S608
        found = driver(connection).execute(statement, list(wanted))
        held = {key: (event_id, seen) for key, event_id, seen in found if seen > expired}
        return TakenKeys(held=held, written={})

    def remember(
        self, connection: Any, holders: Mapping[bytes, Holder], names: Sequence[tuple[str, str]]
    ) -> None:
        """Write into the indexes."""
        KEYS_IN.write(connection, [(key, *holder) for key, holder in sorted(holders.items())])
        IDS_IN.write(connection, sorted(names))


@dataclass(frozen=True)
class Row:
    """A line of the table: what it is called, how it runs, and on what."""

    name: str
    run: Variant
    full: bool = False
    plain: bool = False


ROWS = (
    Row("driver, a commit for each", by_driver(1)),
    Row("SQLAlchemy Core, a commit for each", by_core(1)),
    Row(f"driver, a commit for {GROUP}", by_driver(GROUP)),
    Row(f"SQLAlchemy Core, a commit for {GROUP}", by_core(GROUP)),
    Row("journal: accept", by_journal(accept)),
    Row("journal: publish, hand off, record", by_journal(publish_and_record)),
)
SQLITE_ROWS = (
    Row(f"journal: accept, {STORED_BEFORE:,} events before", by_journal(accept), full=True),
    Row("the same, keys straight into the index", by_journal(accept), full=True, plain=True),
)


def measure(row: Row, url: str, events: int) -> float:
    """Run *row* once on a fresh store."""
    kept = Sqlite.take_keys, Sqlite.remember
    if row.full:
        full_journal(url)
    if row.plain:
        Sqlite.take_keys = Straight.take_keys  # type: ignore[method-assign, assignment]
        Sqlite.remember = Straight.remember  # type: ignore[method-assign, assignment]
    if row.name.startswith(("driver", "SQLAlchemy")):
        engine = core_engine(url)
        BARE.metadata.drop_all(engine)
        BARE.metadata.create_all(engine)
    try:
        return row.run(url, events)
    finally:
        Sqlite.take_keys, Sqlite.remember = kept  # type: ignore[method-assign]


def fresh_postgres(server: str) -> str:
    """Return the URL of an empty database on *server*."""
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS storage_lanes WITH (FORCE)")
        admin.execute("CREATE DATABASE storage_lanes")
    return server.rpartition("/")[0] + "/storage_lanes"


def table_of(engine: str, rows: Sequence[Row], rounds: int, run: Callable[[Row], float]) -> None:
    """Measure *rows* and print their table."""
    rates: dict[str, list[float]] = {row.name: [] for row in rows}
    for _ in range(rounds):
        for row in random.sample(rows, len(rows)):
            rates[row.name].append(run(row))
    base = statistics.median(rates[rows[0].name])
    print(f"\n| {engine} | per second | ratio | lowest-highest |\n|---|---|---|---|")
    for name, found in rates.items():
        median = statistics.median(found)
        print(f"| {name} | {median:,.0f} | {median / base:.2f} | {min(found):,.0f}-{max(found):,.0f} |")


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=6_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--postgres", help="a server's URL, with a database of any name")
    asked = parser.parse_args()

    def on_sqlite(row: Row) -> float:
        with tempfile.TemporaryDirectory() as folder:
            return measure(row, f"sqlite:///{folder}/lanes.db", asked.events)

    table_of(f"SQLite {sqlite3.sqlite_version}", (*ROWS, *SQLITE_ROWS), asked.rounds, on_sqlite)
    if asked.postgres:
        table_of(
            "PostgreSQL",
            ROWS,
            asked.rounds,
            lambda row: measure(row, fresh_postgres(asked.postgres), asked.events),
        )


if __name__ == "__main__":
    main()
