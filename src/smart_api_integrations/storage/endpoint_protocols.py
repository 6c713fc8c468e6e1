"""What the journal promises about endpoints, and about what holds work back. Floor 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.gate import Gate
from smart_api_integrations.core.journal import AttemptStatistics


class EndpointStore(Protocol):
    """The URLs that messages go to."""

    async def add(self, endpoint: Endpoint) -> None:
        """Keep a new endpoint. Every message published after this returns sees it, in any process."""

    async def change(self, endpoint_id: str, changes: Mapping[str, Any]) -> Endpoint:
        """Set the given attributes of ``Endpoint`` and its ``updated_at``; return the endpoint.

        A secret that is set replaces every one before it at once; see ``rotate_secret``.

        Raises:
            NotFound: The id is unknown.
        """

    async def rotate_secret(self, endpoint_id: str, secret: str, *, grace: timedelta) -> Endpoint:
        """Make *secret* the endpoint's newest; the one before it signs until *grace* from now is over.

        Without *grace* every older one ends at once. Atomic over any number of callers: none is forgotten.

        Raises:
            NotFound: The id is unknown.
            InvalidInput: Ten older ones have not ended yet; nothing was changed.
        """

    async def enable(
        self, endpoint_id: str, *, skip_backlog: bool = False, rate: float | None = None
    ) -> Endpoint:
        """Switch an endpoint on again: it gets what is new, and its failures are forgotten.

        What waited for it is delivered, *rate* of it a second, or with *skip_backlog* cancelled.

        Raises:
            NotFound: The id is unknown.
        """

    async def remove(self, endpoint_id: str) -> None:
        """Delete an endpoint and cancel its waiting deliveries; its attempts stay.

        Raises:
            NotFound: The id is unknown.
        """

    async def endpoint(self, endpoint_id: str) -> Endpoint | None:
        """Return one endpoint, or None."""

    async def endpoints(self, *, tenant: str | None = None) -> Sequence[Endpoint]:
        """Return every endpoint (of one tenant), oldest first."""

    async def statistics(self, endpoint_id: str, *, since: timedelta | None = None) -> AttemptStatistics:
        """Return the counts and the mean duration of its attempts (of the last *since*).

        It may be a handler's name too: its runs are counted alike.
        """


class GateStore(Protocol):
    """What holds back the work of sources, handlers and endpoints.

    A target is an endpoint's id, a handler's name, or a source, ``provider:name``, for all of its handlers.
    """

    async def pause(self, target: str) -> Gate:
        """Begin nothing more of *target*, in any process within a second; what runs goes on. Idempotent.

        What is made for it meanwhile waits, and is counted.
        """

    async def resume(self, target: str, *, rate: float | None = None) -> Gate:
        """Let *target* begin again what waits, *rate* of it a second until its backlog is gone. Idempotent.

        A breaker that is open stays open, and a rate limit of its own stays in force.
        """

    async def gate(self, target: str) -> Gate | None:
        """Return the gate of *target*; None where nothing is the matter with it."""

    async def gates(self) -> Sequence[Gate]:
        """Return every gate that there is, by target."""

    async def waiting(self, target: str) -> int:
        """Return how much waits for *target*, counted no further than ``COUNT_LIMIT``."""
