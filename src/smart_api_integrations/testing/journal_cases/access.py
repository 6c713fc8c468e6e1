"""Promises about API keys, sessions and the audit log. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from smart_api_integrations.core.access import ApiKey, AuditEntry, AuditFilter, Role, Scope, Session, digest
from smart_api_integrations.errors import InvalidInput, NotFound
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.scene import START, JournalCase, promise

HOUR = timedelta(hours=1)


class AccessCase(JournalCase):
    """Samples of keys, sessions and lines."""

    def key(self, **changes: Any) -> ApiKey:
        """Return an operator's key."""
        key_id = self.new_id("key_")
        values: dict[str, Any] = {
            "id": key_id,
            "name": "the shop's \u2603",
            "prefix": "whk_abcdefgh",
            "digest": digest(key_id),
            "role": Role.OPERATOR,
            "scopes": frozenset({Scope.READ_EVENTS, Scope.REPLAY}),
            "created_at": self.clock(),
            "created_by": "local",
        }
        return ApiKey(**values | changes)

    def session(self, **changes: Any) -> Session:
        """Return a session of twelve hours."""
        session_id = self.new_id("ses_")
        values: dict[str, Any] = {
            "id": session_id,
            "digest": digest(session_id),
            "key_id": "key_1",
            "created_at": self.clock(),
            "expires_at": self.clock() + 12 * HOUR,
        }
        return Session(**values | changes)

    def entry(self, **changes: Any) -> AuditEntry:
        """Return a line of the audit log."""
        values: dict[str, Any] = {
            "id": self.new_id("aud_"),
            "at": self.clock(),
            "actor_id": "key_1",
            "actor_name": "the shop's",
            "action": "endpoint.update",
            "target": "ep_1",
            "remote_address": "192.0.2.1",
            "details": {"changed": ["url"]},
        }
        return AuditEntry(**values | changes)


class KeyCases(AccessCase):
    """API keys and sessions."""

    @promise
    async def test_a_key_is_found_as_it_was_kept(self, journal: Journal) -> None:
        key = self.key(expires_at=START + HOUR)
        scoped = self.key(role=None, scopes=frozenset({Scope.READ_PAYLOADS}))
        assert not await journal.access.has_keys()

        await journal.access.add_key(key)
        await journal.access.add_key(scoped)

        other = await self.another()
        assert await other.access.key_of(key.digest) == key
        assert await other.access.key(scoped.id) == scoped
        assert await other.access.keys() == [scoped, key]
        assert await other.access.keys(limit=1, before=scoped.id) == [key]
        assert await other.access.has_keys()
        assert await other.access.key_of(digest("another")) is None
        assert await other.access.key("key_unknown") is None

    @promise
    async def test_a_key_is_kept_once(self, journal: Journal) -> None:
        key = self.key()
        await journal.access.add_key(key)

        for again in (key, replace(key, id=self.new_id("key_")), self.key(id=key.id)):
            with pytest.raises(InvalidInput, match="already"):
                await journal.access.add_key(again)

        assert await journal.access.keys() == [key]

    @promise
    async def test_a_revoked_key_stays_as_it_ended(self, journal: Journal) -> None:
        key = self.key()
        session = self.session(key_id=key.id)
        await journal.access.add_key(key)
        await journal.access.begin_session(session)

        revoked = await journal.access.revoke_key(key.id)
        self.clock.advance(seconds=5)
        again = await journal.access.revoke_key(key.id)

        assert revoked == again == replace(key, revoked_at=START)
        assert await journal.access.key_of(key.digest) == revoked
        assert await journal.access.session(session.digest) is None
        assert not await journal.access.has_keys()
        with pytest.raises(NotFound):
            await journal.access.revoke_key("key_unknown")

    @promise
    async def test_a_replaced_key_works_until_the_overlap_is_over(self, journal: Journal) -> None:
        lasting, ending = self.key(), self.key(expires_at=START + HOUR)
        first, second = self.key(), self.key()
        await journal.access.add_key(lasting)
        await journal.access.add_key(ending)

        ends = await journal.access.replace_key(lasting.id, first, overlap=2 * HOUR)
        sooner = await journal.access.replace_key(ending.id, second, overlap=2 * HOUR)

        assert ends == replace(lasting, expires_at=START + 2 * HOUR, replaced_by=first.id)
        assert sooner == replace(ending, replaced_by=second.id)
        assert await journal.access.keys() == [second, first, sooner, ends]

    @promise
    async def test_a_key_is_replaced_once_and_only_while_it_works(self, journal: Journal) -> None:
        key, ended, revoked = self.key(), self.key(expires_at=START), self.key()
        for each in (key, ended, revoked):
            await journal.access.add_key(each)
        await journal.access.revoke_key(revoked.id)
        other = await self.another()

        outcomes = await asyncio.gather(
            *(
                store.access.replace_key(key.id, self.key(), overlap=HOUR)
                for store in (journal, other, journal, other)
            ),
            return_exceptions=True,
        )

        assert sum(isinstance(outcome, ApiKey) for outcome in outcomes) == 1
        for each in (key, ended, revoked):
            with pytest.raises(InvalidInput, match="make a new one"):
                await journal.access.replace_key(each.id, self.key(), overlap=HOUR)
        with pytest.raises(NotFound):
            await journal.access.replace_key("key_unknown", self.key(), overlap=HOUR)
        assert len(await journal.access.keys()) == 4

    @promise
    async def test_the_latest_use_is_noted(self, journal: Journal) -> None:
        used, idle = self.key(), self.key()
        await journal.access.add_key(used)
        await journal.access.add_key(idle)

        await journal.access.note_uses({used.id: START + HOUR, "key_unknown": START})
        await journal.access.note_uses({used.id: START})

        assert [key.last_used_at for key in await journal.access.keys()] == [None, START + HOUR]

    @promise
    async def test_a_session_lasts_for_its_time(self, journal: Journal) -> None:
        session = self.session()
        await journal.access.begin_session(session)

        found = await (await self.another()).access.session(session.digest)
        self.clock.advance(hours=12)
        over = await journal.access.session(session.digest)

        assert (found, over) == (session, None)

    @promise
    async def test_a_session_ends_when_it_is_told_to(self, journal: Journal) -> None:
        session, other = self.session(), self.session()
        await journal.access.begin_session(session)
        await journal.access.begin_session(other)

        await journal.access.end_session(session.digest)
        await journal.access.end_session(session.digest)

        assert await journal.access.session(session.digest) is None
        assert await journal.access.session(other.digest) == other


class AuditCases(AccessCase):
    """The audit log."""

    @promise
    async def test_lines_are_listed_newest_first_in_pages(self, journal: Journal) -> None:
        lines = [
            self.entry(details={}),
            self.entry(remote_address=None),
            self.entry(target="\x00\ud800", actor_name="\x00"),
        ]
        await journal.access.log(lines)
        await journal.access.log([])

        first = await journal.access.audit(AuditFilter(), limit=2)
        rest = await journal.access.audit(AuditFilter(), limit=2, before=first[-1].id)

        assert [*first[1:], *rest] == [lines[1], lines[0]]
        assert (first[0].target, first[0].actor_name) == ("\ufffd?", "\ufffd")

    @promise
    async def test_lines_are_filtered(self, journal: Journal) -> None:
        lines = [self.entry(), self.entry(actor_id="key_2"), self.entry(action="payload.view")]
        self.clock.advance(hours=1)
        lines += [self.entry(target="ep_2"), self.entry(actor_id="key_2")]
        await journal.access.log(lines)

        async def found(**wanted: Any) -> list[int]:
            page = await journal.access.audit(AuditFilter(**wanted))
            return sorted(lines.index(entry) for entry in page)

        assert await found(actor_id="key_2") == [1, 4]
        assert await found(action="payload.view") == [2]
        assert await found(target="ep_2") == [3]
        assert await found(since=START + HOUR) == [3, 4]
        assert await found(until=START + HOUR) == [0, 1, 2]
        assert await found(actor_id="key_2", until=START + HOUR) == [1]

    @promise
    async def test_old_lines_are_forgotten_in_pieces(self, journal: Journal) -> None:
        old = [self.entry() for _ in range(5)]
        await journal.access.log(old)
        self.clock.advance(hours=2)
        new = self.entry()
        await journal.access.log([new])

        counts = [await journal.access.forget_audit(older_than=HOUR, limit=3) for _ in range(3)]

        assert counts == [3, 2, 0]
        assert await journal.access.audit(AuditFilter()) == [new]
