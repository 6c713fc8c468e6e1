"""API keys, sessions and the audit log of one platform: making them, and telling who shows one. Floor 7.

A key is made here and told once; the store keeps its digest. Keys of the settings (``WEBHOOKS_API_KEYS``) are
administrators' and live beside those of the store. When a key was used is noted at most once a minute, off
the request's path.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from smart_api_integrations.core.access import (
    DEFAULT_OVERLAP,
    KEY_PREFIX,
    LOCAL,
    LONGEST_LIFE,
    LONGEST_NAME,
    LONGEST_OVERLAP,
    ROLES,
    SHOWN,
    ApiKey,
    AuditEntry,
    Principal,
    Role,
    Session,
    digest,
    granted,
    settings_key_id,
)
from smart_api_integrations.errors import InvalidInput, NotFound, StorageUnavailable
from smart_api_integrations.storage.access_protocol import AccessStore

logger = logging.getLogger(__name__)

SESSION_LIFE = timedelta(hours=12)
NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """What a new key shall be: a role or some scopes, and for how long.

    Attributes:
        lifetime: Until it ends by itself; None for never.
    """

    name: str
    role: str | None = None
    scopes: Collection[str] = ()
    lifetime: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeKey:
    """A key that was just made: the only time that its *value* is known."""

    key: ApiKey
    value: str = field(repr=False)


class Access:
    """Who may use the API and the dashboard."""

    def __init__(
        self,
        store: AccessStore,
        *,
        settings_keys: Sequence[str],
        new_id: Callable[[str], str],
        now: Callable[[], datetime],
    ) -> None:
        """Keep keys in *store*; *settings_keys* are those that the settings name."""
        self.store = store
        self._settings_keys = tuple(digest(key) for key in settings_keys)
        self._new_id = new_id
        self._now = now
        self._noted: dict[str, datetime] = {}
        self._notes: set[asyncio.Task[None]] = set()

    async def needs_key(self) -> bool:
        """Tell whether there is a key, so that it has to be shown."""
        return bool(self._settings_keys) or await self.store.has_keys()

    async def holder_of(self, value: str) -> Principal | None:
        """Return who shows the key *value*, or None where it is unknown or does not work any more."""
        shown = digest(value)
        named = self._settings_holder(shown)
        if named is not None:
            return named
        key = await self.store.key_of(shown)
        if key is None or key.state(now=self._now()) != "active":
            return None
        self._note(key.id)
        return key.principal()

    async def sign_in(self, value: str) -> tuple[Principal, str] | None:
        """Begin a session for whoever shows the key *value*; return them and what their cookie holds."""
        who = await self.holder_of(value)
        if who is None:
            return None
        cookie, now = secrets.token_urlsafe(32), self._now()
        session = Session(
            id=self._new_id("ses_"),
            digest=digest(cookie),
            key_id=who.id,
            created_at=now,
            expires_at=now + SESSION_LIFE,
        )
        await self.store.begin_session(session)
        return who, cookie

    async def signed_in(self, cookie: str) -> Principal | None:
        """Return whose session the *cookie* is, or None where it or its key is over."""
        session = await self.store.session(digest(cookie))
        if session is None:
            return None
        for known in self._settings_keys:
            if settings_key_id(known) == session.key_id:
                return _administrator(known, by_cookie=True)
        key = await self.store.key(session.key_id)
        if key is None or key.state(now=self._now()) != "active":
            return None
        self._note(key.id)
        return key.principal(by_cookie=True)

    async def sign_out(self, cookie: str) -> None:
        """End the session of a *cookie*."""
        await self.store.end_session(digest(cookie))

    async def create_key(self, new: NewKey, *, by: Principal = LOCAL) -> MadeKey:
        """Make a key.

        Raises:
            InvalidInput: The name, the role, the scopes or the lifetime cannot be used.
        """
        name, (role, scopes) = _checked_name(new.name), granted(new.role, new.scopes)
        now = self._now()
        ends = None if new.lifetime is None else now + _checked(new.lifetime, "lifetime", LONGEST_LIFE)
        value = KEY_PREFIX + secrets.token_urlsafe(32)
        key = ApiKey(
            id=self._new_id("key_"),
            name=name,
            prefix=value[:SHOWN],
            digest=digest(value),
            role=role,
            scopes=scopes,
            created_at=now,
            created_by=by.id,
            expires_at=ends,
        )
        await self.store.add_key(key)
        return MadeKey(key=key, value=value)

    async def rotate_key(
        self, key_id: str, *, overlap: timedelta = DEFAULT_OVERLAP, by: Principal = LOCAL
    ) -> MadeKey:
        """Make a key like another one, which goes on for *overlap* and then ends.

        A key that would have ended by itself lends the new one the same lifetime, from now.

        Raises:
            NotFound: The id is unknown.
            InvalidInput: It does not work any more, was replaced before, or the overlap cannot be used.
        """
        if overlap:
            _checked(overlap, "overlap", LONGEST_OVERLAP)
        before = await self.store.key(key_id)
        if before is None:
            message = "No API key has this id."
            raise NotFound(message)
        now, value = self._now(), KEY_PREFIX + secrets.token_urlsafe(32)
        lifetime = None if before.expires_at is None else before.expires_at - before.created_at
        key = ApiKey(
            id=self._new_id("key_"),
            name=before.name,
            prefix=value[:SHOWN],
            digest=digest(value),
            role=before.role,
            scopes=before.scopes,
            created_at=now,
            created_by=by.id,
            expires_at=None if lifetime is None else now + lifetime,
        )
        await self.store.replace_key(key_id, key, overlap=overlap)
        return MadeKey(key=key, value=value)

    async def revoke_key(self, key_id: str) -> ApiKey:
        """End a key and its sessions at once. Idempotent.

        Raises:
            NotFound: The id is unknown.
        """
        return await self.store.revoke_key(key_id)

    async def log(
        self,
        who: Principal,
        action: str,
        target: str = "",
        *,
        remote_address: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Note in the audit log what *who* did."""
        entry = AuditEntry(
            id=self._new_id("aud_"),
            at=self._now(),
            actor_id=who.id,
            actor_name=who.name,
            action=action,
            target=target,
            remote_address=remote_address,
            details=details or {},
        )
        await self.store.log([entry])

    async def close(self) -> None:
        """Wait for the notes that are being written."""
        await asyncio.gather(*self._notes, return_exceptions=True)

    def _settings_holder(self, shown: bytes) -> Principal | None:
        """Compare with every key of the settings, in constant time."""
        found = None
        for known in self._settings_keys:
            if hmac.compare_digest(shown, known):
                found = _administrator(known)
        return found

    def _note(self, key_id: str) -> None:
        now = self._now()
        last = self._noted.get(key_id)
        if last is not None and now - last < NOTED_EVERY:
            return
        self._noted[key_id] = now
        task = asyncio.create_task(_quietly(self.store.note_uses({key_id: now})))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)


async def _quietly(noting: Coroutine[Any, Any, None]) -> None:
    try:
        await noting
    except StorageUnavailable:
        logger.warning("The use of a key was not noted", extra={"action": "note_use"})


def _administrator(known: bytes, *, by_cookie: bool = False) -> Principal:
    return Principal(
        id=settings_key_id(known),
        name="a key of the settings",
        scopes=ROLES[Role.ADMIN],
        role=Role.ADMIN,
        by_cookie=by_cookie,
    )


def _checked_name(name: str) -> str:
    trimmed = name.strip()
    if not trimmed or len(trimmed) > LONGEST_NAME or not trimmed.isprintable():
        expected = f"1 to {LONGEST_NAME} printable characters"
        raise InvalidInput.at(field="name", found=f"{len(trimmed)} characters", expected=expected)
    return trimmed


def _checked(span: timedelta, field: str, longest: timedelta) -> timedelta:
    if not timedelta(0) < span <= longest:
        expected = f"more than nothing, at most {longest.days} days"
        raise InvalidInput.at(field=field, found=str(span), expected=expected)
    return span
