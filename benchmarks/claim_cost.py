"""Claiming: what a claim and its acknowledgement cost beside finished and waiting rows.

    python benchmarks/claim_cost.py [--sizes 0,100000,1000000] [--engine sqlite|postgres] [--batches 40]

For each size the journal holds that many finished pieces of work and as many that wait: half of them are
retries of a thousand handlers, due tomorrow, half are due now and belong to a handler that is paused. Then
batches of a hundred are made, claimed and recorded as done. Ratios to the empty journal count.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src")]

import psycopg

from smart_api_integrations.core.journal import (
    Attempt,
    AttemptStatus,
    Claim,
    NewHandling,
    Outcome,
    Proof,
    ReceivedEvent,
    Work,
)
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.storage import open_journal
from smart_api_integrations.storage.secret_cipher import SecretCipher
from smart_api_integrations.storage.tables import work
from smart_api_integrations.storage.work_rows import work_row

POSTGRES = os.environ.get("WEBHOOKS_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test")
BATCH = 100
WRITTEN_AT_ONCE = 20_000
LIMIT = 1.2
LEASE = timedelta(minutes=5)
PAUSED = "forge:default:paused"
BUSY = NewHandling(handler="forge:default:busy", max_attempts=3)


class Bench:
    """One journal of one size."""

    def __init__(self, url: str) -> None:
        """Take the URL of an empty database; nothing is opened yet."""
        self._ids = itertools.count(1)
        self.journal: Any = open_journal(url, new_id=self.new_id, cipher=SecretCipher([b"k" * 32]))
        self._store: Any = vars(self.journal)["_store"]  # a million rows go in past the promises

    def new_id(self, prefix: str) -> str:
        """Return an id that sorts behind all before it."""
        return f"{prefix}{next(self._ids):026d}"

    async def fill(self, size: int) -> None:
        """Write *size* finished and *size* waiting rows."""
        now = datetime.now(UTC)
        rows = self._rows(size, now)
        while some := list(itertools.islice(rows, WRITTEN_AT_ONCE)):
            await self._store.write(self._write, some)

    def _rows(self, size: int, now: datetime) -> Iterator[Work]:
        tomorrow, before = now + timedelta(days=1), now - timedelta(minutes=1)
        for number in range(size):
            yield self._work(f"forge:default:h{number % 1000}", State.COMPLETED, None, now)
            if number % 2:
                yield self._work(f"forge:default:h{number % 1000}", State.RETRY_SCHEDULED, tomorrow, now)
            else:
                yield self._work(PAUSED, State.VERIFIED, before, now)

    def _work(self, target: str, state: State, due_at: datetime | None, now: datetime) -> Work:
        return Work(
            id=self.new_id("hdl_"),
            kind=Kind.HANDLING,
            subject_id="evt_none",
            target=target,
            state=state,
            failures=int(state is State.RETRY_SCHEDULED),
            max_attempts=3,
            due_at=due_at,
            created_at=now,
            updated_at=now,
        )

    def _write(self, connection: Any, calls: Sequence[Sequence[Work]]) -> list[None]:
        rows = [work_row(part, owner=None) for parts in calls for part in parts]
        self._store.dialect.write_rows(connection, work, rows)
        return [None] * len(calls)

    async def batch(self) -> float:
        """Make a batch; return the seconds of claiming and recording it."""
        await asyncio.gather(*(self.journal.events.accept(self._event(), [BUSY]) for _ in range(BATCH)))
        began = time.perf_counter()
        claims = await self.journal.work.claim(owner="bench", limit=BATCH, lease=LEASE)
        await asyncio.gather(*(self.journal.work.record(self._done(one)) for one in claims))
        took = time.perf_counter() - began
        assert len(claims) == BATCH, len(claims)
        return took

    def _event(self) -> ReceivedEvent:
        return ReceivedEvent(
            id=self.new_id("evt_"),
            provider="forge",
            webhook_name="default",
            event_type="push",
            path="/webhooks/forge",
            headers=(),
            body=b"{}",
            received_at=datetime.now(UTC),
            proof=Proof(scheme="none"),
        )

    def _done(self, one: Claim) -> Outcome:
        part = one.work
        attempt = Attempt(
            id=self.new_id("att_"),
            work_id=part.id,
            kind=part.kind,
            target=part.target,
            subject_id=part.subject_id,
            number=part.attempt_count,
            status=AttemptStatus.SUCCEEDED,
            started_at=datetime.now(UTC),
            duration_ms=1.0,
        )
        return Outcome(work=part, state=State.COMPLETED, attempt=attempt)


async def measure(url: str, size: int, batches: int) -> float:
    """Return the microseconds that one claim and acknowledgement cost, the median over the batches."""
    bench = Bench(url)
    await bench.journal.open()
    try:
        await bench.journal.gates.pause(PAUSED)
        await bench.fill(size)
        for _ in range(5):
            await bench.batch()
        taken = [await bench.batch() for _ in range(batches)]
    finally:
        await bench.journal.close()
    return statistics.median(taken) / BATCH * 1e6


@contextmanager
def fresh_database(engine: str) -> Iterator[str]:
    """Yield the URL of an empty database, and remove it."""
    if engine == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/webhooks.db"
        return
    name = f"claim_cost_{os.getpid()}"
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield POSTGRES.rsplit("/", 1)[0] + f"/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def main() -> int:
    """Print a table and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="0,100000,1000000")
    parser.add_argument("--batches", type=int, default=40)
    parser.add_argument("--engine", choices=["sqlite", "postgres"], action="append")
    options = parser.parse_args()
    good = True
    for engine in options.engine or ["sqlite", "postgres"]:
        print(f"\n{engine}: claim and acknowledge in batches of {BATCH}, {os.cpu_count()} cores")
        print(f"{'finished':>10}{'waiting':>10}{'us each':>10}{'ratio':>8}")
        least = None
        for size in map(int, options.sizes.split(",")):
            with fresh_database(engine) as url:
                cost = asyncio.run(measure(url, size, options.batches))
            least = least or cost
            print(f"{size:>10,}{size:>10,}{cost:>10.0f}{cost / least:>8.2f}", flush=True)
            good &= cost <= least * LIMIT
    print(f"wanted: no ratio above {LIMIT}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
