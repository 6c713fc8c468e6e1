"""What pages read that is neither an event nor work; importing it needs no database library. Floor 3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from smart_api_integrations.core.journal import Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentAttempt:
    """One attempt and what it was about.

    Attributes:
        attempt: Without what is large.
        event_type: The type of the event that was handled, or of the message that was sent.
        action: The second half of an event's type, where its provider splits it.
    """

    attempt: Attempt
    event_type: str | None
    action: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What was counted in one slice of time, by label."""

    starts_at: datetime
    counts: Mapping[str, int]
