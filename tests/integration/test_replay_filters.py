"""Which work a filter names, against the plainest model of it: a list, looked through from the beginning."""

from __future__ import annotations

import asyncio
import fnmatch
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smart_api_integrations.application.identifiers import ulids
from smart_api_integrations.core.journal import (
    Attempt,
    AttemptStatus,
    NewHandling,
    Outcome,
    Proof,
    ReceivedEvent,
)
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.core.replay import Mode, ReplayFilter
from smart_api_integrations.storage import open_journal
from smart_api_integrations.storage.secret_cipher import SecretCipher
from smart_api_integrations.testing.journal_cases.scene import START, ManualClock

TYPES = ("order.created", "order.paid", "push", None)
PROVIDERS = ("forge", "mill")
HANDLERS = ("shop.one", "shop.two")
TENANTS = ("default", "acme")
ENDS = (State.COMPLETED, State.SKIPPED, State.FAILED, None)
HOURS = 8


@dataclass(frozen=True, kw_only=True)
class Fact:
    """What the model knows of one handling."""

    work_id: str
    event_type: str | None
    provider: str
    handler: str
    tenant: str
    created_at: datetime
    state: State | None


@dataclass(frozen=True, kw_only=True)
class World:
    """A journal on a file, and the model of what is in it, oldest first."""

    url: str
    facts: tuple[Fact, ...]


def _journal(url: str, clock: ManualClock) -> Any:
    new_id = ulids(milliseconds=lambda: int(clock().timestamp() * 1000))
    return open_journal(url, new_id=new_id, cipher=SecretCipher([b"k" * 32]), clock=clock), new_id


def _event(new_id: Any, number: int, clock: ManualClock) -> ReceivedEvent:
    return ReceivedEvent(
        id=new_id("evt_"),
        tenant=TENANTS[number // 3 % 2],
        provider=PROVIDERS[number % 2],
        webhook_name="default",
        event_type=TYPES[number % 4],
        path="/",
        headers=(),
        body=b"{}",
        received_at=clock(),
        proof=Proof(scheme="none"),
    )


async def _fill(url: str) -> tuple[Fact, ...]:
    clock = ManualClock()
    journal, new_id = _journal(url, clock)
    await journal.open()
    facts: list[Fact] = []
    for number in range(4 * HOURS):
        event = _event(new_id, number, clock)
        names = [f"{event.provider}:default:{name}" for name in HANDLERS]
        await journal.events.accept(event, [NewHandling(handler=name, max_attempts=1) for name in names])
        for claim in await journal.work.claim(owner="x", limit=9, lease=timedelta(days=9)):
            state = ENDS[len(facts) // 2 % 4]
            if state is not None:
                good = state is not State.FAILED
                attempt = Attempt(
                    id=new_id("att_"),
                    work_id=claim.work.id,
                    kind=Kind.HANDLING,
                    target=claim.work.target,
                    subject_id=event.id,
                    number=1,
                    status=AttemptStatus.SUCCEEDED if good else AttemptStatus.FAILED,
                    started_at=clock(),
                    duration_ms=1.0,
                )
                await journal.work.record(Outcome(work=claim.work, state=state, attempt=attempt))
            facts.append(
                Fact(
                    work_id=claim.work.id,
                    event_type=event.event_type,
                    provider=event.provider,
                    handler=claim.work.target,
                    tenant=event.tenant,
                    created_at=clock(),
                    state=state,
                )
            )
        clock.advance(minutes=15)
    await journal.close()
    return tuple(sorted(facts, key=lambda fact: fact.work_id))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder)}/webhooks.db"
        yield World(url=url, facts=asyncio.run(_fill(url)))


def _model(facts: tuple[Fact, ...], asked: ReplayFilter) -> list[str]:
    """Return what *asked* names, in the words of the manual."""
    wanted = (State.FAILED,) if asked.mode is Mode.FAILED else asked.states or ENDS[:3]
    found = []
    for fact in facts:
        if fact.state not in wanted:
            continue
        if asked.tenant is not None and fact.tenant != asked.tenant:
            continue
        if asked.provider is not None and fact.provider != asked.provider:
            continue
        if asked.event_type not in (None, "*") and (
            fact.event_type is None or not fnmatch.fnmatchcase(fact.event_type, asked.event_type or "")
        ):
            continue
        if asked.target is not None and not (
            fact.handler == asked.target or fact.handler.startswith(f"{asked.target}:")
        ):
            continue
        if asked.since is not None and fact.created_at < asked.since:
            continue
        if asked.until is not None and fact.created_at > asked.until:
            continue
        found.append(fact.work_id)
    return found


moments = st.none() | st.integers(-30, HOURS * 60 + 30).map(
    lambda minutes: START + timedelta(minutes=minutes)
)
filters = st.builds(
    ReplayFilter,
    kind=st.just(Kind.HANDLING),
    mode=st.sampled_from([Mode.FAILED, Mode.ALL]),
    tenant=st.none() | st.sampled_from(TENANTS),
    event_type=st.none() | st.sampled_from(["order.*", "*", "push", "*.paid", "nothing"]),
    provider=st.none() | st.sampled_from([*PROVIDERS, "nobody"]),
    target=st.none() | st.sampled_from(["forge:default", "mill:default:shop.one", "mill:other"]),
    states=st.lists(st.sampled_from(ENDS[:3]), unique=True, max_size=2).map(tuple),
    since=moments,
    until=moments,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=filters, limit=st.integers(1, 40))
def test_a_filter_names_what_the_manual_says(world: World, asked: ReplayFilter, limit: int) -> None:
    async def found() -> list[str | None]:
        journal, _ = _journal(world.url, ManualClock())
        await journal.open()
        try:
            ids: list[str | None] = []
            after, is_last = "", False
            while not is_last:
                page = await journal.replays.page(asked, after=after, limit=limit)
                assert len(page.candidates) <= limit
                ids += [each.work_id for each in page.candidates]
                after, is_last = page.cursor, page.is_last
            return ids
        finally:
            await journal.close()

    assert asyncio.run(found()) == _model(world.facts, asked)
