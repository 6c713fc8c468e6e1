"""What was read a moment ago, for charts that many open pages ask for again and again. Floor 8.

A chart of a week changes little within a minute; reading it for every refresh of every open page would cost
the database more than everything else on the page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from datetime import timedelta
from typing import Any, TypeVar

Answer = TypeVar("Answer")

MOST = 256
WEEK = timedelta(days=7)
LONGEST = 60.0  # seconds that a week's chart is kept; a day's is kept for one


def kept_for(since: timedelta) -> float:
    """Return for how many seconds a chart of the last *since* may be shown.

    >>> kept_for(timedelta(days=7)), round(kept_for(timedelta(hours=24)), 1)
    (60.0, 1.2)
    """
    return LONGEST * (since / WEEK) ** 2


class KeptAnswers:
    """Answers by their question; whoever asks while one is read waits for it. For one event loop."""

    def __init__(self) -> None:
        """Begin with none."""
        self._kept: dict[Hashable, tuple[float, asyncio.Future[Any]]] = {}

    async def get(self, question: Hashable, seconds: float, read: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return what *read* returned for *question* within the last *seconds*; else read it now.

        What fails is not kept.
        """
        clock = asyncio.get_running_loop().time
        until, reading = self._kept.get(question, (0.0, None))
        if reading is None or clock() >= until:
            reading = asyncio.ensure_future(read())
            self._forget_old(clock())
            self._kept[question] = (clock() + seconds, reading)
        try:
            answer: Answer = await asyncio.shield(reading)
        except BaseException:
            if reading.done() and self._kept.get(question, (0.0, None))[1] is reading:
                del self._kept[question]
            raise
        return answer

    def _forget_old(self, now: float) -> None:
        if len(self._kept) >= MOST:
            self._kept = {name: entry for name, entry in self._kept.items() if entry[0] > now}
        if len(self._kept) >= MOST:
            self._kept.clear()
