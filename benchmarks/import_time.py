"""What importing costs a user's process: milliseconds over an interpreter that imports nothing.

    python benchmarks/import_time.py [--runs 15]

Each statement runs in an interpreter of its own, in turn with one that does nothing, so that both see the
same machine. Processor time counts (others' work does not change it much); of the differences, the median.
Wanted of the library part: at most 60 ms.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src"
LIMIT_MS = 60.0
LIBRARY = (
    "import smart_api_integrations",
    "from smart_api_integrations.webhooks import WebhookHandler, webhook_handler",
    "from smart_api_integrations.core.webhook_registry import get_webhook_registry",
)
BESIDE = ("import flask", "from smart_api_integrations.frameworks import flask")


def milliseconds(statement: str) -> float:
    """Return the processor time of an interpreter that runs *statement*."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], check=True, env={"PYTHONPATH": str(SOURCE)})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1000


def cost(statement: str, runs: int) -> float:
    """Return the median of what *statement* costs over nothing."""
    milliseconds(statement)  # so that its bytecode is there
    return statistics.median(milliseconds(statement) - milliseconds("pass") for _ in range(runs))


def main() -> int:
    """Print a table and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    good = True
    print(f"{'ms over bare':>14}  statement")
    for statement in (*LIBRARY, *BESIDE):
        found = cost(statement, runs)
        print(f"{found:>14.1f}  {statement}", flush=True)
        good &= statement not in LIBRARY or found <= LIMIT_MS
    print(f"wanted of the first {len(LIBRARY)}: at most {LIMIT_MS:.0f} ms")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
