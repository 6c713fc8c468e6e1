"""How much of each target one claim may take: what its gates and rates allow. Floor 3.

Gates are read from the store, locked, only for targets that memory says have one: the others are not
looked up at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from smart_api_integrations.core.gate import Gate
from smart_api_integrations.storage.directory import Directory
from smart_api_integrations.storage.gate_rows import keep_gate, lock_gate, move_gate, tell_of_gates
from smart_api_integrations.storage.store import Store


class Passage:
    """The gates that one claim meets."""

    def __init__(self, store: Store, directory: Directory, connection: Connection, *, now: datetime) -> None:
        """Begin with no gate looked at."""
        self._store = store
        self._directory = directory
        self._connection = connection
        self._now = now
        self._gates: dict[str, Gate] = {}
        self._passed: Counter[str] = Counter()
        self._gone: set[str] = set()
        self._left: set[str] = set()

    def allowed(self, target: str) -> int | None:
        """Return how many more of *target* may be taken; None for any number."""
        names = self._directory.gates_before(target)
        if not names:
            return None
        if self._directory.is_shut(target, now=self._now):
            return 0
        limits = [limit for name in names if (limit := self._limit(name)) is not None]
        return min(limits, default=None)

    def passed(self, taken: Mapping[str, int]) -> None:
        """Note what was taken."""
        for target, count in taken.items():
            for name in self._directory.gates_before(target):
                self._passed[name] += count

    def drained(self, wanted: Mapping[str, int], got: Mapping[str, int]) -> None:
        """Note of which targets there was less than *wanted*: their backlog is gone."""
        for target, count in wanted.items():
            is_gone = got.get(target, 0) < count
            (self._gone if is_gone else self._left).update(self._directory.gates_before(target))

    def settle(self) -> None:
        """Write when the gates open again that something passed, after the last was taken."""
        for name, count in sorted(self._passed.items()):
            rate = self._directory.rate(name)
            before = self._gates[name]
            after = before.after(count, now=self._now, rate=rate)
            if after != before:
                move_gate(self._connection, after)
        for name in sorted(self._gone - self._left):
            gate = self._gates.get(name)
            if gate is not None and gate.resume_rate is not None:
                tell_of_gates(self._store, self._connection)
                keep_gate(self._connection, replace(gate, resume_rate=None, opens_at=None))

    def _limit(self, name: str) -> int | None:
        gate = self._gates.get(name)
        if gate is None:
            gate = self._gates[name] = lock_gate(self._store, self._connection, name)
        most = gate.allows(now=self._now, rate=self._directory.rate(name))
        return None if most is None else max(0, most - self._passed[name])
