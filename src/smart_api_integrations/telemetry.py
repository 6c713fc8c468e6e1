"""What happens inside, told to whoever listens. Floor 2.

Every event is a frozen class below; its docstring and fields are its contract. Metrics, alerts and
the log of rejections are subscribers. A failing subscriber cannot fail the work: it is logged and the
others are told all the same. Telling costs next to nothing where nobody listens.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from smart_api_integrations.core.journal import Outcome, ReceivedEvent, Rejection

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EventAccepted:
    """A request verified and is in the journal, or is known to be a duplicate.

    Fields: ``event``; ``duplicate``; ``seconds`` from the whole body read to the commit.
    """

    event: ReceivedEvent
    duplicate: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class EventRejected:
    """A request was not accepted. Fields: ``rejection``, what may be kept of it."""

    rejection: Rejection


@dataclass(frozen=True, slots=True)
class HandshakeAnswered:
    """A provider's handshake was answered. Fields: ``provider``; ``webhook_name``; ``status`` answered."""

    provider: str
    webhook_name: str
    status: int


@dataclass(frozen=True, slots=True)
class AttemptFinished:
    """A handler ran or a delivery was tried, and its outcome is recorded.

    Fields: ``outcome``; ``stale``, True where the lease had passed on and nothing was written.
    """

    outcome: Outcome
    stale: bool


@dataclass(frozen=True, slots=True)
class LeasesLost:
    """Leases of a dead worker ended and were made due again. Fields: ``count``."""

    count: int


@dataclass(frozen=True, slots=True)
class StoreFailed:
    """The store could not be reached. Fields: ``operation``; ``message``."""

    operation: str
    message: str


EVENTS: tuple[type[Any], ...] = (
    EventAccepted,
    EventRejected,
    HandshakeAnswered,
    AttemptFinished,
    LeasesLost,
    StoreFailed,
)
"""Every telemetry event there is."""

Told = TypeVar("Told")


class Telemetry:
    """Passes events on to subscribers, in the order in which they subscribed."""

    def __init__(self) -> None:
        """Begin without subscribers."""
        self._subscribers: dict[type[Any], list[Callable[[Any], None]]] = defaultdict(list)

    def subscribe(self, event: type[Told], subscriber: Callable[[Told], None]) -> None:
        """Call *subscriber* with every *event* from now on; it must not block."""
        self._subscribers[event].append(subscriber)

    def is_heard(self, event: type[Any]) -> bool:
        """Tell whether anybody listens to this kind of event: of many events, none is built for nobody."""
        return event in self._subscribers

    def tell(self, event: object) -> None:
        """Tell every subscriber of this kind of event."""
        for subscriber in self._subscribers.get(type(event), ()):
            try:
                subscriber(event)
            except Exception:
                logger.exception(
                    "A telemetry subscriber failed",
                    extra={"action": "telemetry", "event": type(event).__name__},
                )
