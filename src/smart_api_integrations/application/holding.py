"""Holding back the work of sources, handlers and endpoints, and letting it go on. Floor 7."""

from __future__ import annotations

from smart_api_integrations.core.gate import Gate
from smart_api_integrations.errors import NotFound
from smart_api_integrations.send.endpoint_values import checked_rate
from smart_api_integrations.storage.protocols import Journal


class Holding:
    """Pauses and resumes; ``Platform`` brings the journal."""

    journal: Journal

    async def pause(self, target: str) -> Gate:
        """Begin nothing more of a source, a handler or an endpoint; what comes for it waits.

        Args:
            target: ``provider:name`` for a source, a handler's name, or an endpoint's id.

        Raises:
            NotFound: There is no such endpoint; a name with a colon is a source's or a handler's.
        """
        await self._check_target(target)
        return await self.journal.gates.pause(target)

    async def resume(self, target: str, *, rate: float | None = None) -> Gate:
        """Begin again what waits, *rate* of it a second until the backlog is gone.

        Raises:
            NotFound: There is no such endpoint.
            InvalidInput: The rate cannot be used.
        """
        await self._check_target(target)
        return await self.journal.gates.resume(target, rate=None if rate is None else checked_rate(rate))

    async def _check_target(self, target: str) -> None:
        if ":" not in target and await self.journal.endpoints.endpoint(target) is None:
            message = f"There is no endpoint {target}; a source is provider:name"
            raise NotFound(message)
