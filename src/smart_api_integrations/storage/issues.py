"""Issues: failures counted by their cause, and what people said of them. Floor 3.

Each journal counts in rows of its own shard, as the counters do, so that recording a failure never waits
for another process; readers add the shards up. Work carries the id of its issue, and a partial index holds
what of it is not over, so members are counted and found without a look at anything finished.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from smart_api_integrations.core.issues import (
    Issue,
    IssueKind,
    IssueState,
    Occurrence,
    gathered,
    occurrence_of,
    occurrence_of_rejection,
)
from smart_api_integrations.core.journal import COUNT_LIMIT, AttemptStatus, Outcome, Rejection
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.errors import InvalidInput, NotFound
from smart_api_integrations.storage.column_types import storable
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import OPEN_MEMBER, issue_counts, issue_marks, work

KEPT_FOR = timedelta(days=30)
MOST_CAUSES = 1_000
"""So many causes one journal counts apart; what is more stays visible as what it is, dead letters."""
LOOKED_AT = 5_000
FAILED = frozenset({AttemptStatus.FAILED, AttemptStatus.LOST})

_counts, _marks = issue_counts.c, issue_marks.c
_own = issue_counts.update().where(_counts.issue == bindparam("i"), _counts.shard == bindparam("s"))
_belongs = work.update().where(work.c.id == bindparam("w")).values(issue=bindparam("i"))


class IssueCounting:
    """The operations that count failures, to be run in the writing lane."""

    def __init__(self, store: Store) -> None:
        """Work on *store*."""
        self._store = store
        self._begun = 0

    def of_outcomes(self, connection: Connection, outcomes: Sequence[Outcome], *, now: datetime) -> None:
        """Count the failures among *outcomes*, and write which issue their work belongs to."""
        failed = [each for each in outcomes if each.attempt.status in FAILED]
        if not failed:
            return
        happened = [occurrence_of(each, at=now) for each in failed]
        self._count(connection, happened, now=now)
        connection.execute(_belongs, [{"w": each.subject_id, "i": each.issue_id} for each in happened])

    def of_rejections(
        self, connection: Connection, rejections: Iterable[Rejection], *, now: datetime
    ) -> None:
        """Count refused requests."""
        self._count(connection, [occurrence_of_rejection(each) for each in rejections], now=now)

    def _count(self, connection: Connection, happened: Sequence[Occurrence], *, now: datetime) -> None:
        for issue_id, (first, total) in gathered(happened).items():
            changes = {
                "message": storable(total.message),
                "last_id": total.subject_id,
                "last_at": total.at,
                "tries": _counts.tries + total.tries,
                "affected": _counts.affected + total.affected,
            }
            key = {"i": issue_id, "s": self._store.shard}
            if not connection.execute(_own.values(changes), key).rowcount:
                self._begin(connection, issue_id, first, total, now=now)

    def _begin(
        self, connection: Connection, issue_id: str, first: Occurrence, total: Occurrence, *, now: datetime
    ) -> None:
        """Make this shard's row of an issue, unless there are too many; forget what is old meanwhile."""
        if self._begun >= MOST_CAUSES:
            return
        connection.execute(issue_counts.delete().where(_counts.last_at < now - KEPT_FOR))
        row = {"issue": issue_id, "shard": self._store.shard} | _new_row(first, total)
        connection.execute(issue_counts.insert(), row)
        self._begun += 1


def _new_row(first: Occurrence, total: Occurrence) -> dict[str, Any]:
    return {
        "tenant": first.tenant,
        "kind": first.kind.value,
        "target": storable(first.target),
        "error_code": storable(first.error_code),
        "error_class": storable(first.error_class),
        "response_code": first.response_code,
        "message": storable(total.message),
        "first_id": first.subject_id,
        "last_id": total.subject_id,
        "first_at": first.at,
        "last_at": total.at,
        "tries": total.tries,
        "affected": total.affected,
    }


class Issues:
    """Keeps ``storage.protocols.IssueStore``."""

    def __init__(self, store: Store) -> None:
        """Work on *store*."""
        self._store = store

    async def issues(self, *, limit: int = 100, kind: IssueKind | None = None) -> Sequence[Issue]:
        """See ``IssueStore.issues``."""
        return await self._store.read(_newest, (limit, kind))

    async def issue(self, issue_id: str) -> Issue | None:
        """See ``IssueStore.issue``."""
        return await self._store.read(_one, issue_id)

    async def mark(self, issue_id: str, state: IssueState, *, lasting: timedelta | None = None) -> Issue:
        """See ``IssueStore.mark``."""
        if (lasting is not None) != (state is IssueState.MUTED):
            message = "A time belongs to a muted issue, and to no other."
            raise InvalidInput(message)
        return await self._store.write_one(self._mark, (issue_id, state, lasting))

    def _mark(self, connection: Connection, asked: tuple[str, IssueState, timedelta | None]) -> Issue:
        """Write what a person said of an issue."""
        issue_id, state, lasting = asked
        before = _one(connection, issue_id)
        if before is None:
            message = f"There is no issue {issue_id}; one that was quiet for 30 days is forgotten"
            raise NotFound(message)
        now = self._store.now()
        resolved_at = now if state is IssueState.RESOLVED else None
        muted_until = None if lasting is None else now + lasting
        marks = {"resolved_at": resolved_at, "muted_until": muted_until}
        changed = connection.execute(issue_marks.update().where(_marks.issue == issue_id).values(marks))
        if not changed.rowcount:
            connection.execute(issue_marks.insert(), {"issue": issue_id} | marks)
        return replace(before, resolved_at=resolved_at, muted_until=muted_until)


def _newest(connection: Connection, asked: tuple[int, IssueKind | None]) -> list[Issue]:
    """Read the issues that were seen last."""
    limit, kind = asked
    statement = select(issue_counts).order_by(_counts.last_at.desc()).limit(LOOKED_AT)
    if kind is not None:
        statement = statement.where(_counts.kind == kind.value)
    found = _summed(connection.execute(statement))
    newest = sorted(found.values(), key=lambda issue: issue.last_at, reverse=True)[:limit]
    return [_complete(connection, issue) for issue in newest]


def _one(connection: Connection, issue_id: str) -> Issue | None:
    """Read one issue."""
    statement = select(issue_counts).where(_counts.issue == issue_id).order_by(_counts.last_at.desc())
    found = _summed(connection.execute(statement.limit(LOOKED_AT)))
    return _complete(connection, found[issue_id]) if found else None


def _summed(rows: Iterable[Any]) -> Mapping[str, Issue]:
    """Add up the shards of each issue, the newest first."""
    found: dict[str, Issue] = {}
    for row in rows:
        new = _issue_from(row)
        known = found.get(new.id)
        found[new.id] = new if known is None else _merged(known, new)
    return found


def _merged(newer: Issue, older: Issue) -> Issue:
    first = min(newer, older, key=lambda issue: issue.first_at)
    return replace(
        newer,
        first_id=first.first_id,
        first_at=first.first_at,
        tries=newer.tries + older.tries,
        affected=newer.affected + older.affected,
    )


def _complete(connection: Connection, issue: Issue) -> Issue:
    """Add what people said of an issue, and where its members stand."""
    marks = connection.execute(select(issue_marks).where(_marks.issue == issue.id)).one_or_none()
    if marks is not None:
        issue = replace(issue, resolved_at=marks.resolved_at, muted_until=marks.muted_until)
    if issue.kind is IssueKind.REJECTION:
        return issue
    some = select(work.c.state).where(OPEN_MEMBER, work.c.issue == issue.id).limit(COUNT_LIMIT).subquery()
    counted = select(some.c.state, func.count()).group_by(some.c.state)
    states = {state: int(count) for state, count in connection.execute(counted)}
    dead = states.pop(State.FAILED.value, 0)
    return replace(issue, dead=dead, open=sum(states.values()))


def _issue_from(row: Any) -> Issue:
    return Issue(
        id=row.issue,
        tenant=row.tenant,
        kind=IssueKind(row.kind),
        target=row.target,
        error_code=row.error_code,
        error_class=row.error_class,
        response_code=row.response_code,
        message=row.message,
        first_id=row.first_id,
        last_id=row.last_id,
        first_at=row.first_at,
        last_at=row.last_at,
        tries=row.tries,
        affected=row.affected,
    )
