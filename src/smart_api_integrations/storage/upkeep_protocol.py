"""What the journal promises of its upkeep: forgetting what is old, and sealing secrets anew. Floor 3."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol


class Old(StrEnum):
    """What there is to forget, each with a time of its own; in the order in which it is looked for."""

    PAYLOADS = "payloads"  # bodies, headers and answers; the rows stay
    DEAD_LETTERS = "dead_letters"
    FINISHED = "finished"  # events and messages with everything that they led to
    REJECTED = "rejected"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """One small batch: how much was forgotten, and where to go on."""

    count: int
    cursor: str
    is_last: bool


class UpkeepStore(Protocol):
    """Small batches beside the traffic; whoever is stopped in between goes on where it was, or anew."""

    async def lead(self, name: str, *, owner: str, lease: timedelta) -> bool:
        """Take or renew the lease of a chore; False where another owner has it."""

    async def purge(self, what: Old, *, before: datetime, after: str = "") -> Purged:
        """Forget the next batch of *what* is older than *before*, behind the id *after*.

        Nothing that waits or runs is forgotten, nor anything that a dead letter needs: payloads and rows of
        an event or a message go when all that it led to is over and none of it is a dead letter.
        """

    async def expunge(self, subject_id: str) -> None:
        """Forget the payload of one event or message now: bodies, headers, queries, answers and results.

        Raises:
            NotFound: The id is unknown.
            InvalidInput: Something of it still waits or runs.
        """

    async def seal_anew(self, *, after: str = "") -> Purged:
        """Encrypt the next batch of stored secrets under the newest key; the count is of those that were not.

        Raises:
            ConfigurationError: A secret opens with none of the configured keys; nothing of the batch changed.
        """
