"""Upkeep of the journal: the chores of ``UpkeepStore`` over one database. Floor 3."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, Select, Table, Text, select

from smart_api_integrations.errors import ConfigurationError, InvalidInput, NotFound
from smart_api_integrations.storage.access_tables import audit_log
from smart_api_integrations.storage.column_types import Moment
from smart_api_integrations.storage.purging import BATCH, Purging, old_rows, old_subjects
from smart_api_integrations.storage.sealing import SECRETS, seal_batch
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import ID, events, messages, metadata, rejections, work
from smart_api_integrations.storage.upkeep_protocol import Old, Purged

chores = Table(
    "chores",
    metadata,
    Column("name", ID, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("leased_until", Moment, nullable=False),
)

_LOGS = {
    Old.DEAD_LETTERS: ((work, work.c.updated_at, "dlv_"), (work, work.c.updated_at, "hdl_")),
    Old.REJECTED: ((rejections, rejections.c.received_at, "rej_"),),
    Old.AUDIT: ((audit_log, audit_log.c.at, ""),),
}
_SUBJECTS = {"evt_": events, "msg_": messages}


class Upkeep:
    """Keeps ``storage.upkeep_protocol.UpkeepStore``."""

    def __init__(self, store: Store) -> None:
        """Work on *store*."""
        self._store = store
        self._purging = Purging(store)

    async def lead(self, name: str, *, owner: str, lease: timedelta) -> bool:
        """See ``UpkeepStore.lead``."""
        return await self._store.write_one(self._lead, (name, owner, lease))

    async def purge(self, what: Old, *, before: datetime, after: str = "") -> Purged:
        """See ``UpkeepStore.purge``."""
        stage, _, last = after.partition(" ")
        return await (self._subjects if what in (Old.PAYLOADS, Old.FINISHED) else self._rows)(
            what, before, int(stage or 0), last
        )

    async def expunge(self, subject_id: str) -> None:
        """See ``UpkeepStore.expunge``."""
        await self._store.write_one(self._expunge, subject_id)

    async def seal_anew(self, *, after: str = "") -> Purged:
        """See ``UpkeepStore.seal_anew``."""
        stage, _, last = after.partition(" ")
        table, _ = SECRETS[int(stage or 0)]
        outcome = await self._store.write_one(self._seal, (table, last))
        if isinstance(outcome, ConfigurationError):
            raise outcome
        count, cursor, is_end = outcome
        return _paged(count, int(stage or 0), cursor, is_end=is_end, stages=len(SECRETS))

    async def _subjects(self, what: Old, before: datetime, stage: int, last: str) -> Purged:
        table, whole = (events, messages)[stage], what is Old.FINISHED
        query = old_subjects(table, before=before, after=last, whole=whole)
        ids = await self._store.read(_ids, query)
        gone = await self._store.write_one(self._forget, (ids, whole)) if ids else []
        return _paged(len(gone), stage, ids[-1] if ids else last, is_end=len(ids) < BATCH, stages=2)

    async def _rows(self, what: Old, before: datetime, stage: int, last: str) -> Purged:
        table, made, prefix = _LOGS[what][stage]
        ids = await self._store.read(_ids, old_rows(table, made, prefix, before=before, after=last))
        count = await self._store.write_one(self._drop, (table, ids)) if ids else 0
        stages = len(_LOGS[what])
        return _paged(count, stage, ids[-1] if ids else last, is_end=len(ids) < BATCH, stages=stages)

    def _lead(self, connection: Connection, asked: tuple[str, str, timedelta]) -> bool:
        """Take or renew a lease, of which there is a row for each name."""
        name, owner, lease = asked
        self._store.dialect.lock_lines(connection, [(name, "chore")])
        now = self._store.now()
        row = connection.execute(select(chores).where(chores.c.name == name)).one_or_none()
        if row is not None and row.owner != owner and row.leased_until > now:
            return False
        connection.execute(chores.delete().where(chores.c.name == name))
        connection.execute(chores.insert(), {"name": name, "owner": owner, "leased_until": now + lease})
        return True

    def _forget(self, connection: Connection, asked: tuple[Sequence[str], bool]) -> list[str]:
        """Forget the payloads or the rows of some subjects."""
        ids, whole = asked
        return self._purging.forget(connection, ids, whole=whole)

    def _drop(self, connection: Connection, asked: tuple[Table, Sequence[str]]) -> int:
        """Delete some rows."""
        return self._purging.drop(connection, *asked)

    def _expunge(self, connection: Connection, subject_id: str) -> None:
        """Empty one subject's payloads, dead letters' too."""
        table = _SUBJECTS.get(subject_id[:4])
        here = (
            None if table is None else connection.scalar(select(table.c.id).where(table.c.id == subject_id))
        )
        if here is None:
            message = f"There is no event and no message {subject_id}"
            raise NotFound(message)
        if not self._purging.forget(connection, [subject_id], whole=False, dead_too=True):
            message = f"Something of {subject_id} waits or runs: its payload is needed until that is over"
            raise InvalidInput(message)

    def _seal(
        self, connection: Connection, asked: tuple[Table, str]
    ) -> tuple[int, str, bool] | ConfigurationError:
        """Seal one batch anew; what does not open stops it before anything is written."""
        try:
            return seal_batch(connection, *asked, self._store.cipher)
        except ConfigurationError as error:
            return error


def _ids(connection: Connection, query: Select[tuple[str]]) -> list[str]:
    """Read the ids that *query* finds."""
    return list(connection.scalars(query))


def _paged(count: int, stage: int, last: str, *, is_end: bool, stages: int) -> Purged:
    """Return a batch, its cursor in the next table where this one is at its end."""
    stage, last = (stage + 1, "") if is_end else (stage, last)
    return Purged(count=count, cursor=f"{stage} {last}", is_last=stage >= stages)
