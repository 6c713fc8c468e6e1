"""Promises about the small sets that everybody keeps in memory. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from smart_api_integrations.core.event_catalogue import EventTypeEntry
from smart_api_integrations.core.forwarding import ForwardRule
from smart_api_integrations.errors import NotFound
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.scene import JournalCase, promise


class SetCases(JournalCase):
    """``VersionedStore``, by the catalogue of event types."""

    def event_type(self, name: str = "order.created") -> EventTypeEntry:
        """Return a type with everything that one can have."""
        return EventTypeEntry(
            name=name,
            description="☃",
            schema={"type": "object", "properties": {"é": {"maximum": 1.5}}},
            archived=True,
            created_at=self.clock(),
            updated_at=self.clock(),
        )

    @promise
    async def test_a_record_is_kept_whole_and_listed_by_key(self, journal: Journal) -> None:
        entries = [self.event_type(name) for name in ("b", "a", "Z")]
        for entry in entries:
            await journal.event_types.put(entry)

        assert [entry.name for entry in await journal.event_types.all()] == ["Z", "a", "b"]
        assert await journal.event_types.get("b") == entries[0]
        assert await journal.event_types.get("c") is None

    @promise
    async def test_putting_again_replaces(self, journal: Journal) -> None:
        entry = self.event_type()
        await journal.event_types.put(entry)
        changed = replace(entry, schema=None, description="changed", archived=False)

        await journal.event_types.put(changed)

        assert list(await journal.event_types.all()) == [changed]

    @promise
    async def test_what_is_removed_is_gone_and_cannot_be_removed_again(self, journal: Journal) -> None:
        await journal.event_types.put(self.event_type())

        await journal.event_types.remove("order.created")

        assert list(await journal.event_types.all()) == []
        with pytest.raises(NotFound, match=r"order\.created"):
            await journal.event_types.remove("order.created")

    @promise
    async def test_every_change_of_any_process_changes_the_version(self, journal: Journal) -> None:
        other = await self.another()
        seen = [await other.event_types.version()]
        for step in (
            journal.event_types.put(self.event_type()),
            other.event_types.put(self.event_type()),
            journal.event_types.remove("order.created"),
        ):
            await step
            seen.append(await other.event_types.version())

        assert len(set(seen)) == 4
        assert await journal.event_types.version() == seen[-1]

    @promise
    async def test_a_removal_that_fails_leaves_the_version(self, journal: Journal) -> None:
        await journal.event_types.put(self.event_type())
        before = await journal.event_types.version()

        with pytest.raises(NotFound):
            await journal.event_types.remove("nobody")

        assert await journal.event_types.version() == before

    @promise
    async def test_puts_at_once_lose_nothing(self, journal: Journal) -> None:
        journals = (journal, await self.another())
        names = [f"type-{number:02}" for number in range(12)]

        await asyncio.gather(
            *(journals[n % 2].event_types.put(self.event_type(name)) for n, name in enumerate(names))
        )

        assert [entry.name for entry in await journal.event_types.all()] == names

    @promise
    async def test_a_forward_rule_is_kept_whole_and_apart_from_other_sets(self, journal: Journal) -> None:
        rule = ForwardRule(
            id="fwd_1",
            source="github:*",
            events=("push", "order.*"),
            filter="payload.total > 100",
            transformation="{'é': payload.ref}",
            message_type="code.pushed",
            endpoint_id="ep_1",
            tenant="shop",
            description="☃",
            active=False,
            created_at=self.clock(),
            updated_at=self.clock(),
        )
        before = await journal.event_types.version()

        await journal.forward_rules.put(rule)

        assert list(await journal.forward_rules.all()) == [rule]
        assert list(await journal.event_types.all()) == []
        assert await journal.event_types.version() == before
