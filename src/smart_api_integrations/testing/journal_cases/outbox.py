"""Promises about messages that are left in the outbox. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest

from smart_api_integrations.core.journal import Message
from smart_api_integrations.storage.callers_connection import ask, callers_connection
from smart_api_integrations.storage.outbox import enlisting
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.journal_cases.scene import JournalCase, handoff, promise


class OutboxCases(JournalCase):
    """``OutboxStore``; one more hook, ``callers``: a connection of the DB-API to the store."""

    def callers(self) -> AbstractContextManager[Any] | None:
        """Return a connection as an application has one; None where there is none in this store."""
        return None

    async def leave(self, journal: Journal, *messages: Message, commit: bool = True) -> None:
        """Leave *messages* in a caller's transaction."""
        opened, home = self.callers(), await journal.outbox.home()
        if opened is None:
            pytest.skip("no application has a connection to this store")
        with opened as connection:
            for message in messages:
                ask(callers_connection(connection), enlisting(message, home), engine=home.engine)
            connection.commit() if commit else connection.rollback()

    @promise
    async def test_what_is_left_is_relayed_whole_and_once(self, journal: Journal) -> None:
        other = await self.another()
        endpoint = self.endpoint()
        await journal.endpoints.add(endpoint)
        left = [
            self.message(
                hops=1,
                event_id=self.new_id("evt_"),
                handler="h",
                ordering_key=str(number),
                deliver_at=self.clock() + timedelta(seconds=number),
                expires_at=self.clock() + timedelta(days=1),
            )
            for number in range(3)
        ]
        await self.leave(journal, *left)

        found = await asyncio.gather(*((journal, other)[n % 2].outbox.relay() for n in range(6)))

        relayed = [pair for each in found for pair in each]
        assert sorted(message.id for message, _ in relayed) == [message.id for message in left]
        assert {published.deliveries for _, published in relayed} == {1}
        assert list(await journal.messages.messages()) == left[::-1]
        assert await journal.outbox.relay() == ()

    @promise
    async def test_a_worker_that_relays_may_take_the_deliveries(self, journal: Journal) -> None:
        await journal.endpoints.add(self.endpoint())
        message = self.message()
        await self.leave(journal, message)

        ((relayed, published),) = await journal.outbox.relay(handoff())

        assert relayed == message
        assert [each.message for each in published.claims] == [message]

    @promise
    async def test_what_is_rolled_back_never_was(self, journal: Journal) -> None:
        await self.leave(journal, self.message(), commit=False)

        assert await journal.outbox.relay() == ()

    @promise
    async def test_every_journal_on_a_store_says_that_it_is_at_home_there(self, journal: Journal) -> None:
        other = await self.another()

        assert (await journal.outbox.home()).identity == (await other.outbox.home()).identity
