"""A secret that a provider tells us once, in a handshake, and who may tell it. Floor 1.

Rules:

1. Whoever knows the address could tell us a secret of their own. So none is taken unless an operator said,
   a short while ago, that one is awaited; and the first that comes ends the waiting.
2. What was captured is used beside the secrets that are configured, the newest first. Nothing that comes in
   ever replaces or removes a key; an operator does.
3. Its text is shown nowhere but where an operator asks for it on the machine itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

LONGEST_WAIT = timedelta(days=1)
USUAL_WAIT = timedelta(hours=1)
MOST_KEYS = 10
"""Captured keys of one webhook: each is tried on every request that does not verify."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedKey:
    """One secret that is awaited, or was captured.

    Attributes:
        id: Ours, ``key_…``.
        provider: Whose webhook.
        webhook_name: Which of its webhooks.
        variable: The variable that would hold it, were it configured.
        awaited_until: Until when it may come.
        captured_at: When it came; None while it is awaited.
        remote_address: Where it came from, for the operator to judge.
    """

    id: str
    provider: str
    webhook_name: str
    variable: str
    awaited_until: datetime
    captured_at: datetime | None = None
    remote_address: str | None = None

    def is_awaited(self, now: datetime) -> bool:
        """Tell whether it may still come."""
        return self.captured_at is None and now < self.awaited_until
