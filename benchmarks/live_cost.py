"""Live pages: what ingest pays for being watched.

    python benchmarks/live_cost.py [--rounds 7] [--events 4000] [--viewers 0,1,50]

Events are accepted by a journal on SQLite, 64 at a time, while so many viewers watch it and read whatever
they are told. Rounds alternate; the ratio to nobody watching counts. Without a viewer nothing runs that could
cost anything, so the first ratio is the measurement's own noise: it is nobody against nobody.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.watch.live_feed import LiveFeed
from tests.journal_scenes import open_platform, received

TOGETHER = 64


async def accepted(platform: Platform, count: int) -> float:
    """Accept *count* events and return how many a second."""
    keys = [number.to_bytes(8) + time.time_ns().to_bytes(8) for number in range(count)]
    waiting = iter([received(dedupe_keys=(key,)) for key in keys])

    async def one_after_the_other() -> None:
        for event in waiting:
            await platform.journal.events.accept(event, [])

    began = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(TOGETHER)))
    return count / (time.perf_counter() - began)


async def watched(platform: Platform, count: int, viewers: int) -> float:
    """Accept while *viewers* watch."""
    feed = LiveFeed(platform.journal)

    async def watch() -> None:
        async with feed.watch() as viewer:
            while await viewer.next() is not None:
                pass

    watching = [asyncio.ensure_future(watch()) for _ in range(viewers)]
    await asyncio.sleep(0.1 if viewers else 0)
    assert feed.viewers == viewers
    rate = await accepted(platform, count)
    await feed.close()
    await asyncio.gather(*watching)
    return rate


async def run(rounds: int, count: int, viewers: list[int]) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_platform(Path(folder)) as platform:
            await accepted(platform, count)
            ratios: dict[int, list[float]] = {number: [] for number in viewers}
            for _ in range(rounds):
                for number in viewers:
                    bare = await watched(platform, count, 0)
                    ratios[number].append(await watched(platform, count, number) / bare)
    for number, found in ratios.items():
        print(
            f"{number:>4} viewers: {statistics.median(found):.3f} of the rate without "
            f"({min(found):.3f} to {max(found):.3f})"
        )


def main() -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--events", type=int, default=4000)
    parser.add_argument("--viewers", default="0,1,50")
    given = parser.parse_args()
    asyncio.run(run(given.rounds, given.events, [int(number) for number in given.viewers.split(",")]))


if __name__ == "__main__":
    main()
