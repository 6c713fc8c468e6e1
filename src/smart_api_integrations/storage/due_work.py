"""Finding due work: from target to target, so that a long backlog of one hides no other. Floor 3.

Theory of operation:

1. The indexes of each lane (fresh work, retries) have the target first. A look goes round the targets that
   have something in the lane, hopping from one to the next along the index: its price is a seek for each
   target, however long their backlogs are. A target that is refused or held back costs one seek.
2. Every target that has something due gets an equal share of what is taken, its oldest first; what some
   leave over goes to the others. A look begins where the last one ended, so with more targets than places
   each has its turn; and a look that finds nothing goes on, until it has seen every target.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, TextClause, bindparam, literal, select

from smart_api_integrations.storage.tables import FRESH, ID, RETRY, work

HOPS = 64
MOST_LOOKS = 64
LANES = (FRESH, RETRY)
ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Due:
    """A target that has something due, and since when."""

    target: str
    since: datetime


def _ring(lane: TextClause) -> Select[Any]:
    """Return the query of the targets of *lane* behind a given one, each with when its oldest falls due."""
    # Always the first of the lane's own index, by its whole order: asked for a minimum, or along a part of
    # the order, a planner may take another index, which leads it through the whole backlog of one target.
    first = _first_of(lane, work.alias("head"), bindparam("after", type_=ID))
    ring = select(first.label("target"), literal(1).label("hop")).cte("ring", recursive=True)
    oldest = work.alias("oldest")
    ring = ring.union_all(
        select(_first_of(lane, work.alias("onward"), ring.c.target), ring.c.hop + 1).where(
            ring.c.target.is_not(None), ring.c.hop < HOPS
        )
    )
    since = (
        select(oldest.c.due_at)
        .where(lane, oldest.c.target >= ring.c.target)
        .order_by(oldest.c.target, oldest.c.due_at)
        .limit(1)
    )
    return select(ring.c.target, since.scalar_subquery().label("since")).where(ring.c.target.is_not(None))


def _first_of(lane: TextClause, rows: FromClause, after: Any) -> ColumnElement[str]:
    """Return the first target of *lane* behind *after*, read from *rows*."""
    first = select(rows.c.target).where(lane, rows.c.target > after)
    return first.order_by(rows.c.target, rows.c.due_at).limit(1).scalar_subquery()


_RINGS = {lane: _ring(lane) for lane in LANES}


@dataclass(slots=True, eq=False)
class Round:
    """Going round the targets of one lane, again and again. For the writing lane alone."""

    lane: TextClause
    _after: str = field(default="")

    def look(self, connection: Connection, *, now: datetime) -> Sequence[Due]:
        """Return the targets that have something due, from where the last look ended."""
        began = self._after
        found = self._hop(connection, began)
        if began and not self._after and len(found) * 2 < HOPS:
            found += [hop for hop in self._hop(connection, "") if hop[0] <= began]
        return [Due(target, since) for target, since in found if since is not None and since <= now]

    def look_everywhere(
        self, connection: Connection, *, now: datetime, fits: Callable[[Due], bool]
    ) -> Sequence[Due]:
        """Return the first targets that have something due and that *fits* takes, if there are any at all."""
        self._after = ""
        for _ in range(MOST_LOOKS):
            due = [one for one in self.look(connection, now=now) if fits(one)]
            if due or not self._after:
                return due
        return []

    def begin_behind(self, target: str) -> None:
        """Begin the next look behind *target*: those up to it had their turn."""
        self._after = target

    def _hop(self, connection: Connection, after: str) -> list[tuple[str, datetime | None]]:
        """Read the next targets behind *after*, and note where the next look begins."""
        rows = connection.execute(_RINGS[self.lane], {"after": after}).all()
        self._after = rows[-1].target if len(rows) == HOPS else ""
        return [(row.target, row.since) for row in rows]


def shared_out(
    targets: Sequence[str],
    limit: int,
    *,
    allowed: Callable[[str], int | None],
    take: Callable[[dict[str, int]], dict[str, int]],
) -> str | None:
    """Take *limit* pieces of work of *targets*, to each an equal share; return the last that had a turn.

    Args:
        targets: Who has something due, in the order of their turns.
        limit: How many in all.
        allowed: How many more of a target may be taken; None for any number.
        take: Takes so many of each target, and returns how many there were.
    """
    left, last = limit, None
    hungry = [target for target in targets if allowed(target) != 0]
    for _ in range(ROUNDS):
        if left <= 0 or not hungry:
            break
        served = hungry[:left]
        share = left // len(served)
        wanted = {
            target: min(share, left if (most := allowed(target)) is None else most) for target in served
        }
        got = take(wanted)
        left -= sum(got.values())
        last = last or (served[-1] if len(served) < len(hungry) else None)
        hungry = [
            target for target in served if got.get(target, 0) == wanted[target] and allowed(target) != 0
        ]
    return last
