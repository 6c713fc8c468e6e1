"""Promises about issues: failures gathered by their cause. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

from datetime import timedelta

import pytest

from smart_api_integrations.core.issues import Issue, IssueKind, IssueState
from smart_api_integrations.core.journal import AttemptStatus, Claim, Outcome
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.errors import InvalidInput, NotFound
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.scene import (
    HANDLER,
    ONE_HANDLER,
    JournalCase,
    claim,
    promise,
)

BROKEN = {"error_code": "raised", "error_message": "KeyError: 'customer'"}
RETRY = timedelta(seconds=5)


class IssueCases(JournalCase):
    """Issues, their members, and what people say of them."""

    async def fail(self, journal: Journal, state: State = State.FAILED, **values: str) -> str:
        """Let one handling fail; return its id."""
        await journal.events.accept(self.event(), ONE_HANDLER)
        (claimed,) = await claim(journal)
        await self.record(journal, claimed, state, **values)
        return claimed.work.id

    async def record(self, journal: Journal, claimed: Claim, state: State, **values: str) -> None:
        """Write that a claim failed, by default with ``BROKEN``."""
        attempt = self.attempt(claimed, AttemptStatus.FAILED, **(BROKEN | values))
        wait = RETRY if state is State.RETRY_SCHEDULED else None
        await journal.work.record(Outcome(work=claimed.work, state=state, wait=wait, attempt=attempt))

    async def only(self, journal: Journal) -> Issue:
        (issue,) = await journal.issues.issues()
        return issue

    @promise
    async def test_failures_with_one_cause_are_one_issue(self, journal: Journal) -> None:
        first = await self.fail(journal)
        self.clock.advance(minutes=3)
        last = await self.fail(journal, error_message="KeyError: 'total'")

        issue = await self.only(journal)

        assert (issue.kind, issue.target, issue.error_class) == (IssueKind.HANDLING, HANDLER, "KeyError")
        assert (issue.first_id, issue.last_id, issue.message) == (first, last, "KeyError: 'total'")
        assert issue.last_at - issue.first_at == timedelta(minutes=3)
        assert (issue.tries, issue.affected, issue.dead, issue.open) == (2, 2, 2, 0)
        assert await journal.issues.issue(issue.id) == issue

    @promise
    async def test_another_cause_is_another_issue(self, journal: Journal) -> None:
        await self.fail(journal)
        self.clock.advance(minutes=1)
        await self.fail(journal, error_message="TypeError: no")

        issues = await journal.issues.issues()

        assert [issue.error_class for issue in issues] == ["TypeError", "KeyError"]

    @promise
    async def test_work_that_fails_again_is_one_member_that_was_tried_twice(self, journal: Journal) -> None:
        await self.fail(journal, State.RETRY_SCHEDULED)
        assert (await self.only(journal)).open == 1
        self.clock.advance(seconds=6)
        (again,) = await claim(journal)
        assert (await self.only(journal)).open == 1
        await self.record(journal, again, State.FAILED)

        issue = await self.only(journal)

        assert (issue.tries, issue.affected, issue.open, issue.dead) == (2, 1, 0, 1)

    @promise
    async def test_success_closes_an_issue(self, journal: Journal) -> None:
        await self.fail(journal, State.RETRY_SCHEDULED)
        assert (await self.only(journal)).state(now=journal.now()) is IssueState.OPEN
        self.clock.advance(seconds=6)
        (again,) = await claim(journal)

        await journal.work.record(self.done(again))

        issue = await self.only(journal)
        assert (issue.open, issue.dead) == (0, 0)
        assert issue.state(now=journal.now()) is IssueState.RESOLVED

    @promise
    async def test_a_lost_attempt_is_a_failure_like_any_other(self, journal: Journal) -> None:
        await journal.events.accept(self.event(), ONE_HANDLER)
        await claim(journal)
        self.clock.advance(minutes=1)

        await journal.work.reap()

        issue = await self.only(journal)
        assert (issue.error_code, issue.affected, issue.open) == ("lost", 1, 1)

    @promise
    async def test_rejections_are_gathered_by_their_reason(self, journal: Journal) -> None:
        await journal.events.log_rejections([self.rejection(sampled=4), self.rejection()])
        await self.fail(journal)

        (issue,) = await journal.issues.issues(kind=IssueKind.REJECTION)

        assert (issue.tries, issue.affected, issue.open, issue.dead) == (5, 5, 0, 0)

    @promise
    async def test_the_dead_letters_of_an_issue_are_listed_in_pages(self, journal: Journal) -> None:
        mine = [await self.fail(journal) for _ in range(3)]
        await self.fail(journal, error_message="TypeError: no")
        wanted = next(each for each in await journal.issues.issues() if each.error_class == "KeyError")

        first = await journal.work.dead_letters(issue=wanted.id, limit=2)
        rest = await journal.work.dead_letters(issue=wanted.id, limit=2, before=first[-1].id)

        assert [work.id for work in (*first, *rest)] == mine[::-1]
        assert all(work.kind is Kind.HANDLING for work in first)

    @promise
    async def test_what_is_resolved_opens_again_with_the_next_failure(self, journal: Journal) -> None:
        await self.fail(journal)
        issue = await self.only(journal)
        self.clock.advance(minutes=1)

        marked = await journal.issues.mark(issue.id, IssueState.RESOLVED)

        assert marked.state(now=journal.now()) is IssueState.RESOLVED
        assert await self.only(journal) == marked
        self.clock.advance(minutes=1)
        await self.fail(journal)
        assert (await self.only(journal)).state(now=journal.now()) is IssueState.OPEN

    @promise
    async def test_what_is_muted_stays_so_for_its_time(self, journal: Journal) -> None:
        await self.fail(journal)
        issue = await self.only(journal)

        await journal.issues.mark(issue.id, IssueState.MUTED, lasting=timedelta(hours=1))

        await self.fail(journal)
        assert (await self.only(journal)).state(now=journal.now()) is IssueState.MUTED
        self.clock.advance(minutes=61)
        assert (await self.only(journal)).state(now=journal.now()) is IssueState.OPEN

    @promise
    async def test_only_what_is_there_can_be_marked(self, journal: Journal) -> None:
        with pytest.raises(NotFound):
            await journal.issues.mark("iss_unknown", IssueState.RESOLVED)
        await self.fail(journal)
        issue = await self.only(journal)
        with pytest.raises(InvalidInput):
            await journal.issues.mark(issue.id, IssueState.MUTED)
        with pytest.raises(InvalidInput):
            await journal.issues.mark(issue.id, IssueState.OPEN, lasting=timedelta(hours=1))

    @promise
    async def test_issues_are_forgotten_after_a_month(self, journal: Journal) -> None:
        await self.fail(journal)
        self.clock.advance(days=31)

        await self.fail(journal, error_message="TypeError: no")

        assert [issue.error_class for issue in await journal.issues.issues()] == ["TypeError"]

    @promise
    async def test_two_journals_count_one_cause_together(self, journal: Journal) -> None:
        first = await self.fail(journal)
        other = await self.another()
        self.clock.advance(minutes=1)
        await self.fail(other)

        issue = await self.only(other)

        assert (issue.tries, issue.affected, issue.dead, issue.first_id) == (2, 2, 2, first)

    @promise
    async def test_what_is_discarded_is_no_dead_letter_any_more(self, journal: Journal) -> None:
        gone, stays = await self.fail(journal), await self.fail(journal)

        assert await journal.work.discard([gone, "hdl_unknown"]) == 1

        assert await journal.work.discard([gone]) == 0
        assert [work.id for work in await journal.work.dead_letters()] == [stays]
        work = await journal.work.work(gone)
        assert work is not None
        assert work.state is State.SKIPPED
        assert (await self.only(journal)).dead == 1

    @promise
    async def test_a_discarded_delivery_is_cancelled_and_can_be_replayed(self, journal: Journal) -> None:
        await journal.endpoints.add(self.endpoint())
        await journal.messages.publish(self.message())
        (claimed,) = await claim(journal)
        await journal.work.record(self.dead(claimed))

        await journal.work.discard([claimed.work.id])

        work = await journal.work.work(claimed.work.id)
        assert work is not None
        assert work.state is State.CANCELLED
        assert (await journal.work.replay(work.id)).state is State.PENDING
