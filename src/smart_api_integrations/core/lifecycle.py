"""The states of handlings, deliveries and events, and which may follow which. Floor 1.

Theory of operation:

1. A handling (one event x one handler) and a delivery (one message x one endpoint) are *work*. Both
   walk the same road under their own words; ``ROADS`` holds both, and no other file names a state.
2. Work that *waits* has a due time and no lease. Work that *runs* has a lease and no due time.
   Work that is *over* has neither: it ended well, or it is a dead letter until somebody replays it.
3. Only the holder of the newest lease moves work on; who lost its lease writes nothing.
4. An event has no state of its own: it is the worst of what is open among its handlings, else
   ``completed``; with no handling at all it is ``no_handler``, and likewise where its middleware ran and
   found none (the one handling of an event that nothing matched, see ``core.webhook.ROUTING``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The two kinds of work."""

    HANDLING = "handling"
    DELIVERY = "delivery"


class State(StrEnum):
    """Every state of a handling, a delivery or an event."""

    VERIFIED = "verified"
    PROCESSING = "processing"
    COMPLETED = "completed"
    SKIPPED = "skipped"
    PENDING = "pending"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    RETRY_SCHEDULED = "retry_scheduled"
    FAILED = "failed"
    NO_HANDLER = "no_handler"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """The words that one kind of work uses for its way through the machinery.

    Attributes:
        fresh: Waiting for its first attempt.
        running: Leased to a worker.
        done: Ended well.
        ends: Every state that nothing follows by itself.
    """

    fresh: State
    running: State
    done: State
    ends: frozenset[State]


ROADS: Mapping[Kind, Road] = {
    Kind.HANDLING: Road(
        fresh=State.VERIFIED,
        running=State.PROCESSING,
        done=State.COMPLETED,
        ends=frozenset({State.COMPLETED, State.SKIPPED, State.NO_HANDLER, State.FAILED}),
    ),
    Kind.DELIVERY: Road(
        fresh=State.PENDING,
        running=State.DELIVERING,
        done=State.DELIVERED,
        ends=frozenset({State.DELIVERED, State.CANCELLED, State.FAILED}),
    ),
}

# From the worst on: what a person must look at first stands first.
_WORST_FIRST = (
    State.FAILED,
    State.RETRY_SCHEDULED,
    State.PROCESSING,
    State.VERIFIED,
)


def may_follow(kind: Kind, before: State, after: State) -> bool:
    """Tell whether *after* may follow *before* on the road of *kind*.

    >>> may_follow(Kind.DELIVERY, State.DELIVERING, State.DELIVERED)
    True
    >>> may_follow(Kind.DELIVERY, State.DELIVERED, State.RETRY_SCHEDULED)
    False
    """
    road = ROADS[kind]
    waiting = {road.fresh, State.RETRY_SCHEDULED}
    if before in waiting:
        return after is road.running or (kind is Kind.DELIVERY and after is State.CANCELLED)
    if before is road.running:
        return after in road.ends or after in waiting
    return before in road.ends and after is road.fresh  # a replay


def event_state(handlings: Iterable[State]) -> State:
    """Return the state of an event whose handlings stand where *handlings* say.

    >>> str(event_state([State.COMPLETED, State.RETRY_SCHEDULED]))
    'retry_scheduled'
    >>> str(event_state([]))
    'no_handler'
    """
    states = frozenset(handlings) - {State.NO_HANDLER}
    if not states:
        return State.NO_HANDLER
    for state in _WORST_FIRST:
        if state in states:
            return state
    return State.SKIPPED if states == {State.SKIPPED} else State.COMPLETED
