"""Work: the handlings and deliveries that wait, run and are over. Floor 3."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection, TextClause, bindparam, func, select

from smart_api_integrations.core.journal import COUNT_LIMIT, Backlog, Claim, Handoff, Outcome, Recorded, Work
from smart_api_integrations.core.lifecycle import ROADS, Kind
from smart_api_integrations.errors import InvalidInput, NotFound
from smart_api_integrations.storage.claiming import Claiming
from smart_api_integrations.storage.column_types import Moment
from smart_api_integrations.storage.discarding import discard_all
from smart_api_integrations.storage.read_models import RecentAttempt
from smart_api_integrations.storage.recent_attempts import recent_attempts
from smart_api_integrations.storage.recording import REAPED_AT_ONCE, Recording, check_outcome
from smart_api_integrations.storage.redoing import Redoing
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import (
    DEAD,
    DUE,
    IN_LINE,
    IS_DELIVERY,
    LEASED,
    OPEN_MEMBER,
    gates,
    work,
)
from smart_api_integrations.storage.work_rows import PREFIXES, work_from

_first_due = select(work.c.due_at).where(DUE).order_by(work.c.due_at).limit(1)
_first_due_later = _first_due.where(work.c.due_at > bindparam("now", type_=Moment))
_first_to_open = select(func.min(gates.c.opens_at)).where(gates.c.opens_at > bindparam("now", type_=Moment))


class WorkQueue:
    """Keeps ``storage.protocols.WorkStore``."""

    def __init__(self, store: Store, claiming: Claiming, recording: Recording, redoing: Redoing) -> None:
        """Work on *store* with the operations of *claiming*, *recording* and *redoing*."""
        self._store = store
        self._redoing = redoing
        self._claiming = claiming
        self._recording = recording

    async def claim(
        self, *, owner: str, limit: int, lease: timedelta, refuse: frozenset[str] = frozenset()
    ) -> Sequence[Claim]:
        """See ``WorkStore.claim``."""
        if limit < 1:
            return []
        return await self._store.lease(
            self._claiming.claim_all,
            (owner, limit, lease, refuse),
            claims=lambda claims: claims,
            give_back=self._claiming.give_back,
        )

    async def renew(self, *, owner: str, lease: timedelta, held: Collection[str]) -> int:
        """See ``WorkStore.renew``."""
        return await self._store.write(self._claiming.renew_all, (owner, lease, held))

    async def record(self, outcome: Outcome, *, handoff: Handoff | None = None) -> Recorded:
        """See ``WorkStore.record``.

        Raises:
            InvalidInput: The state cannot follow the work's, or its wait is missing or too much.
        """
        check_outcome(outcome)
        if handoff is None or not outcome.messages:
            return await self._store.write(self._recording.record_all, (outcome, None))
        return await self._store.lease(
            self._recording.record_all,
            (outcome, handoff),
            claims=lambda recorded: [claim for one in recorded.published for claim in one.claims],
            give_back=self._claiming.give_back,
        )

    async def release(self, *, owner: str) -> int:
        """See ``WorkStore.release``."""
        return await self._store.write(self._claiming.release_all, owner)

    async def reap(self) -> int:
        """See ``WorkStore.reap``."""
        total = 0
        while True:
            count = await self._store.write(self._recording.reap_all, None)
            total += count
            if count < REAPED_AT_ONCE:
                return total

    async def next_due(self) -> timedelta | None:
        """See ``WorkStore.next_due``."""
        return await self._store.read(self._next_due, None)

    async def work(self, work_id: str) -> Work | None:
        """See ``WorkStore.work``."""
        return await self._store.read(_one, work_id)

    async def replay(self, work_id: str) -> Work:
        """See ``WorkStore.replay``."""
        return await self._store.write_one(self._replay, work_id)

    async def discard(self, work_ids: Sequence[str]) -> int:
        """See ``WorkStore.discard``."""
        return await self._store.write_one(partial(discard_all, self._store), work_ids)

    async def dead_letters(
        self,
        *,
        limit: int = 50,
        before: str | None = None,
        kind: Kind | None = None,
        issue: str | None = None,
    ) -> Sequence[Work]:
        """See ``WorkStore.dead_letters``."""
        if issue is not None:
            return await self._store.read(_dead_members, (limit, before, issue))
        return await self._store.read(_dead_letters, (limit, before, kind))

    async def deliveries(
        self, *, limit: int = 50, before: str | None = None, endpoint_id: str | None = None
    ) -> Sequence[Work]:
        """See ``WorkStore.deliveries``."""
        return await self._store.read(_deliveries, (limit, before, endpoint_id))

    async def recent_attempts(self, kind: Kind, *, limit: int = 50) -> Sequence[RecentAttempt]:
        """See ``WorkStore.recent_attempts``."""
        return await self._store.read(partial(recent_attempts, self._store), (kind, limit))

    async def backlog(self) -> Backlog:
        """See ``WorkStore.backlog``."""
        return await self._store.read(_backlog, None)

    def _next_due(self, connection: Connection, _: None) -> timedelta | None:
        """Read how long until the first due time of both lanes."""
        now = self._store.now()
        head = _head(connection)
        if head is None or head > now:
            return None if head is None else head - now
        # Something is due. If gates hold it back, nothing can be claimed before one opens.
        opens_at = connection.scalar(_first_to_open, {"now": now})
        later = connection.scalar(_first_due_later, {"now": now}) if opens_at else None
        moments = [moment for moment in (opens_at, later) if moment is not None]
        return min(moments) - now if moments else timedelta(0)

    def _replay(self, connection: Connection, work_id: str) -> Work:
        """Lock one piece of work and, if it is over, make it due as if it were new."""
        for part in self._redoing.again(connection, [work_id], wants=lambda _: True):
            return part
        before = _one(connection, work_id)
        if before is None:
            message = f"There is no handling and no delivery {work_id}"
            raise NotFound(message)
        if before.state in ROADS[before.kind].ends:
            message = f"The payload of {before.subject_id} was expunged: {work_id} cannot be done again"
            raise InvalidInput(message)
        message = f"{work_id} is {before.state}: only what is over can be replayed"
        raise InvalidInput(message)


def _head(connection: Connection) -> datetime | None:
    """Read when the first work is due."""
    return connection.scalar(_first_due)


def _one(connection: Connection, work_id: str) -> Work | None:
    """Read one piece of work."""
    row = connection.execute(select(work).where(work.c.id == work_id)).one_or_none()
    return None if row is None else work_from(row)


def _dead_letters(connection: Connection, asked: tuple[int, str | None, Kind | None]) -> list[Work]:
    """Read a page of dead letters, newest first: one kind, or both merged by their ULIDs."""
    limit, before, kind = asked
    return _page(connection, DEAD, limit=limit, before=before, kinds=[kind] if kind else list(Kind))


def _dead_members(connection: Connection, asked: tuple[int, str | None, str]) -> list[Work]:
    """Read a page of the dead letters of one issue, newest first: they are of one kind."""
    limit, before, issue = asked
    statement = select(work).where(DEAD, OPEN_MEMBER, work.c.issue == issue).limit(limit)
    if before is not None:
        statement = statement.where(work.c.id < before)
    return [work_from(row) for row in connection.execute(statement.order_by(work.c.id.desc()))]


def _deliveries(connection: Connection, asked: tuple[int, str | None, str | None]) -> list[Work]:
    """Read a page of deliveries, newest first, of one endpoint or of all."""
    limit, before, endpoint_id = asked
    statement = select(work).where(IS_DELIVERY).order_by(work.c.id.desc()).limit(limit)
    if endpoint_id is not None:
        statement = statement.where(work.c.target == endpoint_id)
    upper = before or _end(Kind.DELIVERY)
    statement = statement.where(work.c.id < upper, work.c.id >= PREFIXES[Kind.DELIVERY])
    return [work_from(row) for row in connection.execute(statement)]


def _page(
    connection: Connection, where: TextClause, *, limit: int, before: str | None, kinds: Sequence[Kind]
) -> list[Work]:
    """Read *limit* of each kind along its range of ids, then the newest of them all."""
    age = before.partition("_")[2] if before else None
    found: list[Work] = []
    for kind in kinds:
        upper = PREFIXES[kind] + age if age else _end(kind)
        statement = (
            select(work)
            .where(where, work.c.id < upper, work.c.id >= PREFIXES[kind])
            .order_by(work.c.id.desc())
            .limit(limit)
        )
        found.extend(work_from(row) for row in connection.execute(statement))
    found.sort(key=lambda part: part.id.partition("_")[2], reverse=True)
    return found[:limit]


def _end(kind: Kind) -> str:
    """Return what sorts behind every id of *kind*."""
    return PREFIXES[kind] + "~"


def _backlog(connection: Connection, _: None) -> Backlog:
    """Count what is open and what is dead along the partial indexes, no further than the limit."""

    def count(where: TextClause) -> int:
        some = select(work.c.id).where(where).limit(COUNT_LIMIT).subquery()
        return connection.scalar(select(func.count()).select_from(some)) or 0

    return Backlog(
        waiting=min(count(DUE) + count(IN_LINE), COUNT_LIMIT),
        running=count(LEASED),
        oldest_due_at=_head(connection),
        dead=count(DEAD),
    )
