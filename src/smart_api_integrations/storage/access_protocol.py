"""What the journal promises of keys, sessions and the audit log. Floor 3.

The rules at the top of ``storage.protocols`` hold here too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from smart_api_integrations.core.access import ApiKey, AuditEntry, AuditFilter, Session


class AccessStore(Protocol):
    """API keys, the sessions that were begun with them, and what was done with both."""

    async def add_key(self, key: ApiKey) -> None:
        """Keep a new key.

        Raises:
            InvalidInput: There is one with its id or its digest.
        """

    async def replace_key(self, key_id: str, new: ApiKey, *, overlap: timedelta) -> ApiKey:
        """Keep *new* in the place of a key, which ends *overlap* from now unless it ends sooner; return that.

        Both in one transaction.

        Raises:
            NotFound: The id is unknown.
            InvalidInput: It is revoked, is over, or was replaced before.
        """

    async def revoke_key(self, key_id: str) -> ApiKey:
        """End a key at once and delete its sessions; return it. Idempotent: the first time stays.

        Raises:
            NotFound: The id is unknown.
        """

    async def key(self, key_id: str) -> ApiKey | None:
        """Return one key, or None."""

    async def key_of(self, digest: bytes) -> ApiKey | None:
        """Return the key with this digest, whether it still works or not; or None."""

    async def keys(self, *, limit: int = 50, before: str | None = None) -> Sequence[ApiKey]:
        """Return a page of keys, newest first."""

    async def has_keys(self) -> bool:
        """Tell whether there is a key that was not revoked."""

    async def note_uses(self, uses: Mapping[str, datetime]) -> None:
        """Note when keys, by id, were used last; a time that is older than the noted one changes nothing."""

    async def begin_session(self, session: Session) -> None:
        """Keep a new session, and forget those that are over."""

    async def session(self, digest: bytes) -> Session | None:
        """Return the session with this digest, or None where there is none or its time is over."""

    async def end_session(self, digest: bytes) -> None:
        """Forget a session. Idempotent."""

    async def log(self, entries: Sequence[AuditEntry]) -> None:
        """Add to the audit log; nothing changes what stands there."""

    async def audit(
        self, asked: AuditFilter, *, limit: int = 50, before: str | None = None
    ) -> Sequence[AuditEntry]:
        """Return a page of the audit log, newest first."""

    async def forget_audit(self, *, older_than: timedelta, limit: int = 1000) -> int:
        """Delete at most *limit* of the oldest lines that are older than so; return how many."""
