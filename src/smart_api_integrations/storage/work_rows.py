"""Work as rows, and new work: due at once, or leased to the worker that makes it. Floor 3."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from smart_api_integrations.core.journal import Handoff, Work
from smart_api_integrations.core.lifecycle import ROADS, Kind, State
from smart_api_integrations.storage.bulk import Row
from smart_api_integrations.storage.column_types import microseconds

PREFIXES = {Kind.HANDLING: "hdl_", Kind.DELIVERY: "dlv_"}
"""How the ids of each kind begin."""

ATTEMPT_PREFIX = "att_"


def new_work(
    *,
    work_id: str,
    tenant: str,
    kind: Kind,
    subject_id: str,
    target: str,
    max_attempts: int,
    now: datetime,
    handoff: Handoff | None,
) -> Work:
    """Return work that was never tried: leased by *handoff*, or due where it is refused or absent."""
    leased = handoff is not None and target not in handoff.refuse
    road = ROADS[kind]
    return Work(
        id=work_id,
        tenant=tenant,
        kind=kind,
        subject_id=subject_id,
        target=target,
        state=road.running if leased else road.fresh,
        attempt_count=int(leased),
        max_attempts=max_attempts,
        due_at=None if leased else now,
        leased_until=now + handoff.lease if leased and handoff else None,
        fence=int(leased),
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
        microseconds(work.created_at),
        microseconds(work.updated_at),
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
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
