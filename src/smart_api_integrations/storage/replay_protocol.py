"""What the journal promises of replay jobs; the rules of ``storage.protocols`` hold here too. Floor 3."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from smart_api_integrations.core.journal import Work
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.core.replay import (
    Candidate,
    Replay,
    ReplayFilter,
    ReplayOutcomes,
    ReplayPage,
    ReplayState,
)


class ReplayStore(Protocol):
    """Jobs that do finished or dead work again, or make what is missing; see ``core.replay``."""

    async def start(self, replay: Replay) -> None:
        """Keep a new job; from now on it can be claimed. Idempotent on its id."""

    async def replay(self, replay_id: str) -> Replay | None:
        """Return one job, or None."""

    async def replays(
        self, *, limit: int = 50, before: str | None = None, state: ReplayState | None = None
    ) -> Sequence[Replay]:
        """Return a page of jobs, newest first."""

    async def outcomes(self, replay: Replay) -> ReplayOutcomes:
        """Count what became of the last ``COUNT_LIMIT`` pieces of work that a job made due."""

    async def items(
        self, replay_id: str, *, limit: int = 50, before: str | None = None, state: State | None = None
    ) -> Sequence[Work]:
        """Return a page of the work that a job made due, newest first."""

    async def pause(self, replay_id: str) -> Replay:
        """Make nothing more due, from the next page on; what is due goes its way. Idempotent.

        Raises:
            NotFound: The id is unknown.
            InvalidInput: The job is over.
        """

    async def resume(self, replay_id: str) -> Replay:
        """Let a paused job go on where it was. Idempotent; raises as ``pause``."""

    async def cancel(self, replay_id: str) -> Replay:
        """End a job where it is. Idempotent; raises as ``pause``."""

    async def claim(self, *, owner: str, lease: timedelta) -> Replay | None:
        """Lease to *owner* the oldest job that runs and that nobody has; None where there is none.

        Every lease raises ``fence``. Of any number of callers at once, one gets a job.
        """

    async def page(self, asked: ReplayFilter, *, after: str = "", limit: int) -> ReplayPage:
        """Return what *asked* names behind the id *after*, oldest first: *limit* subjects at most.

        It reads a stretch of bounded length, so a page may hold nothing and not be the last one. Work that
        is open, whose endpoint is gone, or whose payload was expunged is not in it. Of a missing handling it
        gives the events, for which handlers there are is known elsewhere.
        """

    async def advance(
        self, replay: Replay, page: ReplayPage, candidates: Sequence[Candidate], *, lease: timedelta
    ) -> Replay | None:
        """Make *candidates* due and the job's cursor that of *page*, in one transaction; renew the lease.

        Work that is not over any more, or was made meanwhile, is counted as skipped. The last page
        completes the job. Returns the job, or None where it is not the caller's any more: it was paused,
        cancelled, or its lease passed on; then nothing was written.
        """

    async def make(self, candidates: Sequence[Candidate]) -> Sequence[Work]:
        """Make *candidates* that are missing, due at once; what there is already stays as it is."""

    async def renew(self, replay: Replay, *, lease: timedelta) -> bool:
        """Extend the lease; False where the job is not the caller's any more."""

    async def release(self, replay: Replay) -> None:
        """Give the job back, for others to claim at once; does nothing where it is not the caller's."""
