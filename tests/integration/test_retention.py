"""Forgetting on a timer and on demand: by one process at a time, batch by batch, and over the API."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from smart_api_integrations.errors import ConfigurationError, StorageUnavailable
from smart_api_integrations.server.application import create_app
from smart_api_integrations.settings import Settings, read_settings
from smart_api_integrations.storage.upkeep_protocol import Old, Purged
from smart_api_integrations.watch.retention import (
    BETWEEN_SECONDS,
    FIRST_SECONDS,
    PAUSE_SECONDS,
    Retention,
    RetentionRules,
)
from tests.asgi_call import call
from tests.journal_scenes import Scene, open_platform

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


class Store:
    """Has so many batches of everything; notes what it was asked."""

    def __init__(self, batches: int = 2) -> None:
        self.batches = batches
        self.asked: list[tuple[Old, datetime]] = []
        self.leads: list[timedelta] = []
        self.leads_at_most = 10**9
        self.fault: Exception | None = None

    async def lead(self, name: str, *, owner: str, lease: timedelta) -> bool:
        if self.fault is not None:
            raise self.fault
        self.leads.append(lease)
        return len(self.leads) <= self.leads_at_most

    async def purge(self, what: Old, *, before: datetime, after: str = "") -> Purged:
        self.asked.append((what, before))
        number = int(after or 0) + 1
        return Purged(count=10, cursor=str(number), is_last=number >= self.batches)


class Pace:
    """Waits for nothing, notes how long it was asked to, and stops after a time."""

    def __init__(self, most: int = 10**6) -> None:
        self.waits: list[float] = []
        self.most = most
        self.over = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)
        if len(self.waits) >= self.most:
            self.over.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0)


def retention(store, pace=None, *, is_timed: bool = True, **kept: timedelta | None) -> Retention:
    times: Mapping[Old, timedelta | None] = {Old(name): span for name, span in kept.items()}
    rules = RetentionRules(
        kept=times or {Old.PAYLOADS: DAY, Old.AUDIT: None},
        owner="one",
        is_timed=is_timed,
        now=lambda: NOW,
        sleep=pace or Pace(),
    )
    return Retention(store, rules)


async def test_what_has_no_end_is_not_asked_for_and_every_batch_is_followed_by_a_pause():
    store, pace = Store(), Pace()

    counts = await retention(store, pace).purge()

    assert counts == {Old.PAYLOADS: 20}
    assert store.asked == [(Old.PAYLOADS, NOW - DAY)] * 2
    assert pace.waits == [PAUSE_SECONDS] * 2
    assert store.leads[-1] == timedelta(0)


async def test_it_stops_when_another_process_has_the_lead():
    store = Store()
    store.leads_at_most = 1

    assert await retention(store).purge() is None
    assert len(store.asked) == 1


async def test_it_looks_at_the_clock_and_lives_through_a_store_that_is_away(caplog):
    store, pace = Store(batches=1), Pace(most=3)
    store.fault = StorageUnavailable("away")
    running = retention(store, pace)

    running.start()
    await asyncio.wait_for(pace.over.wait(), 10)
    await running.stop()
    await running.stop()

    assert pace.waits == [FIRST_SECONDS, BETWEEN_SECONDS, BETWEEN_SECONDS]
    assert caplog.text.count("forgotten later") == 2


async def test_a_process_of_another_role_does_not_begin():
    pace = Pace()
    running = retention(Store(), pace, is_timed=False)

    running.start()
    await asyncio.sleep(0)
    await running.stop()

    assert pace.waits == []


@pytest.mark.parametrize(
    ("text", "kept"),
    [("30d", 30 * DAY), ("12h", DAY / 2), ("never", None), ("Forever", None), ("0s", timedelta(0))],
)
def test_how_long_is_read_from_the_environment(text, kept):
    read = read_settings(environ={"WEBHOOKS_RETENTION_PAYLOADS": text})

    assert read.retention_payloads == kept


def test_what_is_no_length_of_time_is_told():
    with pytest.raises(ConfigurationError, match=r"retention_audit.*30d"):
        read_settings(environ={"WEBHOOKS_RETENTION_AUDIT": "a while"})


def test_the_defaults_are_those_of_the_manual():
    kept = Settings()

    assert (kept.retention_payloads, kept.retention_finished) == (30 * DAY, 90 * DAY)
    assert (kept.retention_dead_letters, kept.retention_rejected) == (90 * DAY, 30 * DAY)
    assert kept.retention_audit == 400 * DAY


async def ingest(scope, receive, send):
    raise AssertionError


async def test_one_payload_is_expunged_over_the_api_and_logged(tmp_path):
    async with open_platform(tmp_path) as platform:
        app = create_app(platform, ingest=ingest)
        scene = Scene(platform=platform)
        await scene.endpoint("https://one.example.com/")
        event, message = await scene.event("shop.on_push"), await scene.message()
        address = f"/api/received/{event.id}/payload"

        early = await call(app, "DELETE", address)
        for one in await scene.claims():
            await scene.die(one)
        done = await call(app, "DELETE", address)
        (dead,) = (each for each in await platform.journal.work.dead_letters() if each.id.startswith("dlv_"))
        sent = await call(app, "DELETE", f"/api/deliveries/{dead.id}/payload")
        shown = (await call(app, "GET", f"/api/received/{event.id}")).json()
        logged = (await call(app, "GET", "/api/audit")).json()
        page = await call(app, "GET", f"/events/{event.id}")
        message_page = await call(app, "GET", f"/messages/{message.id}")

    assert (early.status, done.status, sent.status) == (422, 204, 204)
    assert (shown["body"], shown["headers"], shown["query"]) == ("", [], "")
    assert {"expunge_received", "expunge_delivery"} <= {entry["action"] for entry in logged}
    assert (page.status, message_page.status) == (200, 200)


async def test_the_platform_forgets_what_is_older_than_the_settings_say(tmp_path):
    kept = {"retention_payloads": timedelta(0), "retention_finished": timedelta(0), "dedupe_days": 1e-5}
    async with open_platform(tmp_path, **kept) as platform:
        scene = Scene(platform=platform)
        long_ago = datetime.now(UTC) - DAY
        await scene.event(received_at=long_ago)

        counts = await platform.retention.purge()

        assert counts == {
            Old.PAYLOADS: 1,
            Old.DEAD_LETTERS: 0,
            Old.FINISHED: 1,
            Old.REJECTED: 0,
            Old.AUDIT: 0,
        }
        assert await platform.journal.events.summaries() == []
