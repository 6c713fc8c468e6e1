"""What every case stands on: a clock that is moved by hand, ids in order, sample records. Floor 10."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.journal import (
    Attempt,
    AttemptStatus,
    Claim,
    Handoff,
    Message,
    NewHandling,
    Outcome,
    Proof,
    ReceivedEvent,
    Rejection,
)
from smart_api_integrations.core.lifecycle import ROADS, State
from smart_api_integrations.core.ulids import ulid_at
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.storage.secret_cipher import SecretCipher

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
LEASE = timedelta(seconds=15)
HANDLER = "forge:default:shop.on_push"
TWO_HANDLERS = (NewHandling(handler=HANDLER, max_attempts=4), NewHandling(handler="b", max_attempts=1))
ONE_HANDLER = TWO_HANDLERS[:1]
Story = Callable[..., Awaitable[None]]


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        """Stand at noon of the first of January 2026."""
        self.time = START

    def __call__(self) -> datetime:
        """Return the time."""
        return self.time

    def advance(self, **span: float) -> None:
        """Move on by ``seconds=``, ``minutes=`` or ``days=``."""
        self.time += timedelta(**span)


def promise(story: Story) -> Callable[..., None]:
    """Make a test of *story*, which is told with an open journal."""

    def test(self: JournalCase, tmp_path: Path) -> None:
        asyncio.run(self.tell(story, tmp_path))

    test.__name__, test.__qualname__ = story.__name__, story.__qualname__
    test.__doc__, test.__module__ = story.__doc__, story.__module__
    return test


class JournalCase:
    """One hook, ``make_store``, and the samples that stories are told with."""

    wakes_other_processes: ClassVar[bool] = False
    """Capability: a journal hears of work that another one on the same store made due."""

    clock: ManualClock
    tmp_path: Path

    def make_store(self, tmp_path: Path) -> Journal | Awaitable[Journal]:
        """Return a journal, not yet open: the same store whenever *tmp_path* is the same.

        ``**self.options()`` are the arguments for ``open_journal``.
        """
        raise NotImplementedError

    def options(self) -> dict[str, Any]:
        """Return what makes a journal tell the time of ``clock`` and give ids in order."""
        return {"new_id": self.new_id, "cipher": SecretCipher([b"k" * 32]), "clock": self.clock}

    async def tell(self, story: Story, tmp_path: Path) -> None:
        """Open a journal, tell *story*, and close every journal that it opened."""
        self.clock = ManualClock()
        self.tmp_path = tmp_path
        self._ids = count(1)
        self._open: list[Journal] = []
        try:
            await story(self, await self.another())
        finally:
            for journal in self._open:
                await journal.close()

    async def another(self, *, opened: bool = True) -> Journal:
        """Return one more journal on the same store."""
        made = self.make_store(self.tmp_path)
        journal: Journal = await made if inspect.isawaitable(made) else made
        if opened:
            await journal.open()
            self._open.append(journal)
        return journal

    def new_id(self, prefix: str) -> str:
        """Return an id that sorts behind all before it, and by its time, as a ULID does."""
        return f"{prefix}{ulid_at(self.clock())}{next(self._ids):016d}"

    def event(self, *keys: bytes, **changes: Any) -> ReceivedEvent:
        """Return a received event with these dedupe keys."""
        values: dict[str, Any] = {
            "id": self.new_id("evt_"),
            "provider": "forge",
            "webhook_name": "default",
            "event_type": "push",
            "path": "/webhooks/forge",
            "headers": (("X-Forge-Event", "push"), ("Accept", "*/*"), ("Accept", "text/plain")),
            "body": b'{"ref": "main"}',
            "received_at": self.clock(),
            "proof": Proof(scheme="hmac", algorithm="sha256"),
            "dedupe_keys": keys,
        }
        return ReceivedEvent(**values | changes)

    def message(self, **changes: Any) -> Message:
        """Return a message."""
        values: dict[str, Any] = {
            "id": self.new_id("msg_"),
            "event": "order.created",
            "body": b'{"total": 5}',
            "created_at": self.clock(),
        }
        return Message(**values | changes)

    def endpoint(self, **changes: Any) -> Endpoint:
        """Return an endpoint that wants everything."""
        values: dict[str, Any] = {
            "id": self.new_id("ep_"),
            "url": "https://example.com/hook",
            "events": ("*",),
            "secret": "a secret of some length",
            "created_at": self.clock(),
            "updated_at": self.clock(),
        }
        return Endpoint(**values | changes)

    def rejection(self, **changes: Any) -> Rejection:
        """Return a rejection."""
        values: dict[str, Any] = {
            "id": self.new_id("rej_"),
            "provider": "forge",
            "webhook_name": "default",
            "reason": "signature_mismatch",
            "detail": "No secret makes this signature.",
            "status_code": 401,
            "remote_address": "192.0.2.1",
            "received_at": self.clock(),
        }
        return Rejection(**values | changes)

    def attempt(self, claim: Claim, status: str, **changes: Any) -> Attempt:
        """Return the attempt that *claim* began."""
        part = claim.work
        values: dict[str, Any] = {
            "id": self.new_id("att_"),
            "work_id": part.id,
            "kind": part.kind,
            "target": part.target,
            "subject_id": part.subject_id,
            "number": part.attempt_count,
            "status": status,
            "started_at": self.clock(),
            "duration_ms": 10.0,
        }
        return Attempt(**values | changes)

    def done(self, claim: Claim, *messages: Message) -> Outcome:
        """Return a good end of *claim*."""
        attempt = self.attempt(claim, AttemptStatus.SUCCEEDED)
        return Outcome(work=claim.work, state=ROADS[claim.work.kind].done, attempt=attempt, messages=messages)

    def again(self, claim: Claim, *, seconds: float = 5) -> Outcome:
        """Return a failure of *claim* that is tried again."""
        attempt = self.attempt(claim, AttemptStatus.FAILED)
        wait = timedelta(seconds=seconds)
        return Outcome(work=claim.work, state=State.RETRY_SCHEDULED, wait=wait, attempt=attempt)

    def dead(self, claim: Claim) -> Outcome:
        """Return the last failure of *claim*."""
        attempt = self.attempt(claim, AttemptStatus.FAILED)
        return Outcome(work=claim.work, state=State.FAILED, attempt=attempt)


def handoff(*refuse: str, owner: str = "worker-1") -> Handoff:
    """Return a worker's offer to take new work at once."""
    return Handoff(owner=owner, lease=LEASE, refuse=frozenset(refuse))


async def claim(journal: Journal, *, owner: str = "worker-1", limit: int = 100, **more: Any) -> list[Claim]:
    """Claim whatever is due."""
    return list(await journal.work.claim(owner=owner, limit=limit, lease=LEASE, **more))
