"""Which events have work that failed or is tried again: found from that work, not from the events. Floor 3.

Trouble is rare, and has indexes of its own; looked for among the events it would cost every event there is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import CompoundSelect, Select, TextClause, select, union

from smart_api_integrations.core.journal import COUNT_LIMIT
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.storage.tables import DEAD, RETRY, messages, work

CONDITIONS: Mapping[State, TextClause] = {State.FAILED: DEAD, State.RETRY_SCHEDULED: RETRY}
"""The states that events can be found by; of each so much of the newest work is looked at as is counted."""


def troubled_events(states: Collection[State]) -> CompoundSelect[Any]:
    """Return the query of the events whose handlings, or whose deliveries, are in one of *states*.

    Raises:
        KeyError: No index knows that state.
    """
    return union(*(part for state in states for part in _of(CONDITIONS[state])))


def _of(where: TextClause) -> tuple[Select[Any], Select[Any]]:
    some = (
        select(work.c.subject_id, work.c.kind)
        .where(where)
        .order_by(work.c.id.desc())
        .limit(COUNT_LIMIT)
        .subquery()
    )
    handled = select(some.c.subject_id).where(some.c.kind == Kind.HANDLING.value)
    sent = (
        select(messages.c.event_id)
        .join(some, messages.c.id == some.c.subject_id)
        .where(some.c.kind == Kind.DELIVERY.value, messages.c.event_id.is_not(None))
    )
    return handled, sent
