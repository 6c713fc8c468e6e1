"""Replay jobs: doing finished or dead work again over a filter, as records and rules. Floor 1.

Theory of operation:

1. A job goes once through what its filter names, oldest first, and makes each piece due again, or makes what
   is missing. How far it is, is kept with every page in the same transaction: after a crash it goes on where
   it was, and makes nothing due twice.
2. One process at a time has a job, by a lease with a fence; who lost it writes nothing more.
3. A filter names what there was when the job was made: ``until`` is never later than that, so a job ends.
4. What a job made due is ordinary work: gates, rates and schedules hold for it, and it is counted by what
   became of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from smart_api_integrations.core.endpoint import DEFAULT_TENANT
from smart_api_integrations.core.event_types import matches
from smart_api_integrations.core.gate import source_of
from smart_api_integrations.core.journal import NewHandling, ReceivedEvent
from smart_api_integrations.core.lifecycle import ROADS, Kind, State
from smart_api_integrations.errors import InvalidInput

SLOWEST, FASTEST = 0.01, 100_000.0
DEFAULT_RATE = 50.0
LONGEST_NOTE = 500
LONGEST_WORD = 512


class Mode(StrEnum):
    """Which work a job does again."""

    FAILED = "failed"  # dead letters
    MISSING = "missing"  # what was never made: the handler or the endpoint is younger than the event
    ALL = "all"  # everything that is over, whatever became of it


class ReplayState(StrEnum):
    """Where a job stands."""

    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


OVER = frozenset({ReplayState.COMPLETED, ReplayState.CANCELLED})
"""What no job comes back from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayFilter:
    """What a job is about; what is None or empty excludes nothing.

    Attributes:
        kind: Handlings of received events, or deliveries of messages.
        event_type: A pattern as subscriptions have it: ``order.*``.
        provider: Whose events; of handlings only.
        target: An endpoint's id; or a handler's name, or a source, ``provider:name``, for all its handlers.
        states: Which ends, where the mode is ``all``.
        since: Nothing that was made before it.
        until: Nothing that was made after it.
    """

    kind: Kind
    mode: Mode = Mode.FAILED
    tenant: str | None = None
    event_type: str | None = None
    provider: str | None = None
    target: str | None = None
    states: tuple[State, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def check(self) -> None:
        """Return if the filter can be used.

        Raises:
            InvalidInput: It cannot; the message says why, and what to do.
        """
        if self.provider is not None and self.kind is not Kind.HANDLING:
            message = "A provider belongs to received events: leave it out, or take the kind `handling`."
            raise InvalidInput(message)
        if self.states and self.mode is not Mode.ALL:
            message = (
                f"The mode `{self.mode}` says which states there are: leave the status out, or use `all`."
            )
            raise InvalidInput(message)
        strangers = sorted(set(self.states) - ROADS[self.kind].ends)
        if strangers:
            known = ", ".join(sorted(ROADS[self.kind].ends))
            message = f"{strangers[0]!r} is no end of a {self.kind}; known are {known}."
            raise InvalidInput(message)
        if self.since is not None and self.until is not None and self.since >= self.until:
            message = "Nothing lies between `since` and `until`: `since` must be the earlier one."
            raise InvalidInput(message)
        words = (self.tenant, self.event_type, self.provider, self.target)
        if any(word is not None and not 0 < len(word) <= LONGEST_WORD for word in words):
            message = f"A word of the filter is empty, or longer than {LONGEST_WORD} characters."
            raise InvalidInput(message)

    def wants_state(self, state: State) -> bool:
        """Tell whether work in this state is done again."""
        if self.mode is Mode.FAILED:
            return state is State.FAILED
        return state in (self.states or ROADS[self.kind].ends)

    def wants_subject(self, tenant: str, created_at: datetime) -> bool:
        """Tell whether the tenant and the time fit."""
        return (
            self.tenant in (None, tenant)
            and (self.since is None or created_at >= self.since)
            and (self.until is None or created_at <= self.until)
        )

    def wants_type(self, event_type: str | None, action: str | None = None) -> bool:
        """Tell whether the type fits."""
        return self.event_type is None or matches(self.event_type, event_type, action)

    def wants_target(self, target: str) -> bool:
        """Tell whether the handler, its source, or the endpoint fits."""
        return self.target is None or self.target in (target, source_of(target))


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One job.

    Attributes:
        id: ``rpl_`` and a ULID.
        rate: How much is made due in a second, at most.
        note: Why, in somebody's words.
        by: Who made it, where that is known.
        total: How much the preview counted; what is made meanwhile changes it.
        is_exact: False where the preview stopped counting: there is more than *total*.
        done: How much was made due.
        skipped: How much was not over any more, or gone, when its turn came.
        cursor: The id that it came to.
        fence: Grows with every lease.
    """

    id: str
    tenant: str = DEFAULT_TENANT
    filter: ReplayFilter
    state: ReplayState = ReplayState.RUNNING
    rate: float = DEFAULT_RATE
    note: str = ""
    by: str = ""
    total: int = 0
    is_exact: bool = True
    done: int = 0
    skipped: int = 0
    cursor: str = ""
    fence: int = 0
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One piece of work that a job is to do: again (``work_id``), or for the first time.

    Attributes:
        handling: What is missing of an event; a missing delivery is made from its message.
    """

    work_id: str | None
    subject_id: str
    tenant: str
    target: str
    event_type: str | None
    created_at: datetime
    handling: NewHandling | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPage:
    """What a job came across between two ids.

    Attributes:
        cursor: The last id that was looked at.
        is_last: True where nothing follows.
        events: Events that may miss a handling: which, only who knows the handlers can say.
        known: The handlers that each of them has a handling of.
    """

    cursor: str
    is_last: bool
    candidates: Sequence[Candidate] = ()
    events: Sequence[ReceivedEvent] = ()
    known: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a job would do.

    Attributes:
        count: How many pieces of work.
        is_exact: False where counting stopped: there are more.
        event_types: How many of each type; ``""`` where an event says none.
        targets: How many of each handler or endpoint.
        oldest: When the oldest was made; None where there is none.
    """

    count: int = 0
    is_exact: bool = True
    event_types: Mapping[str, int] = field(default_factory=dict)
    targets: Mapping[str, int] = field(default_factory=dict)
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOutcomes:
    """What became of the work that a job made due, counted over the last ``COUNT_LIMIT`` pieces.

    Attributes:
        open: It waits, runs, or is tried again.
        other: It ended otherwise: skipped, cancelled, or gone.
    """

    done: int = 0
    failed: int = 0
    open: int = 0
    other: int = 0

    @property
    def counted(self) -> int:
        """How many pieces were looked at."""
        return self.done + self.failed + self.open + self.other


def checked_replay_rate(rate: float | None) -> float:
    """Return *rate*, or the default for None.

    Raises:
        InvalidInput: It is no number, or out of range.
    """
    if rate is None:
        return DEFAULT_RATE
    if math.isfinite(rate) and SLOWEST <= rate <= FASTEST:
        return float(rate)
    message = f"The rate must be between {SLOWEST} and {FASTEST:,.0f} a second."
    raise InvalidInput(message)
