"""Which claimed work may run now: a cap for the process, and one for each target. Floor 5.

Theory of operation:

1. A claim is *held* from the moment that it is leased to us until its outcome is recorded. Of those held at
   most ``concurrency`` run at once, and at most its cap of one target (an endpoint, a handler); the others
   queue here, and targets take turns. Who holds too much of one target refuses more of it: it stays in the
   store for later or for another process.
2. A run that takes longer than ``SLOW_AFTER`` is set aside: it gives its place to others and goes on in one
   of the slow places, of which there are more, for what waits costs little. Its target is slow from then
   on, and begins there, until one of its runs is quick. So however many endpoints hang, the quick ones
   wait no longer than ``SLOW_AFTER``, once.
3. Of a slow target nothing queues here, and what is held of it takes no room from what can be claimed.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable

from smart_api_integrations.core.journal import Claim, Work

QUEUED_PER_PLACE = 4
SLOW_PER_PLACE = 4
SLOW_AFTER = 1.0
"""Seconds: most receivers answer within a tenth of it."""

Lease = tuple[str, int]
"""An id with its fence: work whose lease was lost and won again is held twice for a while."""


class Slots:
    """The places of one worker."""

    def __init__(
        self,
        *,
        concurrency: int,
        target_concurrency: Callable[[str], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Have *concurrency* places in all, and for each target as many as *target_concurrency* says.

        An endpoint that has a ``concurrency`` of its own has that many. *clock* gives seconds that only go
        forward.
        """
        self._concurrency = concurrency
        self._target_concurrency = target_concurrency
        self._clock = clock
        self._held: Counter[str] = Counter()
        self._caps: dict[str, int] = {}
        self._full: set[str] = set()
        self._leases: set[Lease] = set()
        self._running: Counter[str] = Counter()
        self._quick: dict[Lease, tuple[str, float]] = {}  # oldest first, as dictionaries are
        self._aside: dict[Lease, tuple[str, float]] = {}
        self._slow: set[str] = set()
        self._queues: dict[str, deque[Claim]] = {}
        # Targets with something queued and a place of their own free: the quick, and the slow.
        self._ready: dict[bool, deque[str]] = {False: deque(), True: deque()}

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
        self._set_aside()
        of_slow = sum(self._held[target] for target in self._slow)
        most_of_all = self._most * (1 + SLOW_PER_PLACE)
        return max(0, min(self._most - self.held + of_slow, most_of_all - self.held))

    @property
    def full_targets(self) -> frozenset[str]:
        """The targets of which no more should be claimed."""
        return frozenset(self._full)

    def hold(self, claims: Iterable[Claim]) -> None:
        """Queue claims that are leased to us."""
        for claim in claims:
            target = claim.work.target
            self._held[target] += 1
            self._leases.add(_lease_of(claim.work))
            own = None if claim.endpoint is None else claim.endpoint.concurrency
            self._caps[target] = own or self._target_concurrency(target)
            self._judge_full(target)
            self._queues.setdefault(target, deque()).append(claim)
            self._mark_ready(target)

    def next_to_run(self) -> Claim | None:
        """Return the next claim that may run, taking a place for it; targets take turns."""
        for is_slow, ready in self._ready.items():
            while ready and self._has_place(is_slow=is_slow):
                target = ready.popleft()
                if (target in self._slow) is is_slow:
                    return self._begin(target)
                self._ready[not is_slow].append(target)
        return None

    def ran(self, work: Work) -> None:
        """Give back the place of a claim that has run."""
        target, lease = work.target, _lease_of(work)
        began = self._quick.pop(lease, None) or self._aside.pop(lease)
        if began[1] + SLOW_AFTER > self._clock() and target in self._slow:
            self._slow.discard(target)
            self._judge_full(target)
        self._running[target] -= 1
        if not self._running[target]:
            del self._running[target]
        self._mark_ready(target)

    def let_go(self, work: Work) -> bool:
        """Stop holding a claim: its outcome is recorded, or somebody else has it.

        Returns True where it is time to claim more: half of the target's places, or of all, are free.
        """
        target = work.target
        self._leases.discard(_lease_of(work))
        self._held[target] -= 1
        held, most = self._held[target], self._most_held(target)
        self._judge_full(target)
        if not held:
            del self._held[target], self._caps[target]
        return not self.held or held == most // 2 or self.room == self._most // 2

    def drop_queued(self) -> int:
        """Forget every claim that does not run yet; return how many."""
        dropped = [claim for queue in self._queues.values() for claim in queue]
        self._queues.clear()
        for ready in self._ready.values():
            ready.clear()
        for claim in dropped:
            self.let_go(claim.work)
        return len(dropped)

    @property
    def _most(self) -> int:
        return self._concurrency * QUEUED_PER_PLACE

    def _most_held(self, target: str) -> int:
        return self._caps[target] * (1 if target in self._slow else QUEUED_PER_PLACE)

    def _judge_full(self, target: str) -> None:
        if self._held[target] and self._held[target] >= self._most_held(target):
            self._full.add(target)
        else:
            self._full.discard(target)

    def _has_place(self, *, is_slow: bool) -> bool:
        if is_slow:
            return len(self._aside) < self._concurrency * SLOW_PER_PLACE
        if len(self._quick) >= self._concurrency:
            self._set_aside()
        return len(self._quick) < self._concurrency

    def _set_aside(self) -> None:
        """Move what runs for too long to the slow places, while there are some."""
        latest = self._clock() - SLOW_AFTER
        while self._quick and self._has_place(is_slow=True):
            lease, (target, began) = next(iter(self._quick.items()))
            if began > latest:
                return
            self._aside[lease] = self._quick.pop(lease)
            self._slow.add(target)
            self._judge_full(target)

    def _begin(self, target: str) -> Claim:
        claim = self._queues[target].popleft()
        self._running[target] += 1
        places = self._aside if target in self._slow else self._quick
        places[_lease_of(claim.work)] = (target, self._clock())
        self._mark_ready(target)
        return claim

    def _mark_ready(self, target: str) -> None:
        queue = self._queues.get(target)
        if not queue:
            self._queues.pop(target, None)
        elif self._running[target] < self._caps[target] and not self._is_ready(target):
            self._ready[target in self._slow].append(target)

    def _is_ready(self, target: str) -> bool:
        return any(target in ready for ready in self._ready.values())


def _lease_of(work: Work) -> Lease:
    return work.id, work.fence
