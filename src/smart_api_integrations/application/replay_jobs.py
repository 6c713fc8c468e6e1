"""``webhooks.replays``: replay jobs for synchronous code. Floor 7."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from smart_api_integrations.application.replays import Replays
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.core.replay import Mode, Preview, Replay, ReplayFilter, ReplayOutcomes

Result = TypeVar("Result")


class ReplayJobs:
    """Jobs that do finished or dead work again, run by whichever process works."""

    def __init__(self, replays: Replays, call: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        """Ask *replays*; *call* runs a coroutine in the platform's event loop."""
        self._replays = replays
        self._call = call

    def preview(self, kind: str, *, mode: str = "failed", **narrowing: Any) -> Preview:
        """Count what ``start`` would do; nothing is changed. Raises as ``start``."""
        counted: Preview = self._call(self._replays.preview(_filter(kind, mode, **narrowing)))
        return counted

    def start(
        self,
        kind: str,
        *,
        mode: str = "failed",
        rate: float | None = None,
        note: str = "",
        **narrowing: Any,
    ) -> Replay:
        """Start a job and return it, with how much a preview counts.

        Args:
            kind: ``handling`` or ``delivery``.
            mode: ``failed``, ``missing`` or ``all``.
            rate: How much is made due in a second; 50 where it is not given.
            note: Why.
            **narrowing: The other attributes of ``core.replay.ReplayFilter``, by name.

        Raises:
            InvalidInput: Something cannot be used.
            NotFound: There is no such endpoint.
            ValueError: The kind, the mode or a state is none.
        """
        asked = _filter(kind, mode, **narrowing)
        job: Replay = self._call(self._replays.start(asked, rate=rate, note=note))
        return job

    def get(self, replay_id: str) -> tuple[Replay, ReplayOutcomes]:
        """Return one job, and what became of the work that it made due.

        Raises:
            NotFound: The id is unknown.
        """
        found: tuple[Replay, ReplayOutcomes] = self._call(self._replays.get(replay_id))
        return found

    def pause(self, replay_id: str) -> None:
        """Make nothing more due; raises where the id is unknown or the job is over."""
        self._call(self._replays.pause(replay_id))

    def resume(self, replay_id: str) -> None:
        """Go on where a paused job was; raises where the id is unknown or the job is over."""
        self._call(self._replays.resume(replay_id))

    def cancel(self, replay_id: str) -> None:
        """End a job where it is; raises where the id is unknown or the job is over."""
        self._call(self._replays.cancel(replay_id))


def _filter(kind: str, mode: str, *, states: Sequence[str] = (), **narrowing: Any) -> ReplayFilter:
    ends = tuple(State(word) for word in states)
    return ReplayFilter(kind=Kind(kind), mode=Mode(mode), states=ends, **narrowing)
