"""Pages: how long the dashboard takes with a million events behind it.

    python benchmarks/pages.py [--events 1000000] [--engine sqlite|postgres] [--tries 25]

The rows are made by the database itself out of a few that the journal wrote, so they are as the journal
writes them; then every page is asked for through the whole application, without a network. A list or a
filter is to answer within 200 ms at p95, the overview within 500 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

import psycopg
from sqlalchemy import Table

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.server.application import create_app
from smart_api_integrations.settings import Settings
from smart_api_integrations.storage.tables import (
    delivery_attempts,
    events,
    handling_attempts,
    messages,
    tallies,
    traffic,
    work,
)
from tests.asgi_call import call
from tests.journal_scenes import Scene, new_id

POSTGRES = os.environ.get("WEBHOOKS_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test")
KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
LIST_LIMIT, OVERVIEW_LIMIT = 0.2, 0.5
PROVIDERS = ("github", "stripe", "shopify", "slack", "gitlab")
TYPES = ("push", "invoice.paid", "orders/create", "message", "pipeline", "created", "deleted", "updated")
DAYS = 7
FAILED_EVERY, RETRIED_EVERY, SENT_EVERY = 400, 900, 3
Execute = Callable[[str], Any]


class Filling:
    """Copies template rows in bulk, in either database's words."""

    def __init__(self, execute: Execute, *, engine: str, count: int, templates: int) -> None:
        """Make *count* events out of *templates* that are there."""
        self._execute = execute
        self._is_postgres = engine == "postgres"
        self._count = count
        self._templates = templates
        now = int(datetime.now(UTC).timestamp() * 1e6)
        self._first = now - DAYS * 86_400_000_000
        self._step = DAYS * 86_400_000_000 // count

    def fill(self) -> None:
        """Make the events with a handling each, every third with a message and its delivery, and counters."""
        self._execute(f"CREATE TABLE series AS {self._numbers()}")
        at = f"{self._first} + s.n * {self._step}"
        event = {"id": self._id("evt_", "s.n"), "received_at": at, "duplicates": "0"}
        self._copy(events, "template_events", event)
        state = self._cases({FAILED_EVERY: "'failed'", RETRIED_EVERY: "'retry_scheduled'"}, "'completed'")
        due = self._cases({FAILED_EVERY: "NULL", RETRIED_EVERY: str(self._first * 2)}, "NULL")
        failures = self._cases({FAILED_EVERY: "4", RETRIED_EVERY: "1"}, "0")
        common = {"created_at": at, "updated_at": at, "failures": failures, "state": state, "due_at": due}
        handling = {"id": self._id("hdl_", "s.n"), "subject_id": event["id"]} | common
        self._copy(work, "template_handlings", handling)
        attempt = {"id": self._id("att_", "s.n"), "work_id": handling["id"], "event_id": event["id"]}
        self._copy(handling_attempts, "template_handling_attempts", attempt)
        sent = f"s.n % {SENT_EVERY} = 0"
        message = {"id": self._id("msg_", "s.n"), "event_id": event["id"], "created_at": at}
        self._copy(messages, "template_messages", message, where=sent)
        delivery = {"id": self._id("dlv_", "s.n"), "subject_id": message["id"]} | common
        delivery["state"] = state.replace("'completed'", "'delivered'")
        self._copy(work, "template_deliveries", delivery, where=sent)
        tried = {"id": self._id("att_", "s.n"), "work_id": delivery["id"], "payload_id": message["id"]}
        self._copy(delivery_attempts, "template_delivery_attempts", tried, where=sent)
        self._count_everything()
        self._execute("ANALYZE")

    def _count_everything(self) -> None:
        minutes = self._first // 60_000_000
        measures = ("accepted", "duplicate", "rejected", "handled", "handling_failed", "delivered")
        for measure in measures:
            row = {"minute": f"{minutes} + s.n", "measure": f"'{measure}'", "shard": "'shd_x'", "n": "90"}
            self._copy(traffic, "template_traffic", row, where=f"s.n < {DAYS * 1440}", each=True)
        slots = self._first // 300_000_000
        labels = [("type", "", f"{p}/{t}") for p in PROVIDERS for t in TYPES]
        labels += [("latency", subject, str(n)) for subject in ("", "handlings") for n in range(20, 40)]
        labels += [("code", "", code) for code in ("200", "202", "500", "503", "none")]
        for what, subject, label in labels:
            row = {"what": f"'{what}'", "subject": f"'{subject}'", "slot": f"{slots} + s.n"}
            row |= {"label": f"'{label}'", "shard": "'shd_x'", "n": "7"}
            self._copy(tallies, "template_tallies", row, where=f"s.n < {DAYS * 288}", each=True)

    def _copy(
        self, table: Table, template: str, values: dict[str, str], *, where: str = "1 = 1", each: bool = False
    ) -> None:
        columns = ", ".join(f'"{column.name}"' for column in table.c)
        chosen = ", ".join(values.get(column.name, f't."{column.name}"') for column in table.c)
        join = "1 = 1" if each else f"t.place = s.n % {self._templates}"
        chosen_from = f"FROM series s JOIN {template} t ON {join} WHERE {where} ORDER BY s.n"
        self._execute(" ".join((f'INSERT INTO "{table.name}" ({columns})', "SELECT", chosen, chosen_from)))

    def _numbers(self) -> str:
        if self._is_postgres:
            return f"SELECT generate_series(0::bigint, {self._count - 1}) AS n"
        counting = f"VALUES (0) UNION ALL SELECT n + 1 FROM s WHERE n < {self._count - 1}"  # noqa: S608 - ours
        return f"WITH RECURSIVE s(n) AS ({counting}) SELECT n FROM s"  # noqa: S608 - ours

    def _id(self, prefix: str, number: str) -> str:
        padded = f"lpad({number}::text, 26, '0')" if self._is_postgres else f"printf('%026d', {number})"
        return f"'{prefix}' || {padded}"

    def _cases(self, found: dict[int, str], otherwise: str) -> str:
        whens = " ".join(f"WHEN s.n % {every} = 0 THEN {value}" for every, value in found.items())
        return f"(CASE {whens} ELSE {otherwise} END)"


async def seed(platform: Platform) -> int:
    """Let the journal write one of each; return how many events."""
    scene = Scene(platform=platform)
    endpoint = await scene.endpoint("https://crm.example/hooks")
    for number in range(40):
        provider, kind = PROVIDERS[number % 5], TYPES[number % 8]
        event = await scene.event("orders.sync", provider=provider, event_type=kind, event_id=new_id("p_"))
        for claim in await scene.claims():
            await scene.succeed(claim)
        await scene.message("order.created", {"n": number}, event_id=event.id)
        for claim in await scene.claims():
            await scene.succeed(claim)
    assert endpoint
    return 40


def make_templates(execute: Execute) -> None:
    """Number the rows that the journal wrote, and take them out of the way."""
    parts = {
        "template_events": ("events", "1 = 1"),
        "template_messages": ("messages", "1 = 1"),
        "template_handlings": ("work", "kind = 'handling'"),
        "template_deliveries": ("work", "kind = 'delivery'"),
        "template_handling_attempts": ("handling_attempts", "1 = 1"),
        "template_delivery_attempts": ("delivery_attempts", "1 = 1"),
    }
    for name, (table, where) in parts.items():
        numbered = "*, row_number() OVER (ORDER BY id) - 1 AS place"
        execute(" ".join((f"CREATE TABLE {name} AS SELECT", numbered, f"FROM {table} WHERE {where}")))
    for name in ("traffic", "tallies"):
        execute(" ".join((f"CREATE TABLE template_{name} AS SELECT * FROM", name, "LIMIT 1")))
    emptied = (events, messages, work, handling_attempts, delivery_attempts, traffic, tallies)
    for each in emptied:
        execute(str(each.delete()))


def pages(count: int) -> dict[str, str]:
    """Return the pages to ask for, by what they show."""
    middle = f"evt_{count // 2:026d}"
    return {
        "overview, 24 h": "/",
        "overview, 7 d": "/?range=7d",
        "events": "/events",
        "events, far down": f"/events?before={middle}",
        "events of one provider": "/events?provider=stripe",
        "events of one type": "/events?type=invoice.paid",
        "events of both": "/events?provider=stripe&type=invoice.paid",
        "events of no such type": "/events?type=nothing",
        "needs attention": "/events?status=attention",
        "retrying": "/events?status=retrying",
        "failed": "/events?status=failed",
        "no handler": "/events?status=no_handler",
        "failed, of one provider": "/events?status=failed&provider=stripe",
        "live tail": "/live",
        "messages": "/messages",
        "rejected": "/rejections",
        "dead letters": "/dead-letters",
        "endpoints": "/endpoints",
        "sources": "/sources",
        "one event": f"/events/{middle}",
        "search by id": f"/search?q={middle}",
    }


async def measure(platform: Platform, count: int, tries: int) -> bool:
    """Ask for every page, print how long it took, and tell whether all was in time."""

    async def no_way_in(*_: Any) -> None:
        raise AssertionError

    app, in_time = create_app(platform, ingest=no_way_in), True
    for name, path in pages(count).items():
        took: list[float] = []
        for _ in range(tries + 1):
            began = time.perf_counter()
            answer = await call(app, "GET", path)
            took.append(time.perf_counter() - began)
            assert answer.status in {200, 303}, (path, answer.status)
        first, rest = took[0], sorted(took[1:])
        p95 = rest[max(0, -(-len(rest) * 95 // 100) - 1)]
        limit = OVERVIEW_LIMIT if name.startswith("overview") else LIST_LIMIT
        in_time = in_time and p95 <= limit
        half = statistics.median(rest)
        mark = "ok " if p95 <= limit else "LATE"
        print(
            f"{mark:<5}{name:<28}first {first * 1000:6.0f} ms   p50 {half * 1000:6.0f} ms  "
            f" p95 {p95 * 1000:6.0f} ms   limit {limit * 1000:.0f} ms"
        )
    return in_time


@contextmanager
def database(engine: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Give the URL of an empty database, and what opens a connection that commits by itself."""
    if engine == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "pages.db"
            yield f"sqlite:///{file}", lambda: sqlite3.connect(file, isolation_level=None)
        return
    name = f"pages_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(POSTGRES, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            url = f"{POSTGRES.rpartition('/')[0]}/{name}"
            yield url, lambda: psycopg.connect(url, autocommit=True)
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def open_new(url: str) -> Platform:
    """Return a platform on *url*, not yet open."""
    settings = Settings(database_url=url, encryption_keys=KEY, roles=("api",), providers_dir=os.devnull)
    secrets = {f"{name.upper()}_WEBHOOK_SECRET": "k" * 40 for name in PROVIDERS}
    return Platform(settings, environ=secrets)


async def run(engine: str, count: int, tries: int) -> bool:
    """Fill one database and measure."""
    with database(engine) as (url, connect):
        platform = open_new(url)
        await platform.open()
        templates = await seed(platform)
        await platform.close()
        began, connection = time.perf_counter(), connect()
        if engine == "sqlite":
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA cache_size = -400000")
        make_templates(connection.execute)
        Filling(connection.execute, engine=engine, count=count, templates=templates).fill()
        connection.close()
        print(
            f"\n{engine}: {count:,} events, filled in {timedelta(seconds=round(time.perf_counter() - began))}"
        )
        platform = open_new(url)
        await platform.open()
        try:
            return await measure(platform, count, tries)
        finally:
            await platform.close()


def main() -> None:
    """Measure what the command line says; exit with 1 where something was late."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--engine", choices=["sqlite", "postgres"], action="append")
    parser.add_argument("--tries", type=int, default=25)
    given = parser.parse_args()
    found = [
        asyncio.run(run(engine, given.events, given.tries))
        for engine in given.engine or ["sqlite", "postgres"]
    ]
    sys.exit(0 if all(found) else 1)


if __name__ == "__main__":
    main()
