"""Promises about recording, replaying and listing. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from smart_api_integrations.core.journal import Attempt, AttemptStatus, Backlog, Outcome, Recorded
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.errors import InvalidInput, NotFound
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.scene import (
    ONE_HANDLER,
    TWO_HANDLERS,
    JournalCase,
    claim,
    handoff,
    promise,
)


class RecordCases(JournalCase):
    """``WorkStore.record``."""

    @promise
    async def test_an_outcome_is_written_whole(self, journal: Journal) -> None:
        await journal.endpoints.add(self.endpoint())
        message = self.message()
        published = await journal.messages.publish(message, handoff=handoff())
        attempt = self.attempt(
            published.claims[0],
            AttemptStatus.FAILED,
            error_code="http_status",
            error_message="It answered 500.",
            error_detail="Traceback …",
            request_headers={"webhook-id": message.id},
            response_code=500,
            response_headers={"Retry-After": "3"},
            response_body="oops\x00",
            phases={"dns": 0.25, "ttfb": 12.5},
            result='{"a": 1}',
            duration_ms=12.75,
        )
        part = published.claims[0].work
        wait = timedelta(seconds=5)

        recorded = await journal.work.record(
            Outcome(work=part, state=State.RETRY_SCHEDULED, wait=wait, attempt=attempt)
        )

        trace = await journal.messages.trace(message.id)
        assert recorded == Recorded()
        assert trace is not None
        assert list(trace.attempts) == [replace(attempt, response_body="oops\ufffd")]
        (kept,) = trace.deliveries
        assert (kept.state, kept.failures, kept.due_at) == (State.RETRY_SCHEDULED, 1, self.clock() + wait)
        assert (kept.leased_until, kept.attempt_count, kept.fence) == (None, 1, 1)

    @promise
    async def test_work_that_is_over_neither_waits_nor_runs(self, journal: Journal) -> None:
        accepted = await journal.events.accept(self.event(), TWO_HANDLERS, handoff=handoff())
        done, dead = accepted.claims

        await asyncio.gather(journal.work.record(self.done(done)), journal.work.record(self.dead(dead)))

        parts = [await journal.work.work(one.work.id) for one in (done, dead)]
        assert [part and part.state for part in parts] == [State.COMPLETED, State.FAILED]
        assert [part and (part.due_at, part.leased_until) for part in parts] == [(None, None)] * 2
        assert [part and part.failures for part in parts] == [0, 1]
        self.clock.advance(days=1)
        assert (await claim(journal), await journal.work.reap()) == ([], 0)

    @promise
    async def test_a_skipped_handling_is_no_failure(self, journal: Journal) -> None:
        accepted = await journal.events.accept(self.event(), ONE_HANDLER, handoff=handoff())
        attempt = self.attempt(accepted.claims[0], AttemptStatus.SKIPPED)

        await journal.work.record(Outcome(work=accepted.claims[0].work, state=State.SKIPPED, attempt=attempt))

        part = await journal.work.work(accepted.claims[0].work.id)
        assert part is not None
        assert (part.state, part.failures) == (State.SKIPPED, 0)

    @promise
    async def test_who_lost_the_lease_writes_nothing(self, journal: Journal) -> None:
        await journal.endpoints.add(self.endpoint())
        event = self.event()
        accepted = await journal.events.accept(event, ONE_HANDLER, handoff=handoff())
        self.clock.advance(seconds=16)
        await journal.work.reap()
        reaped = await journal.work.record(self.done(accepted.claims[0], self.message()))
        (second,) = await claim(journal, owner="worker-2")

        stale = await journal.work.record(self.done(accepted.claims[0], self.message()), handoff=handoff())
        held = await journal.work.record(self.done(second))

        assert reaped == stale == Recorded(stale=True)
        assert held == Recorded()
        trace = await journal.events.trace(event.id)
        assert trace is not None
        assert [attempt.status for attempt in trace.attempts] == [
            AttemptStatus.LOST,
            AttemptStatus.SUCCEEDED,
        ]
        assert await journal.messages.messages() == []

    @promise
    async def test_an_ended_lease_that_nobody_took_still_holds(self, journal: Journal) -> None:
        accepted = await journal.events.accept(self.event(), ONE_HANDLER, handoff=handoff())
        self.clock.advance(seconds=60)

        assert not (await journal.work.record(self.done(accepted.claims[0]))).stale

    @promise
    async def test_of_two_finishers_at_once_one_is_stale(self, journal: Journal) -> None:
        other = await self.another()
        accepted = await journal.events.accept(self.event(), ONE_HANDLER, handoff=handoff())
        (claimed,) = accepted.claims

        recorded = await asyncio.gather(
            *(store.work.record(self.done(claimed)) for store in (journal, other, journal, other))
        )

        assert Counter(each.stale for each in recorded) == {True: 3, False: 1}

    @promise
    async def test_released_work_is_lost_to_its_claimer(self, journal: Journal) -> None:
        accepted = await journal.events.accept(self.event(), ONE_HANDLER, handoff=handoff())
        await journal.work.release(owner="worker-1")

        assert (await journal.work.record(self.done(accepted.claims[0]))).stale

    @promise
    async def test_what_a_handling_published_is_kept_with_it(self, journal: Journal) -> None:
        endpoint = self.endpoint()
        await journal.endpoints.add(endpoint)
        event = self.event()
        accepted = await journal.events.accept(event, ONE_HANDLER, handoff=handoff())
        messages = [self.message(event_id=event.id) for _ in range(2)]

        recorded = await journal.work.record(self.done(accepted.claims[0], *messages), handoff=handoff())

        assert [one.message_id for one in recorded.published] == [message.id for message in messages]
        assert [one.deliveries for one in recorded.published] == [1, 1]
        for one, message in zip(recorded.published, messages, strict=True):
            assert [(each.message, each.endpoint) for each in one.claims] == [(message, endpoint)]
        assert await claim(journal) == []

    @promise
    async def test_an_outcome_that_the_lifecycle_does_not_know_is_refused(self, journal: Journal) -> None:
        accepted = await journal.events.accept(self.event(), ONE_HANDLER, handoff=handoff())
        (claimed,) = accepted.claims
        good = self.done(claimed)

        for bad in (
            replace(good, state=State.DELIVERED),
            replace(good, wait=timedelta(seconds=1)),
            replace(good, state=State.RETRY_SCHEDULED),
        ):
            with pytest.raises(InvalidInput):
                await journal.work.record(bad)

        assert not (await journal.work.record(good)).stale


class LostCases(JournalCase):
    """``WorkStore.reap`` and ``replay``."""

    @promise
    async def test_a_lost_lease_is_a_failed_attempt(self, journal: Journal) -> None:
        event = self.event()
        accepted = await journal.events.accept(event, ONE_HANDLER, handoff=handoff())
        self.clock.advance(seconds=14.9)
        early = await journal.work.reap()
        self.clock.advance(seconds=0.1)

        assert (early, await journal.work.reap(), await journal.work.reap()) == (0, 1, 0)
        (again,) = await claim(journal)
        trace = await journal.events.trace(event.id)
        assert trace is not None
        (lost,) = trace.attempts
        part = accepted.claims[0].work
        assert isinstance(lost, Attempt)
        assert (lost.status, lost.number, lost.work_id) == (AttemptStatus.LOST, 1, part.id)
        assert (lost.kind, lost.target, lost.subject_id) == (part.kind, part.target, part.subject_id)
        assert lost.duration_ms == 15_000
        assert (again.work.attempt_count, again.work.failures) == (2, 1)

    @promise
    async def test_the_last_lost_lease_makes_a_dead_letter(self, journal: Journal) -> None:
        await journal.events.accept(self.event(), TWO_HANDLERS[1:], handoff=handoff())
        self.clock.advance(minutes=1)

        await journal.work.reap()

        (dead,) = await journal.work.dead_letters()
        assert (dead.state, dead.failures, dead.due_at, dead.leased_until) == (State.FAILED, 1, None, None)

    @promise
    async def test_any_number_may_reap_at_once(self, journal: Journal) -> None:
        journals = (journal, await self.another())
        await asyncio.gather(
            *(journal.events.accept(self.event(), TWO_HANDLERS, handoff=handoff()) for _ in range(300))
        )
        self.clock.advance(minutes=1)

        reaped = await asyncio.gather(*(journals[n % 2].work.reap() for n in range(6)))

        assert sum(reaped) == 600
        assert (await journal.work.backlog()).dead == 300

    @promise
    async def test_replayed_work_begins_its_schedule_anew(self, journal: Journal) -> None:
        event = self.event()
        accepted = await journal.events.accept(event, TWO_HANDLERS, handoff=handoff())
        done, dead = accepted.claims
        await journal.work.record(self.done(done))
        await journal.work.record(self.dead(dead))
        self.clock.advance(hours=1)

        replayed = [await journal.work.replay(one.work.id) for one in (done, dead)]
        again = await claim(journal)

        assert {part.state for part in replayed} == {State.VERIFIED}
        assert {(part.failures, part.due_at) for part in replayed} == {(0, self.clock())}
        assert {(one.work.attempt_count, one.work.fence) for one in again} == {(2, 2)}
        assert await journal.work.dead_letters() == []

    @promise
    async def test_only_known_work_that_is_over_can_be_replayed(self, journal: Journal) -> None:
        accepted = await journal.events.accept(self.event(), TWO_HANDLERS, handoff=handoff("b"))
        waiting = await self._waiting(journal)

        for work_id in (accepted.claims[0].work.id, waiting):
            with pytest.raises(InvalidInput):
                await journal.work.replay(work_id)
        with pytest.raises(NotFound):
            await journal.work.replay("hdl_unknown")

    async def _waiting(self, journal: Journal) -> str:
        (summary,) = await journal.events.summaries()
        trace = await journal.events.trace(summary.id)
        assert trace is not None
        return next(part.id for part in trace.handlings if part.due_at)


class WorkListCases(JournalCase):
    """The lists of work, and the backlog."""

    @promise
    async def test_events_are_found_by_the_state_of_what_they_led_to(self, journal: Journal) -> None:
        await journal.endpoints.add(self.endpoint())
        events = [self.event(provider=provider) for provider in ("forge", "forge", "shop", "shop")]
        dead, again, sent, fine = events
        for event, become in ((dead, self.dead), (again, self.again), (fine, self.done)):
            accepted = await journal.events.accept(event, ONE_HANDLER, handoff=handoff())
            await journal.work.record(become(accepted.claims[0]))
        await journal.events.accept(sent, [])
        published = await journal.messages.publish(self.message(event_id=sent.id), handoff=handoff())
        await journal.work.record(self.dead(published.claims[0]))

        async def found(*states: State, **options: Any) -> set[str]:
            return {event.id for event in await journal.events.summaries(states=states, **options)}

        assert await found(State.FAILED) == {dead.id, sent.id}
        assert await found(State.RETRY_SCHEDULED) == {again.id}
        assert await found(State.FAILED, State.RETRY_SCHEDULED) == {dead.id, again.id, sent.id}
        assert await found(State.FAILED, provider="shop") == {sent.id}
        assert await found(State.FAILED, before=sent.id) == {dead.id}
        assert await found(State.FAILED, event_type="push", limit=1) == {max(dead.id, sent.id)}

    @promise
    async def test_the_newest_attempts_of_each_kind_come_with_what_they_were_about(
        self, journal: Journal
    ) -> None:
        await journal.endpoints.add(self.endpoint())
        event = self.event(event_type="pull_request", action="opened")
        accepted = await journal.events.accept(event, ONE_HANDLER, handoff=handoff())
        handled = self.done(accepted.claims[0])
        await journal.work.record(handled)
        sent = []
        for _ in range(3):
            published = await journal.messages.publish(self.message(), handoff=handoff())
            sent.append(self.dead(published.claims[0]))
            await journal.work.record(sent[-1])

        (handling,) = await journal.work.recent_attempts(Kind.HANDLING)
        deliveries = await journal.work.recent_attempts(Kind.DELIVERY, limit=2)

        assert handling.attempt.id == handled.attempt.id
        assert (handling.event_type, handling.action) == ("pull_request", "opened")
        assert [each.attempt.id for each in deliveries] == [one.attempt.id for one in sent[:0:-1]]
        assert {(each.event_type, each.action) for each in deliveries} == {("order.created", None)}
        assert all(each.attempt.error_message == sent[0].attempt.error_message for each in deliveries)

    @promise
    async def test_dead_letters_come_newest_first_in_pages_of_either_kind(self, journal: Journal) -> None:
        await journal.endpoints.add(self.endpoint())
        dead = []
        for _ in range(3):
            accepted = await journal.events.accept(self.event(), ONE_HANDLER, handoff=handoff())
            published = await journal.messages.publish(self.message(), handoff=handoff())
            for claimed in (*accepted.claims, *published.claims):
                await journal.work.record(self.dead(claimed))
                dead.append(claimed.work.id)

        first = await journal.work.dead_letters(limit=4)
        rest = await journal.work.dead_letters(limit=4, before=first[-1].id)
        handlings = await journal.work.dead_letters(kind=Kind.HANDLING)
        deliveries = await journal.work.dead_letters(limit=2, kind=Kind.DELIVERY)

        assert [part.id for part in (*first, *rest)] == dead[::-1]
        assert [part.id for part in handlings] == dead[-2::-2]
        assert [part.id for part in deliveries] == dead[:1:-2]

    @promise
    async def test_deliveries_come_newest_first_in_pages_of_one_endpoint_or_all(
        self, journal: Journal
    ) -> None:
        endpoints = [self.endpoint(), self.endpoint()]
        for endpoint in endpoints:
            await journal.endpoints.add(endpoint)
        await journal.events.accept(self.event(), ONE_HANDLER)
        for _ in range(3):
            await journal.messages.publish(self.message())

        everything = await journal.work.deliveries()
        first = await journal.work.deliveries(limit=4)
        rest = await journal.work.deliveries(limit=4, before=first[-1].id)
        of_one = await journal.work.deliveries(endpoint_id=endpoints[0].id)

        ids = [part.id for part in everything]
        assert ids == sorted(ids, reverse=True)
        assert len(ids) == 6
        assert [part.id for part in (*first, *rest)] == ids
        assert [part.id for part in of_one] == [
            part.id for part in everything if part.target == endpoints[0].id
        ]

    @promise
    async def test_the_backlog_says_what_waits_runs_and_is_dead(self, journal: Journal) -> None:
        empty = await journal.work.backlog()
        for _ in range(4):
            await journal.events.accept(self.event(), ONE_HANDLER)
            self.clock.advance(seconds=1)
        retried, dead, _running = await claim(journal, limit=3)
        await journal.work.record(self.again(retried, seconds=30))
        await journal.work.record(self.dead(dead))

        assert empty == Backlog(waiting=0, running=0, oldest_due_at=None, dead=0)
        assert await journal.work.backlog() == Backlog(
            waiting=2, running=1, oldest_due_at=self.clock() - timedelta(seconds=1), dead=1
        )

    @promise
    async def test_unknown_work_is_none(self, journal: Journal) -> None:
        assert await journal.work.work("dlv_unknown") is None
