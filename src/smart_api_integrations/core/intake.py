"""A worker, as those see it who make work. Floor 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from smart_api_integrations.core.journal import Claim, Handoff


class Intake(Protocol):
    """Takes new work in the transaction that makes it, so that no claim is needed."""

    def offer(self) -> Handoff | None:
        """Return the offer to take new work at once, or None where there is no room."""

    def take(self, claims: Sequence[Claim]) -> None:
        """Begin with work that was leased on the offer."""


class NoIntake:
    """The intake of a process that does not work itself: others claim what it makes."""

    def offer(self) -> Handoff | None:
        """Offer nothing."""
        return None

    def take(self, claims: Sequence[Claim]) -> None:
        """Take nothing: nothing was offered."""
