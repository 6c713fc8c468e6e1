"""Promises about secrets that handshakes bring. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from smart_api_integrations.core.captured_key import LONGEST_WAIT, MOST_KEYS, CapturedKey
from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.scene import JournalCase, promise

WEBHOOK = ("notes", "default")
VARIABLE = "NOTES_WEBHOOK_SECRET"
HOUR = timedelta(hours=1)


class CapturedKeyCases(JournalCase):
    """``CapturedKeyStore``: what is awaited, what came, and who may bring it."""

    async def awaited(self, journal: Journal, wait: timedelta = HOUR) -> CapturedKey:
        """Let one secret come."""
        return await journal.captured_keys.await_key(*WEBHOOK, variable=VARIABLE, wait=wait)

    async def brought(self, journal: Journal, secret: str) -> CapturedKey | None:
        """Bring *secret*."""
        return await journal.captured_keys.capture(*WEBHOOK, secret, remote_address="192.0.2.7")

    @promise
    async def test_a_secret_that_nobody_awaits_is_not_kept(self, journal: Journal) -> None:
        assert await self.brought(journal, "a stranger's") is None
        assert await journal.captured_keys.captured_keys() == []

    @promise
    async def test_the_first_that_comes_is_kept_and_ends_the_waiting(self, journal: Journal) -> None:
        awaited = await self.awaited(journal)
        self.clock.advance(minutes=5)

        first = await self.brought(journal, "the provider's")
        second = await self.brought(journal, "a stranger's")

        held = await journal.captured_keys.held(*WEBHOOK)
        assert first is not None
        assert (first.id, first.captured_at, first.remote_address) == (
            awaited.id,
            self.clock.time,
            "192.0.2.7",
        )
        assert second is None
        assert held.secrets == ("the provider's",)
        assert held.keys == (first,)

    @promise
    async def test_of_many_at_once_one_is_kept(self, journal: Journal) -> None:
        await self.awaited(journal)

        came = await asyncio.gather(*(self.brought(journal, f"secret {n}") for n in range(5)))

        (kept,) = [n for n, each in enumerate(came) if each is not None]
        assert (await journal.captured_keys.held(*WEBHOOK)).secrets == (f"secret {kept}",)

    @promise
    async def test_the_waiting_ends_by_itself(self, journal: Journal) -> None:
        await self.awaited(journal)
        self.clock.advance(hours=1)

        assert await self.brought(journal, "too late") is None

    @promise
    async def test_awaiting_again_begins_the_time_anew_and_leaves_one_place(self, journal: Journal) -> None:
        await self.awaited(journal)
        again = await self.awaited(journal, timedelta(hours=2))

        assert await journal.captured_keys.captured_keys() == [again]

    @promise
    async def test_a_second_secret_stands_beside_the_first_the_newest_first(self, journal: Journal) -> None:
        for secret in ("old", "new"):
            await self.awaited(journal)
            await self.brought(journal, secret)

        assert (await journal.captured_keys.held(*WEBHOOK)).secrets == ("new", "old")

    @promise
    async def test_one_webhook_knows_nothing_of_anothers(self, journal: Journal) -> None:
        await self.awaited(journal)

        other = await journal.captured_keys.capture("notes", "other", "x", remote_address=None)

        assert other is None
        assert (await journal.captured_keys.held("notes", "other")).keys == ()

    @promise
    async def test_what_is_forgotten_is_gone(self, journal: Journal) -> None:
        await self.awaited(journal)
        await self.brought(journal, "old")
        await self.awaited(journal)

        assert await journal.captured_keys.forget(*WEBHOOK) == 2
        assert (await journal.captured_keys.held(*WEBHOOK)).secrets == ()
        assert await self.brought(journal, "new") is None

    @promise
    async def test_there_is_an_end_to_how_long_and_how_many(self, journal: Journal) -> None:
        for wait in (timedelta(), LONGEST_WAIT + timedelta(seconds=1)):
            with pytest.raises(InvalidInput):
                await self.awaited(journal, wait)
        for number in range(MOST_KEYS):
            await self.awaited(journal)
            await self.brought(journal, f"secret {number}")

        with pytest.raises(InvalidInput, match="forget"):
            await self.awaited(journal)

    @promise
    async def test_no_secret_is_in_what_is_shown_of_a_key(self, journal: Journal) -> None:
        await self.awaited(journal)
        await self.brought(journal, "hush hush hush")

        held = await journal.captured_keys.held(*WEBHOOK)

        assert "hush" not in repr(held)
        assert "hush" not in repr(await journal.captured_keys.captured_keys())
