"""Work as rows, and new work: due at once, or leased to the worker that makes it. Floor 3."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from smart_api_integrations.core.journal import Handoff, Work
from smart_api_integrations.core.lifecycle import ROADS, Kind, State
from smart_api_integrations.storage.bulk import Row
from smart_api_integrations.storage.column_types import microseconds, storable

PREFIXES = {Kind.HANDLING: "hdl_", Kind.DELIVERY: "dlv_"}
"""How the ids of each kind begin."""

ATTEMPT_PREFIX = "att_"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWork:
    """Work that was never tried, before it has an id; the attributes are those of ``Work``."""

    tenant: str
    kind: Kind
    subject_id: str
    target: str
    max_attempts: int
    ordering_key: str | None
    in_line: bool
    deliver_at: datetime | None = None


def new_work(new: NewWork, *, work_id: str, now: datetime, handoff: Handoff | None) -> Work:
    """Return *new* as work: leased by *handoff*, or due where that is absent or refuses, or it must wait."""
    due_at = now if new.deliver_at is None else max(now, new.deliver_at)
    leased = handoff is not None and new.target not in handoff.refuse and not new.in_line and due_at <= now
    road = ROADS[new.kind]
    return Work(
        id=work_id,
        tenant=new.tenant,
        kind=new.kind,
        subject_id=new.subject_id,
        target=new.target,
        state=road.running if leased else road.fresh,
        attempt_count=int(leased),
        max_attempts=new.max_attempts,
        due_at=None if leased else due_at,
        leased_until=now + handoff.lease if leased and handoff else None,
        fence=int(leased),
        ordering_key=new.ordering_key,
        in_line=new.in_line,
        created_at=now,
        updated_at=now,
    )


def work_row(work: Work, *, owner: str | None) -> Row:
    """Return *work* as a row of ``work``; *owner* holds its lease, if it has one."""
    leased = work.leased_until is not None
    return (
        work.id,
        work.tenant,
        work.kind.value,
        work.subject_id,
        work.target,
        work.state.value,
        work.attempt_count,
        work.failures,
        work.max_attempts,
        None if work.due_at is None else microseconds(work.due_at),
        None if work.leased_until is None else microseconds(work.leased_until),
        owner if leased else None,
        work.fence,
        None if work.ordering_key is None else storable(work.ordering_key),
        1 if work.in_line else None,
        microseconds(work.created_at),
        microseconds(work.updated_at),
        None,  # of no issue, before its first failure
    )


def work_from(row: Any) -> Work:
    """Return the work that a row of ``work`` holds."""
    return Work(
        id=row.id,
        tenant=row.tenant,
        kind=Kind(row.kind),
        subject_id=row.subject_id,
        target=row.target,
        state=State(row.state),
        attempt_count=row.attempt_count,
        failures=row.failures,
        max_attempts=row.max_attempts,
        due_at=row.due_at,
        leased_until=row.leased_until,
        fence=row.fence,
        ordering_key=row.ordering_key,
        in_line=row.in_line is not None,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
