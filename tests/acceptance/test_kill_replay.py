"""A process that runs a replay job is killed at every step; another goes on, and nothing is done twice."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from smart_api_integrations.application.identifiers import ulids
from smart_api_integrations.core.journal import (
    Attempt,
    AttemptStatus,
    Message,
    Outcome,
)
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.core.replay import Mode, Replay, ReplayFilter, ReplayState
from smart_api_integrations.storage import open_journal
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.storage.secret_cipher import SecretCipher
from smart_api_integrations.work.replay import Replayer, ReplayRules
from tests.journal_scenes import SECRET
from tests.running_server import fresh_postgres

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent
WORK = 23
KILLED = 137
SHORT = timedelta(seconds=0.05)

# The child dies before the third page's transaction, after it, or in the middle of it.
CHILD = """
import asyncio, os, sys
from datetime import timedelta
from tests.acceptance.test_kill_replay import SHORT, journal_at, no_pause
from smart_api_integrations.storage.redoing import Redoing
from smart_api_integrations.work.replay import Replayer, ReplayRules

url, moment, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])

async def main():
    journal = journal_at(url)
    await journal.open()
    replays, advance, left = journal.replays, journal.replays.advance, [steps]

    async def counted(*args, **options):
        left[0] -= 1
        if left[0] == 0 and moment == "before":
            os._exit(137)
        if left[0] == 0 and moment == "inside":
            write_rows = journal._store.dialect.write_rows
            def die(*args):
                write_rows(*args)
                os._exit(137)
            journal._store.dialect.write_rows = die
        after = await advance(*args, **options)
        if left[0] == 0:
            os._exit(137)
        return after

    replays.advance = counted
    job = await replays.claim(owner="child", lease=SHORT)
    await Replayer(replays, lambda _: [], ReplayRules(owner="child", lease=SHORT, sleep=no_pause)).run(job)

asyncio.run(main())
"""

new_id = ulids()


async def no_pause(_: float) -> None:
    await asyncio.sleep(0)


def journal_at(url: str) -> Journal:
    return open_journal(url, new_id=new_id, cipher=SecretCipher([b"k" * 32]))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path, postgres_url: str):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/webhooks.db"
    else:
        with fresh_postgres(postgres_url) as made:
            yield made


async def publish(journal: Journal, count: int) -> None:
    for _ in range(count):
        message_id, now = new_id("msg_"), journal.now()
        await journal.messages.publish(Message(id=message_id, event="order.paid", body=b"{}", created_at=now))


async def add_endpoint(journal: Journal) -> str:
    from smart_api_integrations.core.endpoint import Endpoint  # noqa: PLC0415 - of this step alone

    now = journal.now()
    made = Endpoint(
        id=new_id("ep_"),
        url="https://example.com/",
        events=("*",),
        secret=SECRET,
        created_at=now,
        updated_at=now,
    )
    await journal.endpoints.add(made)
    return made.id


async def kill_deliveries(journal: Journal) -> None:
    for claim in await journal.work.claim(owner="test", limit=100, lease=timedelta(minutes=1)):
        part = claim.work
        attempt = Attempt(
            id=new_id("att_"),
            work_id=part.id,
            kind=part.kind,
            target=part.target,
            subject_id=part.subject_id,
            number=part.attempt_count,
            status=AttemptStatus.FAILED,
            started_at=journal.now(),
            duration_ms=1.0,
        )
        await journal.work.record(Outcome(work=part, state=State.FAILED, attempt=attempt))


async def prepare(journal: Journal, mode: Mode) -> Replay:
    """Keep work that is dead, or messages that an endpoint of today has missed; and a job over it."""
    if mode is Mode.MISSING:
        await publish(journal, WORK)
        await add_endpoint(journal)
    else:
        await add_endpoint(journal)
        await publish(journal, WORK)
        await kill_deliveries(journal)
    now = journal.now()
    asked = ReplayFilter(kind=Kind.DELIVERY, mode=mode)
    job = Replay(id=new_id("rpl_"), filter=asked, rate=4, created_at=now, updated_at=now)
    await journal.replays.start(job)
    return job


async def go_on(journal: Journal) -> Replay | None:
    """Take the job over, now that its lease has ended, and run it to its end."""
    job = await journal.replays.claim(owner="heir", lease=timedelta(minutes=1))
    assert job is not None
    rules = ReplayRules(owner="heir", lease=timedelta(minutes=1), sleep=no_pause)
    return await Replayer(journal.replays, lambda _: [], rules).run(job)


@pytest.mark.parametrize("mode", [Mode.FAILED, Mode.MISSING])
def test_a_job_survives_its_process_killed_again_and_again(url: str, mode: Mode) -> None:
    async def story() -> None:
        journal = journal_at(url)
        await journal.open()
        try:
            job = await prepare(journal, mode)
            for moment, steps in itertools.product(("before", "inside", "after"), (1, 2)):
                child = await asyncio.to_thread(
                    subprocess.run,
                    [sys.executable, "-c", CHILD, url, moment, str(steps)],
                    cwd=ROOT,
                    timeout=60,
                    check=False,
                )
                assert child.returncode == KILLED, (moment, steps)
                await asyncio.sleep(2 * SHORT.total_seconds())  # the lease is the real clock's
            end = await go_on(journal)
            items = await journal.replays.items(job.id, limit=100)
        finally:
            await journal.close()

        assert end is not None
        assert (end.state, end.done, end.skipped) == (ReplayState.COMPLETED, WORK, 0)
        assert end.fence >= 7
        assert len({part.subject_id for part in items}) == len(items) == WORK
        assert {part.state for part in items} == {State.PENDING}
        assert {part.attempt_count for part in items} == {1 if mode is Mode.FAILED else 0}

    asyncio.run(story())
