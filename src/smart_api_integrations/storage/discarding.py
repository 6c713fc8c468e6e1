"""Discarding dead letters: saying that nothing more is to be done about them. Floor 3."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from smart_api_integrations.core.lifecycle import ROADS, State
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import DEAD, work
from smart_api_integrations.storage.work_rows import work_from


def discard_all(store: Store, connection: Connection, ids: Sequence[str]) -> int:
    """Move those of *ids* that are dead letters to the end that is nobody's failure; return how many."""
    among = store.dialect.among(work.c.id, "ids")
    dead = select(work).where(among, DEAD).order_by(work.c.id).with_for_update()
    found = [work_from(row) for row in connection.execute(dead, {"ids": list(ids)})]
    now = store.now()
    for part in found:
        gone = State.SKIPPED if State.SKIPPED in ROADS[part.kind].ends else State.CANCELLED
        moved = work.update().where(work.c.id == part.id)
        connection.execute(moved.values(state=gone.value, updated_at=now))
    return len(found)
