"""Kill the server with SIGKILL at random moments under load, and look whether an acknowledged event is gone.

    python benchmarks/kill_nine.py [--kills 60] [--engine sqlite|postgres] [--seed N]

The same is done to a server that is broken on purpose (it acknowledges before it commits): that one must
lose events, else the test proves nothing. Exit code 0 where the real one lost none and the broken one some.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path[:0] = [
    str(Path(__file__).resolve().parent.parent),
    str(Path(__file__).resolve().parent.parent / "src"),
]

import aiohttp

from tests.running_server import GITHUB_SECRET, RunningServer, fresh_postgres, start_server

CLIENTS = 32
SHORTEST, LONGEST = 0.05, 1.2
POSTGRES_URL = os.environ.get("WEBHOOKS_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test")
PROGRAMS = {
    "real": ("-m", "smart_api_integrations.cli"),
    "broken": ("-m", "tests.mutants.acknowledge_before_commit"),
}


@dataclass(kw_only=True)
class Score:
    """What a series of kills came to."""

    kills: int = 0
    acknowledged: set[str] = field(default_factory=set)
    missing: int = 0
    kept: int = 0
    restart_seconds: list[float] = field(default_factory=list)


def run(database_url: str, folder: Path, *, program: str, kills: int, seed: int) -> Score:
    """Start, load and kill the server *kills* times; return what was acknowledged and what is kept."""
    dice, score = random.Random(seed), Score()
    for _ in range(kills):
        began = time.monotonic()
        server = start_server(database_url, folder=folder, program=PROGRAMS[program])
        score.restart_seconds.append(time.monotonic() - began)
        asyncio.run(_load_until_killed(server, dice.uniform(SHORTEST, LONGEST), score))
        if server.process.stdout:
            server.process.stdout.close()
        score.kills += 1
    kept = stored_ids(database_url)
    score.kept = len(kept)
    score.missing = len(score.acknowledged - kept)
    return score


async def _load_until_killed(server: RunningServer, seconds: float, score: Score) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CLIENTS)) as session:
        clients = [asyncio.create_task(_post_on(session, server.url, score)) for _ in range(CLIENTS)]
        await asyncio.sleep(seconds)
        server.process.kill()
        await asyncio.gather(*clients)
    server.process.wait(timeout=10)


async def _post_on(session: aiohttp.ClientSession, url: str, score: Score) -> None:
    """Post one event after another until the server is gone."""
    with contextlib.suppress(aiohttp.ClientError, ConnectionError):
        while True:
            delivery = os.urandom(12).hex()
            body = json.dumps({"action": "opened", "delivery": delivery, "padding": "x" * 1900}).encode()
            signed = hmac.new(GITHUB_SECRET.encode(), body, hashlib.sha256).hexdigest()
            headers = {
                "X-GitHub-Event": "pull_request",
                "X-GitHub-Delivery": delivery,
                "X-Hub-Signature-256": f"sha256={signed}",
                "Content-Type": "application/json",
            }
            async with session.post(f"{url}/webhooks/github", data=body, headers=headers) as response:
                answer = await response.json()
                assert response.status == 200, answer
                score.acknowledged.add(answer["id"])


def stored_ids(database_url: str) -> set[str]:
    """Return the ids of every kept event, read past the program; the file must be sound."""
    if database_url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as connection:
            assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
            return {row[0] for row in connection.execute("select id from events")}
    import psycopg

    with psycopg.connect(database_url) as connection:
        return {row[0] for row in connection.execute("select id from events")}


@contextlib.contextmanager
def fresh_database(engine: str) -> Iterator[tuple[str, Path]]:
    """Make an empty database and a folder for the length of a block."""
    with tempfile.TemporaryDirectory() as name:
        if engine == "sqlite":
            yield f"sqlite:///{name}/webhooks.db", Path(name)
        else:
            with fresh_postgres(POSTGRES_URL) as url:
                yield url, Path(name)


def main() -> int:
    """Print a table and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--engine", choices=["sqlite", "postgres"], action="append")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    good = True
    heads = ("kills", 6), ("acknowledged", 14), ("kept", 9), ("missing", 9), ("restart p95 s", 15)
    print(f"{'engine':10}{'server':8}" + "".join(f"{head:>{width}}" for head, width in heads))
    for engine in options.engine or ["sqlite", "postgres"]:
        for program in PROGRAMS:
            with fresh_database(engine) as (url, folder):
                score = run(url, folder, program=program, kills=options.kills, seed=options.seed)
            restart = sorted(score.restart_seconds)[int(len(score.restart_seconds) * 0.95)]
            print(
                f"{engine:10}{program:8}{score.kills:>6}{len(score.acknowledged):>14}{score.kept:>9}"
                f"{score.missing:>9}{restart:>15.2f}",
                flush=True,
            )
            good &= (score.missing == 0) == (program == "real")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
