"""Gates as rows, and the operations on them. Floor 3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, bindparam, select

from smart_api_integrations.core.gate import Gate
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import gates, subscriptions_version

_one = select(gates).where(gates.c.target == bindparam("wanted"))
_all = select(gates)
_changed = subscriptions_version.update().where(subscriptions_version.c.id == 1)


def gate_from(row: Any) -> Gate:
    """Return the gate that a row of ``gates`` holds."""
    return Gate(**row._asdict())


def read_gates(connection: Connection) -> Mapping[str, Gate]:
    """Read every gate."""
    return {row.target: gate_from(row) for row in connection.execute(_all)}


def read_gate(connection: Connection, target: str) -> Gate | None:
    """Read one gate, or None where nothing is the matter with the target."""
    row = connection.execute(_one, {"wanted": target}).one_or_none()
    return None if row is None else gate_from(row)


def lock_gate(store: Store, connection: Connection, target: str) -> Gate:
    """Return the gate of *target*, which no other transaction changes meanwhile; a new one if it has none."""
    store.dialect.lock_lines(connection, [(target, "gate")])
    return read_gate(connection, target) or Gate(target=target)


def keep_gate(connection: Connection, gate: Gate) -> None:
    """Write *gate*; one that holds nothing back and knows nothing goes."""
    connection.execute(gates.delete().where(gates.c.target == gate.target))
    if gate != Gate(target=gate.target):
        connection.execute(gates.insert(), asdict(gate))


def move_gate(connection: Connection, gate: Gate) -> None:
    """Write when *gate* opens, and nothing else: what everybody keeps in memory stays true."""
    moved = gates.update().where(gates.c.target == gate.target).values(opens_at=gate.opens_at)
    if not connection.execute(moved).rowcount:
        connection.execute(gates.insert(), asdict(gate))


def tell_of_gates(store: Store, connection: Connection) -> None:
    """Let everybody who keeps gates in memory read them anew."""
    connection.execute(_changed.values(gates=store.new_id("ver_")))
