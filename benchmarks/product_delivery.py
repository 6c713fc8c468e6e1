"""The product's side of the delivery benchmark: publish, and wait until everything is recorded.

    python benchmarks/product_delivery.py DATABASE_URL SINK_URL COUNT

Messages are made in the process that delivers them. Prints how many a second were published, sent signed,
answered, and recorded durably as delivered.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

import uvloop

from benchmarks.naive_delivery import IN_FLIGHT, data
from smart_api_integrations.application import Platform
from smart_api_integrations.settings import read_settings
from smart_api_integrations.telemetry import AttemptFinished
from tests.running_server import ENCRYPTION_KEY

MAKERS = 3 * IN_FLIGHT  # each makes its next message when its last is recorded, as in the naive design


async def run(database_url: str, sink: str, count: int) -> float:
    """Return messages a second."""
    given = {
        "database_url": database_url,
        "encryption_keys": ENCRYPTION_KEY,
        "allowed_networks": "127.0.0.0/8",
        "worker_concurrency": IN_FLIGHT,
        "endpoint_concurrency": IN_FLIGHT,
        "roles": "worker",
    }
    platform = Platform(read_settings(given=given), environ={})
    recorded: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def mark_recorded(told: AttemptFinished) -> None:
        assert told.outcome.state == "delivered"
        recorded[told.outcome.work.subject_id].set()

    platform.telemetry.subscribe(AttemptFinished, mark_recorded)
    await platform.open()
    await platform.start_work()
    await platform.endpoints.register(sink, ["bench.*"], "a secret of more than sixteen characters")
    left = iter(range(count))
    gc.collect()  # as `webhooks serve` does
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)

    async def make_on() -> None:
        for _ in left:
            published = await platform.publish("bench.made", data())
            await recorded[published.message_id].wait()
            del recorded[published.message_id]

    began = time.perf_counter()
    await asyncio.gather(*(make_on() for _ in range(MAKERS)))
    took = time.perf_counter() - began
    (endpoint,) = await platform.journal.endpoints.endpoints()
    assert (await platform.journal.endpoints.statistics(endpoint.id)).successful == count
    await platform.close()
    return count / took


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(runner.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
