"""Promises about gathered events: sent by size, by time, in order, and not lost while the program lives."""

import asyncio
import subprocess
import sys
import threading

import pytest

from smart_api_integrations.errors import InvalidInput, StorageUnavailable, WebhooksError
from smart_api_integrations.integrations import WebhookBatchProcessor

SECONDS = 20
HOURS = 10_000.0


class Kept:
    """Stands where a manager stands; fails as often as it is told to."""

    def __init__(self, *failures):
        self.events = []
        self.failures = list(failures)
        self.changed = threading.Condition()

    def trigger_event(self, event, data, metadata=None):
        with self.changed:
            if self.failures:
                raise self.failures.pop(0)
            self.events.append((event, data, metadata))
            self.changed.notify_all()
        return "msg_1"

    def wait_for(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.events) >= count, timeout=SECONDS)


def test_it_flushes_by_size_by_itself():
    kept = Kept()
    with WebhookBatchProcessor(kept, batch_size=3, flush_interval=HOURS) as batch:
        for i in range(3):
            batch.add_event("data.created", {"id": i})
        kept.wait_for(3)

    assert [data["id"] for _, data, _ in kept.events] == [0, 1, 2]


def test_it_flushes_by_time_by_itself():
    kept = Kept()
    batch = WebhookBatchProcessor(kept, batch_size=100, flush_interval=0.01)
    batch.add_event("data.created", {"id": 1}, {"source": "test"})
    kept.wait_for(1)
    batch.add_event("data.created", {"id": 2})
    kept.wait_for(2)
    batch.close()

    assert kept.events == [
        ("data.created", {"id": 1}, {"source": "test"}),
        ("data.created", {"id": 2}, None),
    ]


def test_nothing_is_sent_before_its_time_or_size():
    kept = Kept()
    batch = WebhookBatchProcessor(kept, batch_size=2, flush_interval=HOURS)
    batch.add_event("data.created", 1)
    before = list(kept.events)
    batch.close()

    assert (before, len(kept.events)) == ([], 1)


async def test_a_flush_sends_everything_added_so_far():
    kept = Kept()
    batch = WebhookBatchProcessor(kept, batch_size=100, flush_interval=HOURS)
    for i in range(1050):
        batch.add_event("data.created", {"id": i})
    await batch.flush()
    sent = len(kept.events)
    batch.close()

    assert sent == 1050
    assert [data["id"] for _, data, _ in kept.events] == list(range(1050))


async def test_many_threads_and_flushes_send_everything_once():
    kept = Kept()
    batch = WebhookBatchProcessor(kept, batch_size=7, flush_interval=0.01)

    def add(first):
        for i in range(first, first + 100):
            batch.add_event("data.created", i)

    await asyncio.gather(*(asyncio.to_thread(add, first) for first in range(0, 800, 100)), batch.flush())
    await asyncio.gather(batch.flush(), batch.flush())
    batch.close()

    assert sorted(data for _, data, _ in kept.events) == list(range(800))


async def test_what_the_store_did_not_take_stays_and_is_tried_again():
    kept = Kept(StorageUnavailable("away"))
    batch = WebhookBatchProcessor(kept, batch_size=100, flush_interval=HOURS)
    batch.add_event("data.created", 1)
    batch.add_event("data.created", 2)

    with pytest.raises(StorageUnavailable):
        await batch.flush()
    await batch.flush()
    batch.close()

    assert [data for _, data, _ in kept.events] == [1, 2]


def test_a_batch_that_failed_by_itself_is_tried_again_by_itself(caplog):
    kept = Kept(StorageUnavailable("away"))
    batch = WebhookBatchProcessor(kept, batch_size=1, flush_interval=0.01)
    batch.add_event("data.created", 1)
    kept.wait_for(1)
    batch.close()

    assert [record.action for record in caplog.records] == ["flush_batch"]


async def test_an_event_that_cannot_be_sent_holds_up_no_other(caplog):
    kept = Kept(InvalidInput("too large"))
    batch = WebhookBatchProcessor(kept, flush_interval=HOURS)
    batch.add_event("data.created", "bad")
    batch.add_event("data.created", "good")
    await batch.flush()
    batch.close()

    assert [data for _, data, _ in kept.events] == ["good"]
    assert "cannot be sent" in caplog.text


@pytest.mark.parametrize("event", ["", "a\x00b", None])
def test_a_name_that_cannot_be_used_is_refused_at_once(event):
    with pytest.raises(InvalidInput):
        WebhookBatchProcessor(Kept()).add_event(event, {})


@pytest.mark.parametrize(
    "numbers",
    [{"batch_size": 0}, {"flush_interval": 0}, {"flush_interval": -1}, {"flush_interval": float("nan")}],
)
def test_numbers_that_mean_nothing_are_refused(numbers):
    with pytest.raises(InvalidInput, match=next(iter(numbers))):
        WebhookBatchProcessor(Kept(), **numbers)


def test_a_closed_one_takes_nothing_more_and_says_so():
    batch = WebhookBatchProcessor(Kept())
    batch.close()
    batch.close()

    with pytest.raises(WebhooksError, match="closed"):
        batch.add_event("data.created", 1)


PROGRAM = """
from smart_api_integrations.integrations import WebhookBatchProcessor

class Printer:
    def trigger_event(self, event, data, metadata=None):
        print(event, data)
        return "msg_1"

WebhookBatchProcessor(Printer()).add_event("data.created", 7)
"""


def test_a_program_that_ends_sends_what_it_gathered():
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True
    )

    assert (ran.stdout, ran.stderr) == ("data.created 7\n", "")
