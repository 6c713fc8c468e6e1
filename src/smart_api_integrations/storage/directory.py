"""The directory: every endpoint and every gate, in memory, as of the transaction that asks. Floor 3.

In each transaction that publishes or claims it reads one small row; where that has changed it loads the
endpoints or the gates again. So a message sees every endpoint that was saved before it, in any process, at
the price of one tiny read for a whole group.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.event_types import matches
from smart_api_integrations.core.gate import Gate, source_of
from smart_api_integrations.storage.endpoint_rows import endpoint_from
from smart_api_integrations.storage.gate_rows import read_gates
from smart_api_integrations.storage.secret_cipher import SecretCipher
from smart_api_integrations.storage.tables import subscriptions_version, webhooks

REMEMBERED_TYPES = 10_000
EVERYTHING = "*"

_versions = select(subscriptions_version.c.version, subscriptions_version.c.gates).where(
    subscriptions_version.c.id == 1
)


class Directory:
    """What is known of targets. For the writing lane alone."""

    def __init__(self, cipher: SecretCipher, broker: Endpoint | None = None) -> None:
        """Make an empty directory; *cipher* opens the endpoints' secrets, *broker* is everybody's."""
        self._broker = broker
        self._cipher = cipher
        self._version: str | None = None
        self._gates_version: str | None = None
        self._endpoints: dict[str, Endpoint] = {}
        self._subscribers: dict[tuple[str, str, bool], tuple[Endpoint, ...]] = {}
        self._gates: Mapping[str, Gate] = {}

    def refresh(self, connection: Connection) -> None:
        """Load anew whatever has changed."""
        version, gates_version = connection.execute(_versions).one()
        if version != self._version:
            rows = connection.execute(select(webhooks).order_by(webhooks.c.created_at, webhooks.c.id))
            endpoints = (endpoint_from(row, self._cipher) for row in rows)
            self._endpoints = {endpoint.id: endpoint for endpoint in (*endpoints, *self._brokers)}
            self._subscribers = {}
            self._version = version
        if gates_version != self._gates_version:
            self._gates = read_gates(connection)
            self._gates_version = gates_version

    @property
    def _brokers(self) -> Sequence[Endpoint]:
        return () if self._broker is None else (self._broker,)

    @property
    def ids(self) -> Collection[str]:
        """The ids of every endpoint that there is, switched off or not."""
        return self._endpoints.keys()

    def get(self, endpoint_id: str) -> Endpoint | None:
        """Return one endpoint, or None where it was removed."""
        return self._endpoints.get(endpoint_id)

    def gate(self, target: str) -> Gate | None:
        """Return a target's own gate, or None where it has none."""
        return self._gates.get(target)

    def rate(self, target: str) -> float | None:
        """Return a target's own rate limit."""
        endpoint = self._endpoints.get(target)
        return None if endpoint is None else endpoint.rate_limit

    def gates_before(self, target: str) -> list[str]:
        """Return the targets whose gates or rates *target* has to pass: its source's, and its own."""
        return [
            name
            for name in (source_of(target), target)
            if name is not None and (self._restricts(name) or self.rate(name) is not None)
        ]

    def _restricts(self, name: str) -> bool:
        gate = self._gates.get(name)
        return gate is not None and gate.restricts

    def is_shut(self, target: str, *, now: datetime) -> bool:
        """Tell whether as far as is known nothing of *target* may begin now."""
        gates = (self._gates.get(name) for name in self.gates_before(target))
        return any(gate is not None and gate.allows(now=now) == 0 for gate in gates)

    def is_wanted(self, tenant: str, events: Iterable[str]) -> bool:
        """Tell whether a message of one of the types *events* would have a delivery."""
        return any(self.subscribers(tenant, event) for event in events)

    def subscribers(self, tenant: str, event: str, *, operational: bool = False) -> Sequence[Endpoint]:
        """Return the active endpoints of *tenant* whose patterns match the type *event*.

        An *operational* message goes only to those that name it: ``*`` means what the application sends.
        """
        key = (tenant, event, operational)
        found = self._subscribers.get(key)
        if found is None:
            if len(self._subscribers) >= REMEMBERED_TYPES:
                self._subscribers.clear()
            found = tuple(
                endpoint
                for endpoint in self._endpoints.values()
                if endpoint.active
                and (not operational if endpoint is self._broker else endpoint.tenant == tenant)
                and any(
                    matches(pattern, event)
                    for pattern in endpoint.events
                    if not operational or pattern != EVERYTHING
                )
            )
            self._subscribers[key] = found
        return found
