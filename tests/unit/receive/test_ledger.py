"""Without a store: which events were handled is remembered, in bounds, by this process."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from smart_api_integrations.core.journal import Handoff, NewHandling
from smart_api_integrations.receive import ledger as module
from smart_api_integrations.receive.ledger import MemoryLedger
from tests.journal_scenes import received

HANDLING = [NewHandling(handler="forge:default:a", max_attempts=1)]
HANDOFF = Handoff(owner="inline-1", lease=timedelta(seconds=45))


class Clock:
    def __init__(self):
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ledger(clock):
    numbers = count(1)
    return MemoryLedger(new_id=lambda prefix: f"{prefix}{next(numbers)}", now=clock)


def event(*keys):
    return received(dedupe_keys=keys)


async def test_an_event_that_shares_a_key_is_a_repeat(ledger):
    first, other = event(b"a", b"b"), event(b"b")

    assert not (await ledger.accept(first, (), handoff=HANDOFF)).duplicate
    repeat = await ledger.accept(other, (), handoff=HANDOFF)
    assert (repeat.event_id, repeat.duplicate) == (first.id, True)


async def test_the_window_is_seven_days(ledger, clock):
    await ledger.accept(event(b"a"), (), handoff=HANDOFF)
    clock.time += timedelta(days=7)

    assert not (await ledger.accept(event(b"a"), (), handoff=HANDOFF)).duplicate


async def test_no_more_is_remembered_than_the_bound(ledger, monkeypatch):
    monkeypatch.setattr(module, "REMEMBERED", 3)
    for key in (b"a", b"b", b"c", b"d"):
        await ledger.accept(event(key), (), handoff=HANDOFF)

    assert (await ledger.accept(event(b"d"), (), handoff=HANDOFF)).duplicate
    assert not (await ledger.accept(event(b"a"), (), handoff=HANDOFF)).duplicate


async def test_a_run_that_was_given_up_is_taken_again_when_its_lease_is_over(ledger, clock):
    kept = event(b"a")
    (claim,) = (await ledger.accept(kept, HANDLING, handoff=HANDOFF)).claims
    busy = await ledger.resume(kept, HANDLING, handoff=HANDOFF)
    clock.time += HANDOFF.lease

    again = await ledger.resume(kept, HANDLING, handoff=HANDOFF)

    assert (busy.claims, busy.running) == ((), True)
    assert [each.work for each in again.claims] == [
        replace(
            claim.work,
            attempt_count=2,
            fence=2,
            leased_until=clock.time + HANDOFF.lease,
            created_at=clock.time,
            updated_at=clock.time,
        )
    ]
