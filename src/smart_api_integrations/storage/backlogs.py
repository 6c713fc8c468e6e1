"""What waits for one target: counted, or cancelled. Floor 3."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select

from smart_api_integrations.core.journal import COUNT_LIMIT
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.storage.tables import FRESH, IN_LINE, RETRY, work

WAITING = (FRESH, RETRY, IN_LINE)
"""Everything that waits: each along its own index, which has the target first."""

_cancel = work.update().values(state=State.CANCELLED.value, due_at=None, in_line=None)


def count_waiting(connection: Connection, target: str) -> int:
    """Count what waits for *target*, or for all handlers of a source, no further than ``COUNT_LIMIT``."""
    values = {"first": target, "end": f"{target};" if target.count(":") == 1 else f"{target}\x01"}
    total = sum(connection.scalar(statement, values) or 0 for statement in _counts)
    return min(total, COUNT_LIMIT)


def cancel_waiting(connection: Connection, endpoint_id: str, *, now: datetime) -> int:
    """Cancel every delivery that waits for an endpoint; return how many."""
    total = 0
    for where in WAITING:
        waiting = select(work.c.id).where(
            where, work.c.target == bindparam("endpoint"), work.c.kind == Kind.DELIVERY.value
        )
        statement = _cancel.where(work.c.id.in_(waiting)).values(updated_at=now)
        total += connection.execute(statement, {"endpoint": endpoint_id}).rowcount
    return total


def _count(where: Any) -> Select[Any]:
    """Return the count of one index's part between two targets: ``;`` is what follows ``:``."""
    some = select(work.c.id).where(
        where, work.c.target >= bindparam("first"), work.c.target < bindparam("end")
    )
    return select(func.count()).select_from(some.limit(COUNT_LIMIT).subquery())


_counts = tuple(_count(where) for where in WAITING)
