"""Waking other processes beside the store. Floor 3."""

from __future__ import annotations

from typing import Protocol


class Bell(Protocol):
    """A way beside the store to wake other processes, which may be lost at any time."""

    @property
    def is_heard(self) -> bool:
        """Whether other processes hear it, as far as is known; the store does not wake them itself then."""

    def ring(self) -> None:
        """Wake the other processes; from any thread, never waits, never fails."""
