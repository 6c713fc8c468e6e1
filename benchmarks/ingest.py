"""Durable ingest: events per second of the whole product against a bare endpoint with the same group commit.

    python benchmarks/ingest.py [--rounds 5] [--seconds 5] [--engine sqlite|postgres]

2 KB GitHub events, each different and correctly signed, 64 keep-alive connections (``wrk``). The product is
the server as users start it: verify, extract, deduplicate, commit, then 200. Beside it in every round, in
alternating order, ``bare_server.py``. Ratios count, not absolute times. Needs ``wrk``.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import hmac
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from benchmarks.kill_nine import fresh_database, stored_ids
from tests.running_server import GITHUB_SECRET, running_server

CONNECTIONS = 64
BODY_BYTES = 2048
LIMIT = 0.5


def prepare(file: Path, count: int) -> tuple[str, str]:
    """Write *count* signed deliveries to *file*; return what stands before and after the id in every body."""
    start = json.dumps({"action": "opened", "number": 1347, "title": "x" * 600, "id": ""})[:-2]
    rest = '","padding":"' + "y" * (BODY_BYTES - len(start) - 24 - 15) + '"}'
    key, dice = hmac.new(GITHUB_SECRET.encode(), digestmod=hashlib.sha256), random.Random()
    with file.open("w") as lines:
        for _ in range(count):
            delivery, mac = f"{dice.getrandbits(96):024x}", key.copy()
            mac.update(f"{start}{delivery}{rest}".encode())
            lines.write(f"{delivery} {mac.hexdigest()}\n")
    return start, rest


def load(url: str, deliveries: Path, body: tuple[str, str], seconds: int) -> dict[str, float]:
    """Post for *seconds* and return what wrk saw."""
    command = [
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{seconds}s",
        "-s",
        str(ROOT / "benchmarks" / "ingest.lua"),
        url,
    ]
    done = subprocess.run(
        [*command, "--", str(deliveries), *body], capture_output=True, text=True, check=True
    )
    found = re.search(r"RESULT (\d+) (\d+) (\d+) ([\d.]+) ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    requests, microseconds, refused = (int(found[place]) for place in (1, 2, 3))
    assert refused == 0, f"{refused} of {requests} answers were not 2xx"
    return {
        "rate": requests / microseconds * 1e6,
        "requests": requests,
        "p50": float(found[4]),
        "p99": float(found[5]),
    }


@contextlib.contextmanager
def bare_server(database_url: str) -> Iterator[str]:
    """Run the bare server for the length of a block."""
    command = [sys.executable, str(ROOT / "benchmarks" / "bare_server.py"), database_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.kill()


def measure(
    engine: str, kind: str, *, deliveries: Path, body: tuple[str, str], seconds: int
) -> dict[str, float]:
    """Return one server's figures on a fresh database."""
    with fresh_database(engine) as (database_url, folder):
        if kind == "bare":
            with bare_server(database_url) as url:
                return load(url, deliveries, body, seconds)
        with running_server(database_url, folder=folder, environ={"PYTHONPATH": str(ROOT / "src")}) as server:
            seen = load(server.url, deliveries, body, seconds)
            server.stop()
        kept = len(stored_ids(database_url))
        assert kept >= seen["requests"], f"{seen['requests']} acknowledged, {kept} kept"
        return seen


def main() -> int:
    """Print a table and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--engine", choices=["sqlite", "postgres"], action="append")
    options = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory() as folder:
        deliveries = Path(folder) / "deliveries"
        body = prepare(deliveries, options.seconds * 60_000)
        for engine in options.engine or ["sqlite", "postgres"]:
            ratios = []
            conditions = f"{CONNECTIONS} connections, {options.seconds} s each, {os.cpu_count()} cores"
            print(f"\n{engine}: 2 KB events, {conditions}")
            heads = (
                ("bare/s", 10),
                ("p99 ms", 8),
                ("product/s", 11),
                ("p50 ms", 8),
                ("p99 ms", 8),
                ("ratio", 7),
            )
            print("round" + "".join(f"{head:>{width}}" for head, width in heads))
            for number in range(options.rounds):
                order = ["bare", "product"] if number % 2 == 0 else ["product", "bare"]
                seen = {
                    kind: measure(engine, kind, deliveries=deliveries, body=body, seconds=options.seconds)
                    for kind in order
                }
                ratios.append(seen["product"]["rate"] / seen["bare"]["rate"])
                bare, product = seen["bare"], seen["product"]
                print(
                    f"{number + 1:>5}{bare['rate']:>10,.0f}{bare['p99']:>8.1f}{product['rate']:>11,.0f}"
                    f"{product['p50']:>8.1f}{product['p99']:>8.1f}{ratios[-1]:>7.2f}",
                    flush=True,
                )
            print(f"median ratio {statistics.median(ratios):.2f} (wanted: at least {LIMIT})")
            good &= statistics.median(ratios) >= LIMIT
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
