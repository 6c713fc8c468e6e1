"""What the journal promises of statistics by source, of alerts, and of whose turn it is to watch. Floor 3.

The rules at the top of ``storage.protocols`` hold here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from smart_api_integrations.core.alerts import Alert, SourceStatistics


class WatchStore(Protocol):
    """Measures for whoever watches, and what was alarming."""

    async def statistics(self, *, since: timedelta) -> Sequence[SourceStatistics]:
        """Return how many events of each source came to each status in the last *since*, by kept counters.

        Counted by 5 minutes: a little more than *since* may be in it.
        """

    async def arrivals(self, *, since: timedelta) -> Sequence[tuple[str, str, int, int]]:
        """Return provider, event type, hour since 1970 and count of what was received, by kept counters.

        Of one provider so many types are told apart; the others have the type ``""``.
        """

    async def last_arrivals(
        self, provider: str, event_type: str | None, *, limit: int = 1
    ) -> Sequence[datetime]:
        """Return when the newest *limit* events of a provider, or of one of its types, were received."""

    async def take_turn(self, task: str, *, owner: str, lease: timedelta) -> bool:
        """Tell whether *task* is *owner*'s to do: it has the lease on it, or gets it because none runs.

        Of any number of owners at once, over any number of processes, one gets it.
        """

    async def give_turn_back(self, task: str, *, owner: str) -> None:
        """End *owner*'s lease on *task*, if it has it."""

    async def save_alerts(self, alerts: Sequence[Alert]) -> None:
        """Keep *alerts*, new or changed, by their ids; all of them or none."""

    async def current_alerts(self, *, ended_within: timedelta) -> Sequence[Alert]:
        """Return the alerts that are open or untold, and those that ended within the time, oldest first."""

    async def alerts(self, *, limit: int = 50, before: str | None = None) -> Sequence[Alert]:
        """Return a page of alerts, newest first."""

    async def forget(self, *, counts: timedelta, alerts: timedelta) -> None:
        """Delete counters and ended alerts that are older, a day's worth of counters at most."""
