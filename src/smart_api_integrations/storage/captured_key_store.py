"""What the journal promises of secrets that handshakes bring. Floor 3.

The rules of ``storage.protocols`` hold here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from smart_api_integrations.core.captured_key import CapturedKey


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldKeys:
    """What is kept of one webhook's captured keys.

    Attributes:
        keys: Captured and awaited ones, newest first.
        secrets: What was captured and can be read, newest first.
    """

    keys: tuple[CapturedKey, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)


class CapturedKeyStore(Protocol):
    """Secrets that are awaited, and those that came; see ``core.captured_key``."""

    async def await_key(
        self, provider: str, webhook_name: str, *, variable: str, wait: timedelta
    ) -> CapturedKey:
        """Let one secret come within *wait* from now, and return it; one that was awaited before is not.

        Raises:
            InvalidInput: *wait* is longer than ``LONGEST_WAIT`` or not positive, or there are ``MOST_KEYS``.
        """

    async def capture(
        self, provider: str, webhook_name: str, secret: str, *, remote_address: str | None
    ) -> CapturedKey | None:
        """Keep *secret*, encrypted, in the place of the one that is awaited; None where none is.

        Of several calls at once one keeps its secret and the others get None: nothing is replaced.
        """

    async def held(self, provider: str, webhook_name: str) -> HeldKeys:
        """Return what is kept of one webhook. A secret that no key opens any more is left out, and logged."""

    async def captured_keys(self) -> Sequence[CapturedKey]:
        """Return every captured or awaited key, newest first, without their secrets."""

    async def forget(self, provider: str, webhook_name: str) -> int:
        """Remove one webhook's captured and awaited keys; return how many there were."""
