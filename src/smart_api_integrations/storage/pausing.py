"""Pausing and resuming sources, handlers and endpoints. Floor 3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from smart_api_integrations.core.gate import Gate
from smart_api_integrations.storage.backlogs import count_waiting
from smart_api_integrations.storage.gate_rows import (
    keep_gate,
    lock_gate,
    read_gate,
    read_gates,
    tell_of_gates,
)
from smart_api_integrations.storage.store import Store


class Gates:
    """Keeps ``storage.protocols.GateStore``."""

    def __init__(self, store: Store) -> None:
        """Work on *store*."""
        self._store = store

    async def pause(self, target: str) -> Gate:
        """See ``GateStore.pause``."""
        return await self._store.write_one(self._pause, target)

    async def resume(self, target: str, *, rate: float | None = None) -> Gate:
        """See ``GateStore.resume``."""
        return await self._store.write_one(self._resume, (target, rate))

    async def gate(self, target: str) -> Gate | None:
        """See ``GateStore.gate``."""
        return await self._store.read(read_gate, target)

    async def gates(self) -> Sequence[Gate]:
        """See ``GateStore.gates``."""
        return await self._store.read(_all, None)

    async def waiting(self, target: str) -> int:
        """See ``GateStore.waiting``."""
        return await self._store.read(count_waiting, target)

    def _pause(self, connection: Connection, target: str) -> Gate:
        """Shut a gate by hand; one that is shut stays as it is."""
        tell_of_gates(self._store, connection)
        before = lock_gate(self._store, connection, target)
        after = replace(before, paused_at=before.paused_at or self._store.now(), resume_rate=None)
        keep_gate(connection, after)
        return after

    def _resume(self, connection: Connection, asked: tuple[str, float | None]) -> Gate:
        """Open a gate that was shut by hand, and wake who waits for work."""
        target, rate = asked
        tell_of_gates(self._store, connection)
        after = replace(lock_gate(self._store, connection, target), paused_at=None, resume_rate=rate)
        keep_gate(connection, after)
        self._store.dialect.announce(connection)
        return after


def _all(connection: Connection, _: Any) -> list[Gate]:
    """Read every gate, by target."""
    return sorted(read_gates(connection).values(), key=lambda gate: gate.target)
