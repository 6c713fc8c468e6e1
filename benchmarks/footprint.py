"""What one event costs to keep: rows, bytes on disk, bytes of log, connections.

    python benchmarks/footprint.py [--events 5000] [--body 2048] [--engine sqlite|postgres]

Events with a body of random words are kept, each with one handling that is done and published on as a
message with one delivery that waits. Sizes are the growth of the database, indexes included.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path[:0] = [
    str(Path(__file__).resolve().parent.parent),
    str(Path(__file__).resolve().parent.parent / "src"),
]

import psycopg
from sqlalchemy import create_engine, func, inspect, select, text

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.settings import Settings
from smart_api_integrations.storage.tables import metadata
from smart_api_integrations.telemetry import AttemptFinished
from tests.github_requests import SECRET, incoming
from tests.running_server import fresh_postgres

POSTGRES_URL = os.environ.get("WEBHOOKS_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test")
WORDS = [f"word{number}" for number in range(5000)]


def done(_event: object) -> dict[str, object]:
    """Handle an event by publishing it on."""
    return {"events": [{"type": "measured.done", "data": {"text": text_of(1500)}}]}


def text_of(size: int) -> str:
    """Return words of about *size* bytes; no two are alike, as bodies are not."""
    return " ".join(random.choices(WORDS, k=size // 9))


async def fill(url: str, *, events: int, body: int) -> None:
    """Keep and handle *events*; of none, make the tables."""
    get_webhook_registry().clear()
    get_webhook_registry().create_processor("github").on("push")(done)
    settings = Settings(database_url=url, encryption_keys=("a key of more than sixteen characters",))
    platform = Platform(settings, environ={"GITHUB_WEBHOOK_SECRET": SECRET})
    over, left = asyncio.Event(), [events]

    def finished(_: AttemptFinished) -> None:
        left[0] -= 1
        if not left[0]:
            over.set()

    platform.telemetry.subscribe(AttemptFinished, finished)
    await platform.open()
    if not events:
        await platform.close()
        return
    endpoint = await platform.endpoints.register("https://example.com/hook", ["measured.done"])
    await platform.pause(endpoint.id)
    await platform.start_work()
    for begin in range(0, events, 100):
        await asyncio.gather(
            *(
                platform.gateway.accept(
                    incoming({"n": number, "text": text_of(body)}, delivery=f"delivery-{number}"), "github"
                )
                for number in range(begin, min(events, begin + 100))
            )
        )
    await over.wait()
    await platform.close()


def rows_of(url: str) -> dict[str, int]:
    """Count the rows of every table."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        return {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in metadata.sorted_tables
            if inspect(connection).has_table(table.name)
        }


def postgres_sizes(url: str) -> tuple[int, int]:
    """Return the bytes of the tables with their indexes, and the position in the write-ahead log."""
    statement = (
        "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::int8, pg_current_wal_lsn() - '0/0'::pg_lsn"
        " FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    with psycopg.connect(url) as connection:
        row = connection.execute(statement).fetchone()
        assert row is not None
        return int(row[0]), int(row[1])


def measure_postgres(events: int, body: int) -> Sequence[str]:
    """Fill a fresh PostgreSQL and say what it took."""
    with fresh_postgres(POSTGRES_URL) as url:
        asyncio.run(fill(url, events=0, body=body))
        size, log = postgres_sizes(url)
        asyncio.run(fill(url, events=events, body=body))
        after, log_after = postgres_sizes(url)
        return [
            f"bytes on disk an event: {(after - size) // events}",
            f"bytes of log an event: {(log_after - log) // events} (others' writes on the server included)",
            f"rows an event: {_each(rows_of(url), events)}",
        ]


def measure_sqlite(events: int, body: int) -> Sequence[str]:
    """Fill a fresh SQLite and say what it took."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/webhooks.db"
        asyncio.run(fill(url, events=events, body=body))
        engine = create_engine(url)
        with engine.connect() as connection:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        size = Path(folder, "webhooks.db").stat().st_size
        return [f"bytes on disk an event: {size // events}", f"rows an event: {_each(rows_of(url), events)}"]


def _each(rows: dict[str, int], events: int) -> str:
    found = {name: count / events for name, count in rows.items() if count >= events / 2}
    return ", ".join(f"{name} {share:.1f}" for name, share in found.items())


def main() -> None:
    """Print what each engine took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--body", type=int, default=2048)
    parser.add_argument("--engine", choices=["sqlite", "postgres"], action="append")
    options = parser.parse_args()
    measures = {"sqlite": measure_sqlite, "postgres": measure_postgres}
    for engine in options.engine or list(measures):
        print(engine)
        for line in measures[engine](options.events, options.body):
            print(" ", line)


if __name__ == "__main__":
    main()
