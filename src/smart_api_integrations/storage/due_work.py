"""Finding due work: from target to target, so that a long backlog of one hides no other. Floor 3.

Theory of operation:

1. The indexes of each lane (fresh work, retries) have the target first. A look goes round the targets that
   have something in the lane, hopping from one to the next along the index: its price is a seek for each
   target, however long their backlogs are. A target that is refused or held back costs one seek.
2. Every target that has something due gets an equal share of what is taken, its oldest first; what some
   leave over goes to the others. A look begins where the last one ended, so with more targets than places
   each has its turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, TextClause, bindparam, func, literal, select

from smart_api_integrations.storage.tables import FRESH, RETRY, work

HOPS = 256
LANES = (FRESH, RETRY)
ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Due:
    """A target that has something due, and since when."""

    target: str
    since: datetime


def _ring(lane: TextClause) -> Select[Any]:
    """Return the query of the targets of *lane* behind a given one, each with when its oldest falls due."""
    ring = (
        select(func.min(work.c.target).label("target"), literal(1).label("hop"))
        .where(lane, work.c.target > bindparam("after"))
        .cte("ring", recursive=True)
    )
    onward, oldest = work.alias("onward"), work.alias("oldest")
    following = select(func.min(onward.c.target)).where(lane, onward.c.target > ring.c.target)
    ring = ring.union_all(
        select(following.scalar_subquery(), ring.c.hop + 1).where(
            ring.c.target.is_not(None), ring.c.hop < HOPS
        )
    )
    since = select(func.min(oldest.c.due_at)).where(lane, oldest.c.target == ring.c.target)
    return select(ring.c.target, since.scalar_subquery().label("since")).where(ring.c.target.is_not(None))


_RINGS = {lane: _ring(lane) for lane in LANES}


@dataclass(slots=True, eq=False)
class Round:
    """Going round the targets of one lane, again and again. For the writing lane alone."""

    lane: TextClause
    _after: str = field(default="")

    def look(self, connection: Connection, *, now: datetime) -> Sequence[Due]:
        """Return the targets that have something due, from where the last look ended."""
        found = self._hop(connection, self._after)
        if len(found) == HOPS:
            ends_at = found[-1][0]
        else:
            ends_at = ""
            if self._after:
                found += [hop for hop in self._hop(connection, "") if hop[0] <= self._after]
        self._after = ends_at
        return [Due(target, since) for target, since in found if since is not None and since <= now]

    def begin_behind(self, target: str) -> None:
        """Begin the next look behind *target*: those up to it had their turn."""
        self._after = target

    def _hop(self, connection: Connection, after: str) -> list[tuple[str, datetime | None]]:
        return [(row.target, row.since) for row in connection.execute(_RINGS[self.lane], {"after": after})]


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
