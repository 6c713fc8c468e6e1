"""Promises about statistics by source, alerts, and turns. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

from smart_api_integrations.core.alerts import Alert, News, Severity
from smart_api_integrations.core.journal import NewHandling
from smart_api_integrations.core.rhythm import hour_of
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.scene import LEASE, ONE_HANDLER, JournalCase, claim, promise

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class WatchCases(JournalCase):
    """What is counted for whoever watches, and what they keep."""

    async def _counts(self, journal: Journal, since: timedelta = HOUR) -> dict[tuple[str, str], int]:
        found = await journal.watch.statistics(since=since)
        return {(each.provider, each.status): each.count for each in found}

    def _alert(self, **changes: Any) -> Alert:
        values: dict[str, Any] = {
            "id": self.new_id("alr_"),
            "rule": "error_rate",
            "subject": "forge",
            "severity": Severity.WARNING,
            "title": "forge fails",
            "message": "Look.",
            "opened_at": self.clock(),
            "seen_at": self.clock(),
        }
        return Alert(**values | changes)

    @promise
    async def test_events_are_counted_by_source_and_status(self, journal: Journal) -> None:
        other = await self.another()
        await journal.events.accept(self.event(b"a"), ONE_HANDLER)
        await other.events.accept(self.event(b"b", webhook_name="eu"), ONE_HANDLER)
        await journal.events.accept(self.event(b"a"), ONE_HANDLER)
        await journal.events.accept(self.event(b"c", provider="mill"), [])
        await journal.events.log_rejections(
            [
                self.rejection(sampled=3),
                self.rejection(status_code=400, reason="malformed_request"),
                self.rejection(status_code=413, reason="body_too_large"),
                self.rejection(provider="nobody", status_code=404, reason="unknown_webhook"),
            ]
        )

        assert await self._counts(other) == {
            ("forge", "received"): 1,
            ("forge", "duplicate"): 1,
            ("forge", "verification_failed"): 3,
            ("forge", "invalid_json"): 1,
            ("forge", "rejected"): 1,
            ("mill", "received"): 1,
            ("mill", "no_handler"): 1,
        }
        names = {(each.provider, each.webhook_name) for each in await journal.watch.statistics(since=HOUR)}
        assert names == {("forge", "default"), ("forge", "eu"), ("mill", "default")}

    @promise
    async def test_handlings_are_counted_by_how_they_went_with_the_time_since_the_receipt(
        self, journal: Journal
    ) -> None:
        for key in (b"a", b"b", b"c"):
            await journal.events.accept(self.event(key), ONE_HANDLER)
        self.clock.advance(seconds=10)
        first, second, third = await claim(journal)
        await journal.work.record(self.again(first, seconds=20))
        await journal.work.record(self.dead(second))
        self.clock.advance(seconds=20)
        await journal.work.record(self.done(third))
        for claimed in await claim(journal):
            await journal.work.record(self.done(claimed))
        stale = await journal.work.record(self.done(first))

        times = {
            each.status: (each.count, each.avg_seconds) for each in await journal.watch.statistics(since=HOUR)
        }
        assert stale.stale
        assert times == {
            "received": (3, None),
            "retry_scheduled": (1, None),
            "failed": (1, 10.0),
            "completed": (2, 30.0),
        }

    @promise
    async def test_a_lost_handling_is_counted_and_a_delivery_is_not(self, journal: Journal) -> None:
        await journal.endpoints.add(self.endpoint())
        await journal.messages.publish(self.message())
        await journal.events.accept(self.event(), [NewHandling(handler="forge:default:x", max_attempts=1)])
        await claim(journal)
        self.clock.advance(seconds=LEASE.total_seconds() + 1)
        await journal.work.reap()

        assert await self._counts(journal) == {("forge", "received"): 1, ("forge", "failed"): 1}

    @promise
    async def test_statistics_are_of_the_time_that_was_asked_for(self, journal: Journal) -> None:
        await journal.events.accept(self.event(b"a"), ONE_HANDLER)
        self.clock.advance(minutes=70)
        await journal.events.accept(self.event(b"b"), ONE_HANDLER)

        assert (await self._counts(journal))["forge", "received"] == 1
        assert (await self._counts(journal, 2 * HOUR))["forge", "received"] == 2

    @promise
    async def test_arrivals_are_counted_by_type_and_hour_and_repeats_are_none(self, journal: Journal) -> None:
        hour = hour_of(self.clock())
        await journal.events.accept(self.event(b"a"), ())
        await journal.events.accept(self.event(b"a"), ())
        await journal.events.accept(self.event(b"b", event_type=None), ())
        self.clock.advance(minutes=60)
        await journal.events.accept(self.event(b"c"), ())
        await journal.events.accept(self.event(b"d", event_type="t\x00" + "x" * 300), ())

        arrived = sorted(await journal.watch.arrivals(since=DAY))

        assert [each[:1] + each[2:] for each in arrived if each[1] not in {"push", ""}] == [
            ("forge", hour + 1, 1)
        ]
        assert [each for each in arrived if each[1] in {"push", ""}] == [
            ("forge", "", hour, 1),
            ("forge", "push", hour, 1),
            ("forge", "push", hour + 1, 1),
        ]

    @promise
    async def test_of_very_many_types_only_some_are_told_apart(self, journal: Journal) -> None:
        await journal.events.accept_all(
            [(self.event(str(n).encode(), event_type=f"type-{n}"), ()) for n in range(250)]
        )

        arrived = {name: n for _, name, _, n in await journal.watch.arrivals(since=HOUR)}

        assert len(arrived) == 201
        assert arrived[""] == 50

    @promise
    async def test_the_last_arrivals_of_a_provider_and_of_a_type(self, journal: Journal) -> None:
        times = []
        for number, name in enumerate(("push", "tag", "push")):
            await journal.events.accept(self.event(str(number).encode(), event_type=name), ())
            times.append(self.clock())
            self.clock.advance(minutes=1)

        watch = journal.watch
        assert list(await watch.last_arrivals("forge", None)) == [times[2]]
        assert list(await watch.last_arrivals("forge", "push", limit=5)) == [times[2], times[0]]
        assert list(await watch.last_arrivals("forge", "tag")) == [times[1]]
        assert list(await watch.last_arrivals("mill", None)) == []

    @promise
    async def test_of_several_who_want_a_turn_one_has_it_until_its_lease_ends(self, journal: Journal) -> None:
        other = await self.another()
        stores = [journal.watch, other.watch] * 3
        had = await asyncio.gather(
            *(store.take_turn("t", owner=f"o{n}", lease=LEASE) for n, store in enumerate(stores))
        )
        owner = f"o{had.index(True)}"
        renewed = await other.watch.take_turn("t", owner=owner, lease=2 * LEASE)
        self.clock.advance(seconds=LEASE.total_seconds() + 1)
        early = await journal.watch.take_turn("t", owner="late", lease=LEASE)
        elsewhere = await journal.watch.take_turn("u", owner="late", lease=LEASE)
        self.clock.advance(seconds=LEASE.total_seconds())
        late = await journal.watch.take_turn("t", owner="late", lease=LEASE)

        assert had.count(True) == 1
        assert (renewed, early, elsewhere, late) == (True, False, True, True)

    @promise
    async def test_a_turn_that_is_given_back_is_anybodys(self, journal: Journal) -> None:
        await journal.watch.take_turn("t", owner="a", lease=LEASE)
        await journal.watch.give_turn_back("t", owner="b")
        kept = await journal.watch.take_turn("t", owner="b", lease=LEASE)
        await journal.watch.give_turn_back("t", owner="a")

        assert not kept
        assert await journal.watch.take_turn("t", owner="b", lease=LEASE)

    @promise
    async def test_alerts_are_kept_and_changed_by_their_ids(self, journal: Journal) -> None:
        other = await self.another()
        first = self._alert(untold=News.OPENED, told={"opened:slack": "ok"})
        second = self._alert(subject="mill \x00 'x", severity=Severity.CRITICAL, notified_at=self.clock())
        await journal.watch.save_alerts([first, second])
        changed = replace(first, untold=None, resolved_at=self.clock())
        await other.watch.save_alerts([changed])

        page = await journal.watch.alerts(limit=1)
        older = await journal.watch.alerts(before=page[0].id)

        assert [each.id for each in page] == [second.id]
        assert list(older) == [changed]

    @promise
    async def test_current_are_the_open_the_untold_and_those_that_ended_lately(
        self, journal: Journal
    ) -> None:
        ended = self._alert(resolved_at=self.clock())
        untold = self._alert(resolved_at=self.clock(), untold=News.RECOVERED)
        open_ = self._alert()
        await journal.watch.save_alerts([ended, untold, open_])

        now = await journal.watch.current_alerts(ended_within=HOUR)
        self.clock.advance(hours=2)
        later = await journal.watch.current_alerts(ended_within=HOUR)

        assert [each.id for each in now] == [ended.id, untold.id, open_.id]
        assert [each.id for each in later] == [untold.id, open_.id]

    @promise
    async def test_what_is_old_is_forgotten_a_day_of_counters_at_a_time(self, journal: Journal) -> None:
        ended, open_ = self._alert(resolved_at=self.clock()), self._alert()
        await journal.watch.save_alerts([ended, open_])
        await journal.events.accept(self.event(b"a"), ())
        self.clock.advance(days=2)
        await journal.events.accept(self.event(b"b"), ())
        self.clock.advance(days=38)
        seen = []
        for _ in range(3):
            await journal.watch.forget(counts=timedelta(days=35), alerts=timedelta(days=30))
            seen.append((await self._counts(journal, 90 * DAY)).get(("forge", "received"), 0))

        assert seen == [1, 0, 0]
        assert [each.id for each in await journal.watch.alerts()] == [open_.id]
