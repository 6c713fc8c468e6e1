"""What the journal promises about messages in callers' own transactions. Floor 3."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from smart_api_integrations.core.journal import Handoff, Message, Published


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Which database the journal is in, and what any connection to it can be asked to find that out.

    Attributes:
        engine: ``sqlite`` or ``postgresql``.
        question: A statement whose rows ``read`` makes an identity of.
        insert: The statement that puts ``:id``, ``:envelope`` and ``:body`` into the outbox.
        identity: What the journal's own connection answers.
    """

    engine: str
    question: str
    insert: str
    identity: Hashable
    read: Callable[[Sequence[Sequence[Any]]], Hashable]


class OutboxStore(Protocol):
    """Messages that a caller's connection inserts and a worker passes on."""

    async def home(self) -> Home:
        """Return which database the journal is in, and the statement that inserts a message.

        What is inserted by it in a transaction that is rolled back was never there; after its commit
        ``relay`` of any process finds it.
        """

    def warn_of_callers(self) -> None:
        """Say once, where it is so, what can go wrong when a caller's own connection writes."""

    async def relay(self, handoff: Handoff | None = None) -> Sequence[tuple[Message, Published]]:
        """Keep committed messages with their deliveries, in one transaction, the oldest first.

        Each is kept once, whoever relays and however often that fails. *handoff* as in ``EventStore.accept``.

        Raises:
            StorageUnavailable: Nothing was relayed.
        """
