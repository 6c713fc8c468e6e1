"""Replay jobs: keeping them, leasing them, and moving them on page by page. Floor 3."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, func, or_, select

from smart_api_integrations.core.journal import COUNT_LIMIT, Work
from smart_api_integrations.core.lifecycle import ROADS, State
from smart_api_integrations.core.replay import (
    OVER,
    Candidate,
    Mode,
    Replay,
    ReplayFilter,
    ReplayOutcomes,
    ReplayPage,
    ReplayState,
)
from smart_api_integrations.errors import InvalidInput, NotFound
from smart_api_integrations.storage.column_types import Moment
from smart_api_integrations.storage.redoing import Redoing
from smart_api_integrations.storage.replay_pages import Pages, Question
from smart_api_integrations.storage.replay_rows import replay_from, replay_row
from smart_api_integrations.storage.replay_tables import RUNS, replay_items, replays
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import work
from smart_api_integrations.storage.work_rows import work_from

Step = tuple[Replay, ReplayPage, Sequence[Candidate], timedelta]

_one = select(replays).where(replays.c.id == bindparam("replay_id"))
_locked = _one.with_for_update()
_free = (
    select(replays)
    .where(
        RUNS,
        or_(replays.c.leased_until.is_(None), replays.c.leased_until <= bindparam("now", type_=Moment)),
    )
    .order_by(replays.c.id)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_change = replays.update().where(replays.c.id == bindparam("replay_id"))
_recent = (
    select(replay_items.c.work_id)
    .where(replay_items.c.replay_id == bindparam("replay_id"))
    .order_by(replay_items.c.work_id.desc())
    .limit(COUNT_LIMIT)
    .subquery()
)
_count_states = (
    select(work.c.state, func.count())
    .select_from(_recent.outerjoin(work, work.c.id == _recent.c.work_id))
    .group_by(work.c.state)
)


class Replays:
    """Keeps ``storage.protocols.ReplayStore``."""

    def __init__(self, store: Store, redoing: Redoing) -> None:
        """Work on *store*; *redoing* makes work due."""
        self._store = store
        self._redoing = redoing
        self._pages = Pages(store)

    async def start(self, replay: Replay) -> None:
        """See ``ReplayStore.start``."""
        await self._store.write_one(self._start, replay)

    async def replay(self, replay_id: str) -> Replay | None:
        """See ``ReplayStore.replay``."""
        return await self._store.read(_read, replay_id)

    async def replays(
        self, *, limit: int = 50, before: str | None = None, state: ReplayState | None = None
    ) -> Sequence[Replay]:
        """See ``ReplayStore.replays``."""
        return await self._store.read(_list, (limit, before, state))

    async def outcomes(self, replay: Replay) -> ReplayOutcomes:
        """See ``ReplayStore.outcomes``."""
        return await self._store.read(_outcomes, replay)

    async def items(
        self, replay_id: str, *, limit: int = 50, before: str | None = None, state: State | None = None
    ) -> Sequence[Work]:
        """See ``ReplayStore.items``."""
        return await self._store.read(_items, (replay_id, limit, before, state))

    async def pause(self, replay_id: str) -> Replay:
        """See ``ReplayStore.pause``."""
        return await self._store.write_one(self._move, (replay_id, ReplayState.PAUSED))

    async def resume(self, replay_id: str) -> Replay:
        """See ``ReplayStore.resume``."""
        return await self._store.write_one(self._move, (replay_id, ReplayState.RUNNING))

    async def cancel(self, replay_id: str) -> Replay:
        """See ``ReplayStore.cancel``."""
        return await self._store.write_one(self._move, (replay_id, ReplayState.CANCELLED))

    async def claim(self, *, owner: str, lease: timedelta) -> Replay | None:
        """See ``ReplayStore.claim``."""
        return await self._store.write_one(self._claim, (owner, lease))

    async def page(self, asked: ReplayFilter, *, after: str = "", limit: int) -> ReplayPage:
        """See ``ReplayStore.page``."""
        return await self._store.read(self._pages.read, Question(asked, after, limit))

    async def advance(
        self, replay: Replay, page: ReplayPage, candidates: Sequence[Candidate], *, lease: timedelta
    ) -> Replay | None:
        """See ``ReplayStore.advance``."""
        return await self._store.write_one(self._advance, (replay, page, candidates, lease))

    async def make(self, candidates: Sequence[Candidate]) -> Sequence[Work]:
        """See ``ReplayStore.make``."""
        return await self._store.write_one(self._redoing.make_missing, candidates)

    async def renew(self, replay: Replay, *, lease: timedelta) -> bool:
        """See ``ReplayStore.renew``."""
        return await self._store.write_one(self._renew, (replay, self._store.now() + lease))

    async def release(self, replay: Replay) -> None:
        """See ``ReplayStore.release``."""
        await self._store.write_one(self._renew, (replay, None))

    def _start(self, connection: Connection, replay: Replay) -> None:
        """Insert one job, unless it is kept already."""
        if _read(connection, replay.id) is None:
            connection.execute(replays.insert(), replay_row(replay))

    def _move(self, connection: Connection, asked: tuple[str, ReplayState]) -> Replay:
        """Give one job another state; whoever has its lease loses it with its next page."""
        replay_id, state = asked
        row = connection.execute(_locked, {"replay_id": replay_id}).one_or_none()
        if row is None:
            message = f"There is no replay {replay_id}"
            raise NotFound(message)
        before = replay_from(row)
        if before.state is state:
            return before
        if before.state in OVER:
            message = f"{replay_id} is {before.state}: make a new replay instead"
            raise InvalidInput(message)
        now = self._store.now()
        values = {
            "state": state.value,
            "updated_at": now,
            "finished_at": now if state in OVER else None,
            "leased_until": None,
            "lease_owner": None,
        }
        connection.execute(_change.values(**values), {"replay_id": replay_id})
        after = _read(connection, replay_id)
        return after or before

    def _claim(self, connection: Connection, asked: tuple[str, timedelta]) -> Replay | None:
        """Lease one job that runs and that nobody has."""
        owner, lease = asked
        now = self._store.now()
        row = connection.execute(_free, {"now": now}).one_or_none()
        if row is None:
            return None
        values = {"fence": row.fence + 1, "leased_until": now + lease, "lease_owner": owner}
        connection.execute(_change.values(**values), {"replay_id": row.id})
        return _read(connection, row.id)

    def _advance(self, connection: Connection, step: Step) -> Replay | None:
        """Make the work of one page due and move the job behind it, if it is still the caller's."""
        replay, page, candidates, lease = step
        if not self._holds(connection, replay):
            return None
        if replay.filter.mode is Mode.MISSING:
            made = self._redoing.make_missing(connection, candidates)
        else:
            ids = [each.work_id for each in candidates if each.work_id is not None]
            made = self._redoing.again(connection, ids, wants=replay.filter.wants_state) if ids else []
        items = [(replay.id, part.id) for part in made]
        self._store.dialect.write_rows(connection, replay_items, items)
        now = self._store.now()
        values: dict[str, Any] = {
            "done": replays.c.done + len(made),
            "skipped": replays.c.skipped + len(candidates) - len(made),
            "cursor": page.cursor,
            "updated_at": now,
            "leased_until": now + lease,
        }
        if page.is_last:
            values |= {"state": ReplayState.COMPLETED.value, "finished_at": now, "leased_until": None}
        connection.execute(_change.values(**values), {"replay_id": replay.id})
        return _read(connection, replay.id)

    def _renew(self, connection: Connection, asked: tuple[Replay, datetime | None]) -> bool:
        """Move the end of a lease, if it is still the caller's."""
        replay, until = asked
        if not self._holds(connection, replay):
            return False
        connection.execute(_change.values(leased_until=until), {"replay_id": replay.id})
        return True

    def _holds(self, connection: Connection, replay: Replay) -> bool:
        """Lock the job and tell whether it runs under the fence that *replay* was claimed with."""
        row = connection.execute(_locked, {"replay_id": replay.id}).one_or_none()
        return row is not None and row.state == ReplayState.RUNNING.value and row.fence == replay.fence


def _read(connection: Connection, replay_id: str) -> Replay | None:
    """Read one job."""
    row = connection.execute(_one, {"replay_id": replay_id}).one_or_none()
    return None if row is None else replay_from(row)


def _list(connection: Connection, asked: tuple[int, str | None, ReplayState | None]) -> list[Replay]:
    """Read a page of jobs, newest first."""
    limit, before, state = asked
    statement = select(replays).order_by(replays.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(replays.c.id < before)
    if state is not None:
        statement = statement.where(replays.c.state == state.value)
    return [replay_from(row) for row in connection.execute(statement)]


def _outcomes(connection: Connection, replay: Replay) -> ReplayOutcomes:
    """Count where the last pieces of a job's work stand."""
    road = ROADS[replay.filter.kind]
    counts = {"done": 0, "failed": 0, "open": 0, "other": 0}
    for word, count in connection.execute(_count_states, {"replay_id": replay.id}):
        state = None if word is None else State(word)
        if state is road.done:
            counts["done"] += count
        elif state is State.FAILED:
            counts["failed"] += count
        else:
            counts["other" if state is None or state in road.ends else "open"] += count
    return ReplayOutcomes(**counts)


def _items(connection: Connection, asked: tuple[str, int, str | None, State | None]) -> list[Work]:
    """Read a page of what a job made due, newest first."""
    replay_id, limit, before, state = asked
    statement = (
        select(work)
        .select_from(replay_items.join(work, work.c.id == replay_items.c.work_id))
        .where(replay_items.c.replay_id == replay_id)
        .order_by(replay_items.c.work_id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(replay_items.c.work_id < before)
    if state is not None:
        statement = statement.where(work.c.state == state.value)
    return [work_from(row) for row in connection.execute(statement)]
