"""API keys, sessions and the audit log over any engine. Floor 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select

from smart_api_integrations.core.access import ApiKey, AuditEntry, AuditFilter, Session
from smart_api_integrations.errors import InvalidInput, NotFound
from smart_api_integrations.storage.access_rows import (
    audit_from,
    audit_row,
    key_from,
    key_row,
    session_from,
    session_row,
)
from smart_api_integrations.storage.access_tables import api_keys, audit_log, sessions
from smart_api_integrations.storage.store import Store

KEYS_LOCK = [("", "api keys")]
"""What every transaction takes that changes a key after it looked at it."""


class Access:
    """Keeps ``storage.access_protocol.AccessStore``."""

    def __init__(self, store: Store) -> None:
        """Work on *store*."""
        self._store = store

    async def add_key(self, key: ApiKey) -> None:
        """See ``AccessStore.add_key``."""
        await self._store.write_one(self._add_key, key)

    async def replace_key(self, key_id: str, new: ApiKey, *, overlap: timedelta) -> ApiKey:
        """See ``AccessStore.replace_key``."""
        return await self._store.write_one(self._replace_key, (key_id, new, overlap))

    async def revoke_key(self, key_id: str) -> ApiKey:
        """See ``AccessStore.revoke_key``."""
        return await self._store.write_one(self._revoke_key, key_id)

    async def key(self, key_id: str) -> ApiKey | None:
        """See ``AccessStore.key``."""
        return await self._store.read(_read_key, key_id)

    async def key_of(self, digest: bytes) -> ApiKey | None:
        """See ``AccessStore.key_of``."""
        return await self._store.read(_read_key_of, digest)

    async def keys(self, *, limit: int = 50, before: str | None = None) -> Sequence[ApiKey]:
        """See ``AccessStore.keys``."""
        return await self._store.read(_read_keys, (limit, before))

    async def has_keys(self) -> bool:
        """See ``AccessStore.has_keys``."""
        return await self._store.read(_read_whether_keys, None)

    async def note_uses(self, uses: Mapping[str, datetime]) -> None:
        """See ``AccessStore.note_uses``."""
        if uses:
            await self._store.write_one(_note_uses, uses)

    async def begin_session(self, session: Session) -> None:
        """See ``AccessStore.begin_session``."""
        await self._store.write_one(self._begin_session, session)

    async def session(self, digest: bytes) -> Session | None:
        """See ``AccessStore.session``."""
        return await self._store.read(self._read_session, digest)

    async def end_session(self, digest: bytes) -> None:
        """See ``AccessStore.end_session``."""
        await self._store.write_one(_end_session, digest)

    async def log(self, entries: Sequence[AuditEntry]) -> None:
        """See ``AccessStore.log``."""
        if entries:
            await self._store.write(_log, entries)

    async def audit(
        self, asked: AuditFilter, *, limit: int = 50, before: str | None = None
    ) -> Sequence[AuditEntry]:
        """See ``AccessStore.audit``."""
        return await self._store.read(_read_audit, (asked, limit, before))

    async def forget_audit(self, *, older_than: timedelta, limit: int = 1000) -> int:
        """See ``AccessStore.forget_audit``."""
        return await self._store.write_one(self._forget_audit, (older_than, limit))

    def _add_key(self, connection: Connection, key: ApiKey) -> None:
        """Insert one key."""
        self._store.dialect.lock_lines(connection, KEYS_LOCK)
        known = select(api_keys.c.id).where(or_(api_keys.c.id == key.id, api_keys.c.digest == key.digest))
        if connection.execute(known).first() is not None:
            message = f"There is an API key {key.id}, or one of the same value, already: make another"
            raise InvalidInput(message)
        connection.execute(api_keys.insert(), key_row(key))

    def _replace_key(self, connection: Connection, asked: tuple[str, ApiKey, timedelta]) -> ApiKey:
        """Insert one key, and end the one that it replaces."""
        key_id, new, overlap = asked
        self._store.dialect.lock_lines(connection, KEYS_LOCK)
        before, now = _found(connection, key_id), self._store.now()
        if before.state(now=now) != "active" or before.replaced_by is not None:
            why = "was replaced already" if before.replaced_by else f"is {before.state(now=now)}"
            message = f"The API key {key_id} {why}: make a new one instead"
            raise InvalidInput(message)
        ends = now + overlap
        if before.expires_at is not None:
            ends = min(ends, before.expires_at)
        connection.execute(api_keys.insert(), key_row(new))
        return _changed(connection, replace(before, expires_at=ends, replaced_by=new.id))

    def _revoke_key(self, connection: Connection, key_id: str) -> ApiKey:
        """Mark one key as revoked, and delete its sessions."""
        self._store.dialect.lock_lines(connection, KEYS_LOCK)
        before = _found(connection, key_id)
        connection.execute(sessions.delete().where(sessions.c.key_id == key_id))
        if before.revoked_at is not None:
            return before
        return _changed(connection, replace(before, revoked_at=self._store.now()))

    def _begin_session(self, connection: Connection, session: Session) -> None:
        """Insert one session."""
        connection.execute(sessions.delete().where(sessions.c.expires_at <= self._store.now()))
        connection.execute(sessions.insert(), session_row(session))

    def _read_session(self, connection: Connection, digest: bytes) -> Session | None:
        """Read one session that is not over."""
        statement = select(sessions).where(
            sessions.c.digest == digest, sessions.c.expires_at > self._store.now()
        )
        row = connection.execute(statement).one_or_none()
        return None if row is None else session_from(row)

    def _forget_audit(self, connection: Connection, asked: tuple[timedelta, int]) -> int:
        """Delete the oldest lines."""
        older_than, limit = asked
        oldest = (
            select(audit_log.c.id)
            .where(audit_log.c.at < self._store.now() - older_than)
            .order_by(audit_log.c.id)
            .limit(limit)
        )
        return connection.execute(audit_log.delete().where(audit_log.c.id.in_(oldest))).rowcount


def _found(connection: Connection, key_id: str) -> ApiKey:
    key = _read_key(connection, key_id)
    if key is None:
        message = f"There is no API key {key_id[:64]!r}"
        raise NotFound(message)
    return key


def _changed(connection: Connection, key: ApiKey) -> ApiKey:
    row = key_row(key)
    connection.execute(api_keys.update().where(api_keys.c.id == row.pop("id")), row)
    return key


def _read_key(connection: Connection, key_id: str) -> ApiKey | None:
    row = connection.execute(select(api_keys).where(api_keys.c.id == key_id)).one_or_none()
    return None if row is None else key_from(row)


def _read_key_of(connection: Connection, digest: bytes) -> ApiKey | None:
    row = connection.execute(select(api_keys).where(api_keys.c.digest == digest)).one_or_none()
    return None if row is None else key_from(row)


def _read_keys(connection: Connection, asked: tuple[int, str | None]) -> list[ApiKey]:
    limit, before = asked
    statement = select(api_keys).order_by(api_keys.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(api_keys.c.id < before)
    return [key_from(row) for row in connection.execute(statement)]


def _read_whether_keys(connection: Connection, _: None) -> bool:
    usable = select(api_keys.c.id).where(api_keys.c.revoked_at.is_(None)).limit(1)
    return connection.execute(usable).first() is not None


def _note_uses(connection: Connection, uses: Mapping[str, datetime]) -> None:
    for key_id, at in sorted(uses.items()):
        older = or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at < at)
        connection.execute(api_keys.update().where(api_keys.c.id == key_id, older).values(last_used_at=at))


def _end_session(connection: Connection, digest: bytes) -> None:
    connection.execute(sessions.delete().where(sessions.c.digest == digest))


def _log(connection: Connection, calls: Sequence[Sequence[AuditEntry]]) -> list[None]:
    connection.execute(audit_log.insert(), [audit_row(entry) for entries in calls for entry in entries])
    return [None] * len(calls)


def _read_audit(connection: Connection, asked: tuple[AuditFilter, int, str | None]) -> list[AuditEntry]:
    wanted, limit, before = asked
    statement = select(audit_log).order_by(audit_log.c.id.desc()).limit(limit)
    for column in (audit_log.c.actor_id, audit_log.c.action, audit_log.c.target):
        value = getattr(wanted, column.name)
        if value is not None:
            statement = statement.where(column == value)
    if wanted.since is not None:
        statement = statement.where(audit_log.c.at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(audit_log.c.at < wanted.until)
    if before is not None:
        statement = statement.where(audit_log.c.id < before)
    return [audit_from(row) for row in connection.execute(statement)]
