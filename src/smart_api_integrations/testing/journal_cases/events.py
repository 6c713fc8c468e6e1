"""Promises about received events. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import asyncio
from datetime import timedelta

from smart_api_integrations.core.journal import Accepted, Proof
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.scene import (
    ONE_HANDLER,
    START,
    TWO_HANDLERS,
    JournalCase,
    claim,
    handoff,
    promise,
)


class AcceptCases(JournalCase):
    """``EventStore.accept``."""

    @promise
    async def test_an_event_is_kept_to_the_byte(self, journal: Journal) -> None:
        event = self.event(
            b"key",
            b"another",
            action="opened",
            event_id="72d3162e",
            query="a=1&b=%20",
            body=bytes(range(256)) * 8,
            headers=(("X-One", "ä ☃"), ("x-one", ""), ("X-Latin", "\xff")),
            remote_address="2001:db8::1",
            occurred_at=START - timedelta(microseconds=1),
            proof=Proof(
                scheme="hmac",
                algorithm="sha256",
                secret_name="FORGE_WEBHOOK_SECRET",  # noqa: S106 - the name of a variable
                secret_index=1,
                secrets_tried=2,
                timestamp=START,
                tolerance=timedelta(minutes=5),
            ),
        )

        accepted = await journal.events.accept(event, [])

        trace = await journal.events.trace(event.id)
        assert accepted == Accepted(event_id=event.id)
        assert trace is not None
        assert trace.event == event
        assert (trace.handlings, trace.messages, trace.deliveries, trace.attempts) == ([], [], [], [])

    @promise
    async def test_a_large_and_an_empty_body_are_kept(self, journal: Journal) -> None:
        large, empty = self.event(body=b"\x00\xff" * 2**19), self.event(body=b"", event_type=None)

        await asyncio.gather(*(journal.events.accept(event, []) for event in (large, empty)))

        for event in (large, empty):
            trace = await journal.events.trace(event.id)
            assert trace is not None
            assert trace.event == event

    @promise
    async def test_text_that_no_database_can_hold_loses_no_event(self, journal: Journal) -> None:
        event = self.event(
            event_type="a\x00b", event_id="\ud800", path="/\x00", headers=(("X", "a\x00\ud800"),)
        )

        await journal.events.accept(event, [])

        trace = await journal.events.trace(event.id)
        assert trace is not None
        assert trace.event is not None
        assert (trace.event.body, trace.event.headers) == (event.body, event.headers)
        assert trace.event.event_type == "a\ufffdb"

    @promise
    async def test_each_handler_gets_a_handling_that_is_due_at_once(self, journal: Journal) -> None:
        event = self.event()

        await journal.events.accept(event, TWO_HANDLERS)

        trace = await journal.events.trace(event.id)
        assert trace is not None
        assert [part.target for part in trace.handlings] == [new.handler for new in TWO_HANDLERS]
        assert [part.max_attempts for part in trace.handlings] == [4, 1]
        assert {part.state for part in trace.handlings} == {State.VERIFIED}
        assert {part.due_at for part in trace.handlings} == {self.clock()}

    @promise
    async def test_a_handoff_leases_all_but_refused_targets(self, journal: Journal) -> None:
        event = self.event()

        accepted = await journal.events.accept(event, TWO_HANDLERS, handoff=handoff("b"))

        (leased,) = accepted.claims
        (left,) = await claim(journal, owner="worker-2")
        assert leased.event == event
        assert (leased.work.target, left.work.target) == (TWO_HANDLERS[0].handler, "b")
        assert (leased.work.state, leased.work.fence, leased.work.attempt_count) == (State.PROCESSING, 1, 1)
        assert leased.work == await journal.work.work(leased.work.id)
        assert not (await journal.work.record(self.done(leased))).stale


class DedupeCases(JournalCase):
    """What ``EventStore.accept`` says of duplicates."""

    @promise
    async def test_an_event_that_shares_one_key_is_a_duplicate(self, journal: Journal) -> None:
        first = self.event(b"id-1", b"content-1")
        await journal.events.accept(first, ONE_HANDLER)

        repeats = [
            await journal.events.accept(self.event(*keys), ONE_HANDLER, handoff=handoff())
            for keys in ((b"id-1", b"content-2"), (b"id-2", b"content-1"))
        ]

        assert repeats == [Accepted(event_id=first.id, duplicate=True)] * 2
        (only,) = await journal.events.summaries()
        assert (only.id, only.duplicates, only.handlings) == (first.id, 2, (State.VERIFIED,))

    @promise
    async def test_a_repeats_new_keys_are_recognised_too(self, journal: Journal) -> None:
        first = self.event(b"id-1", b"content-1")
        await journal.events.accept(first, [])
        await journal.events.accept(self.event(b"id-1", b"content-2"), [])

        third = await journal.events.accept(self.event(b"content-2", b"id-3"), [])
        fourth = await journal.events.accept(self.event(b"id-3"), [])

        assert third == fourth == Accepted(event_id=first.id, duplicate=True)

    @promise
    async def test_events_without_a_key_are_never_duplicates(self, journal: Journal) -> None:
        accepted = await asyncio.gather(*(journal.events.accept(self.event(), []) for _ in range(5)))

        assert not any(each.duplicate for each in accepted)
        assert len(await journal.events.summaries()) == 5

    @promise
    async def test_the_window_is_seven_days_from_the_first(self, journal: Journal) -> None:
        first = self.event(b"key")
        await journal.events.accept(first, [])
        self.clock.advance(days=6, hours=23)
        within = await journal.events.accept(self.event(b"key", b"later key"), [])
        self.clock.advance(hours=1)

        after = await journal.events.accept(fresh := self.event(b"key"), [])
        again = await journal.events.accept(self.event(b"key"), [])

        assert within.event_id == first.id
        assert after == Accepted(event_id=fresh.id)
        assert again == Accepted(event_id=fresh.id, duplicate=True)

    @promise
    async def test_the_keys_of_a_repeat_end_with_the_first_ones(self, journal: Journal) -> None:
        await journal.events.accept(self.event(b"key"), [])
        self.clock.advance(days=6)
        await journal.events.accept(self.event(b"key", b"later key"), [])
        self.clock.advance(days=1)

        assert not (await journal.events.accept(self.event(b"later key"), [])).duplicate

    @promise
    async def test_tenants_do_not_share_keys(self, journal: Journal) -> None:
        tenants = ("default", "one", "two")

        accepted = [
            await journal.events.accept(self.event(b"key", tenant=tenant), []) for tenant in tenants * 2
        ]

        assert [each.duplicate for each in accepted] == [False] * 3 + [True] * 3

    @promise
    async def test_of_equal_events_at_once_exactly_one_is_kept(self, journal: Journal) -> None:
        journals = (journal, await self.another())
        copies = [self.event(b"key", b"content") for _ in range(200)]

        accepted = await asyncio.gather(
            *(journals[n % 2].events.accept(copy, ONE_HANDLER) for n, copy in enumerate(copies))
        )

        (kept,) = [each for each in accepted if not each.duplicate]
        (summary,) = await journal.events.summaries()
        assert {each.event_id for each in accepted} == {kept.event_id} == {summary.id}
        assert (summary.duplicates, summary.handlings) == (199, (State.VERIFIED,))

    @promise
    async def test_of_chained_events_at_once_none_is_lost(self, journal: Journal) -> None:
        journals = (journal, await self.another())
        chained = [self.event(b"%03d" % n, b"%03d" % (n + 1)) for n in range(100)]

        accepted = await asyncio.gather(
            *(journals[n % 2].events.accept(event, []) for n, event in enumerate(reversed(chained)))
        )

        kept = {each.id for each in await journal.events.summaries(limit=200)}
        assert {each.event_id for each in accepted} == kept

    @promise
    async def test_repeating_a_call_keeps_the_event_once(self, journal: Journal) -> None:
        for event in (self.event(b"key"), self.event()):
            first = await journal.events.accept(event, ONE_HANDLER)
            again = await journal.events.accept(event, ONE_HANDLER)

            assert (first.duplicate, again.duplicate, again.event_id) == (False, True, event.id)

        assert [each.duplicates for each in await journal.events.summaries()] == [0, 0]

    @promise
    async def test_one_bad_event_fails_alone(self, journal: Journal) -> None:
        good = [self.event(b"%d" % n) for n in range(20)]
        bad = self.event(b"bad", provider=None)

        results = await asyncio.gather(
            *(journal.events.accept(event, []) for event in [*good[:10], bad, *good[10:]]),
            return_exceptions=True,
        )

        assert [type(result) for result in results].count(Accepted) == 20
        assert isinstance(results[10], InvalidInput)
        assert not (await journal.events.accept(self.event(b"bad"), [])).duplicate


class EventListCases(JournalCase):
    """Lists, traces and ids."""

    @promise
    async def test_summaries_come_newest_first_in_pages(self, journal: Journal) -> None:
        ids = [(await journal.events.accept(self.event(), [])).event_id for _ in range(5)]

        first = await journal.events.summaries(limit=2)
        second = await journal.events.summaries(limit=2, before=first[-1].id)
        third = await journal.events.summaries(limit=2, before=second[-1].id)

        assert [each.id for each in (*first, *second, *third)] == ids[::-1]

    @promise
    async def test_summaries_can_be_narrowed(self, journal: Journal) -> None:
        for provider in ("forge", "bank"):
            for event_type in ("push", "ping", None):
                await journal.events.accept(self.event(provider=provider, event_type=event_type), [])

        narrowed = [
            await journal.events.summaries(provider="bank"),
            await journal.events.summaries(event_type="push"),
            await journal.events.summaries(provider="bank", event_type="push"),
            await journal.events.summaries(provider="nobody"),
        ]

        assert [len(page) for page in narrowed] == [3, 2, 1, 0]
        assert narrowed[2][0].provider == "bank"

    @promise
    async def test_a_summary_says_where_the_work_stands(self, journal: Journal) -> None:
        await journal.endpoints.add(self.endpoint())
        event = self.event(body=b"12345", action="opened", event_id="theirs")
        accepted = await journal.events.accept(event, TWO_HANDLERS, handoff=handoff())
        await journal.work.record(self.done(accepted.claims[0], self.message(event_id=event.id)))
        await journal.work.record(self.dead(accepted.claims[1]))

        (summary,) = await journal.events.summaries()

        assert (summary.size, summary.action, summary.event_id) == (5, "opened", "theirs")
        assert (summary.provider, summary.webhook_name) == ("forge", "default")
        assert summary.received_at == START
        assert sorted(summary.handlings) == [State.COMPLETED, State.FAILED]
        assert summary.deliveries == (State.PENDING,)

    @promise
    async def test_a_trace_holds_everything_that_an_event_led_to(self, journal: Journal) -> None:
        endpoint = self.endpoint()
        await journal.endpoints.add(endpoint)
        event = self.event()
        accepted = await journal.events.accept(event, ONE_HANDLER, handoff=handoff())
        message = self.message(event_id=event.id, handler=ONE_HANDLER[0].handler, hops=1)
        outcome = self.done(accepted.claims[0], message)
        recorded = await journal.work.record(outcome, handoff=handoff())
        (sent,) = recorded.published[0].claims
        delivered = self.done(sent)
        await journal.work.record(delivered)

        trace = await journal.events.trace(event.id)

        assert trace is not None
        assert trace == await journal.messages.trace(message.id)
        assert (trace.event, list(trace.messages)) == (event, [message])
        assert [part.state for part in trace.handlings] == [State.COMPLETED]
        assert [part.state for part in trace.deliveries] == [State.DELIVERED]
        assert list(trace.attempts) == [outcome.attempt, delivered.attempt]
        assert trace.endpoints == {endpoint.id: endpoint}

    @promise
    async def test_an_unknown_trace_is_none(self, journal: Journal) -> None:
        assert await journal.events.trace("evt_unknown") is None
        assert await journal.messages.trace("msg_unknown") is None

    @promise
    async def test_any_id_is_found(self, journal: Journal) -> None:
        endpoint = self.endpoint()
        await journal.endpoints.add(endpoint)
        event, rejection = self.event(event_id="their id"), self.rejection()
        accepted = await journal.events.accept(event, ONE_HANDLER, handoff=handoff())
        outcome = self.done(accepted.claims[0], self.message())
        recorded = await journal.work.record(outcome, handoff=handoff())
        await journal.events.log_rejections([rejection])
        delivery = recorded.published[0].claims[0].work

        ours = [event.id, accepted.claims[0].work.id, outcome.attempt.id, outcome.messages[0].id]
        for known in [*ours, delivery.id, rejection.id, endpoint.id]:
            assert await journal.events.find(known) == known
        assert await journal.events.find("their id") == event.id
        assert await journal.events.find("nobody's") is None

    @promise
    async def test_of_several_events_with_one_provider_id_the_newest_is_found(self, journal: Journal) -> None:
        await journal.events.accept(self.event(event_id="theirs"), [])
        self.clock.advance(days=30)
        await journal.events.accept(newest := self.event(event_id="theirs"), [])

        assert await journal.events.find("theirs") == newest.id
