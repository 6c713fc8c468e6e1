"""Delivery: messages per second of the whole product against the naive design beside it.

    python benchmarks/deliver.py [--rounds 3] [--engine sqlite|postgres]

A message is made in the process, stored, sent as a signed 2 KB POST to a real endpoint on this machine,
answered, and recorded durably. Both sides send to the same sink, each in a process and on a database of its
own, in alternating order. Ratios count, not absolute times.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from benchmarks.kill_nine import fresh_database

COUNTS = {"naive": 600, "product": 12_000}
LIMIT = 10


def measure(engine: str, kind: str, sink: str) -> float:
    """Return the messages a second of one side on a fresh database."""
    script = str(ROOT / "benchmarks" / f"{kind}_delivery.py")
    with fresh_database(engine) as (database_url, _):
        command = [sys.executable, script, database_url, sink, str(COUNTS[kind])]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> int:
    """Print a table and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engine", choices=["sqlite", "postgres"], action="append")
    options = parser.parse_args()
    good = True
    command = [sys.executable, str(ROOT / "benchmarks" / "fast_sink.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        sink = process.stdout.readline().strip()
        for engine in options.engine or ["sqlite", "postgres"]:
            ratios = []
            print(f"\n{engine}: 2 KB messages, one endpoint, 100 in flight, {os.cpu_count()} cores")
            print(f"{'round':>5}{'naive/s':>10}{'product/s':>11}{'ratio':>8}")
            for number in range(options.rounds):
                order = ["naive", "product"] if number % 2 == 0 else ["product", "naive"]
                seen = {kind: measure(engine, kind, sink) for kind in order}
                ratios.append(seen["product"] / seen["naive"])
                print(
                    f"{number + 1:>5}{seen['naive']:>10,.0f}{seen['product']:>11,.0f}{ratios[-1]:>8.1f}",
                    flush=True,
                )
            print(f"median ratio {statistics.median(ratios):.1f} (wanted: at least {LIMIT})")
            good &= statistics.median(ratios) >= LIMIT
        process.kill()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
