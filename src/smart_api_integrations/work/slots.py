"""Which claimed work may run now: a cap for the process, and one for each target. Floor 5.

A claim is *held* from the moment that it is leased to us until its outcome is recorded. Of those held at
most ``concurrency`` run at once, and at most ``target_concurrency`` of one target (an endpoint, a
handler), so that a slow one cannot take every place; the others queue here, oldest first. Who holds too
much of one target refuses more of it: it stays in the store for later or for another process.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable

from smart_api_integrations.core.journal import Claim, Work

QUEUED_PER_PLACE = 4


class Slots:
    """The places of one worker."""

    def __init__(self, *, concurrency: int, target_concurrency: Callable[[str], int]) -> None:
        """Have *concurrency* places in all, and for each target as many as *target_concurrency* says."""
        self._concurrency = concurrency
        self._target_concurrency = target_concurrency
        self._held: Counter[str] = Counter()
        self._full: set[str] = set()
        # Ids with their fences: work whose lease was lost and won again is held twice for a while.
        self._leases: set[tuple[str, int]] = set()
        self._busy = 0
        self._running: Counter[str] = Counter()
        self._queues: dict[str, deque[Claim]] = {}
        self._ready: deque[str] = deque()  # targets with something queued and a place free

    @property
    def held(self) -> int:
        """How many claims are leased to us."""
        return len(self._leases)

    @property
    def held_ids(self) -> frozenset[str]:
        """The ids of the work that is leased to us."""
        return frozenset(work_id for work_id, _ in self._leases)

    @property
    def room(self) -> int:
        """How many more may be claimed."""
        return max(0, self._most - self.held)

    @property
    def full_targets(self) -> frozenset[str]:
        """The targets of which no more should be claimed."""
        return frozenset(self._full)

    def hold(self, claims: Iterable[Claim]) -> None:
        """Queue claims that are leased to us."""
        for claim in claims:
            target = claim.work.target
            self._held[target] += 1
            self._leases.add((claim.work.id, claim.work.fence))
            if self._held[target] >= self._most_held(target):
                self._full.add(target)
            self._queues.setdefault(target, deque()).append(claim)
            self._mark_ready(target)

    def next_to_run(self) -> Claim | None:
        """Return the next claim that may run, taking a place for it; targets take turns."""
        while self._ready and self._busy < self._concurrency:
            target = self._ready.popleft()
            claim = self._queues[target].popleft()
            self._running[target] += 1
            self._busy += 1
            self._mark_ready(target)
            return claim
        return None

    def ran(self, target: str) -> None:
        """Give back the place of a claim that has run."""
        self._running[target] -= 1
        self._busy -= 1
        if not self._running[target]:
            del self._running[target]
        self._mark_ready(target)

    def let_go(self, work: Work) -> bool:
        """Stop holding a claim: its outcome is recorded, or somebody else has it.

        Returns True where it is time to claim more: half of the target's places, or of all, are free.
        """
        target = work.target
        self._leases.discard((work.id, work.fence))
        self._held[target] -= 1
        held = self._held[target]
        if not held:
            del self._held[target]
        if held < self._most_held(target):
            self._full.discard(target)
        return not self.held or held == self._most_held(target) // 2 or self.room == self._most // 2

    @property
    def _most(self) -> int:
        return self._concurrency * QUEUED_PER_PLACE

    def _most_held(self, target: str) -> int:
        return self._target_concurrency(target) * QUEUED_PER_PLACE

    def drop_queued(self) -> int:
        """Forget every claim that does not run yet; return how many."""
        dropped = [claim for queue in self._queues.values() for claim in queue]
        for claim in dropped:
            self.let_go(claim.work)
        self._queues.clear()
        self._ready.clear()
        return len(dropped)

    def _mark_ready(self, target: str) -> None:
        queue = self._queues.get(target)
        if not queue:
            self._queues.pop(target, None)
        elif target not in self._ready and self._running[target] < self._target_concurrency(target):
            self._ready.append(target)
