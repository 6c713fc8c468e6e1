"""Endpoints: their rows and their store. Floor 3."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, select, update

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.gate import Gate
from smart_api_integrations.core.journal import AttemptStatistics
from smart_api_integrations.errors import InvalidInput, NotFound
from smart_api_integrations.storage.backlogs import cancel_waiting
from smart_api_integrations.storage.counters import endpoint_statistics
from smart_api_integrations.storage.endpoint_rows import endpoint_from, endpoint_row, old_secret_rows
from smart_api_integrations.storage.gate_rows import keep_gate, lock_gate, tell_of_gates
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import subscriptions_version, webhooks

MAX_OLD_SECRETS = 10
set_version = update(subscriptions_version).where(subscriptions_version.c.id == 1)
CHANGEABLE = frozenset(field.name for field in fields(Endpoint)) - {
    "id",
    "tenant",
    "old_secrets",
    "disabled_reason",
    "created_at",
    "updated_at",
}


def endpoints_by_id(store: Store, connection: Connection, ids: Iterable[str]) -> dict[str, Endpoint]:
    """Return those of *ids* that are there."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    statement = select(webhooks).where(store.dialect.among(webhooks.c.id, "ids"))
    rows = connection.execute(statement, {"ids": wanted})
    return {row.id: endpoint_from(row, store.cipher) for row in rows}


def switch_off(store: Store, connection: Connection, endpoint_id: str, *, reason: str) -> None:
    """Give an endpoint nothing new, because of *reason*."""
    connection.execute(set_version, {"version": store.new_id("ver_")})
    off = webhooks.update().where(webhooks.c.id == endpoint_id)
    connection.execute(off.values(active=False, disabled_reason=reason, updated_at=store.now()))


class Endpoints:
    """Keeps ``storage.protocols.EndpointStore``."""

    def __init__(self, store: Store) -> None:
        """Work on *store*."""
        self._store = store

    async def add(self, endpoint: Endpoint) -> None:
        """See ``EndpointStore.add``."""
        await self._store.write_one(self._add, endpoint)

    async def change(self, endpoint_id: str, changes: Mapping[str, Any]) -> Endpoint:
        """See ``EndpointStore.change``."""
        unknown = sorted(set(changes) - CHANGEABLE)
        if unknown:
            message = (
                f"{unknown[0]!r} of an endpoint cannot be changed; known: {', '.join(sorted(CHANGEABLE))}"
            )
            raise InvalidInput(message)
        return await self._store.write_one(self._change, (endpoint_id, changes))

    async def rotate_secret(self, endpoint_id: str, secret: str, *, grace: timedelta) -> Endpoint:
        """See ``EndpointStore.rotate_secret``."""
        return await self._store.write_one(self._rotate, (endpoint_id, secret, grace))

    async def enable(
        self, endpoint_id: str, *, skip_backlog: bool = False, rate: float | None = None
    ) -> Endpoint:
        """See ``EndpointStore.enable``."""
        return await self._store.write_one(self._enable, (endpoint_id, skip_backlog, rate))

    async def remove(self, endpoint_id: str) -> None:
        """See ``EndpointStore.remove``."""
        await self._store.write_one(self._remove, endpoint_id)

    async def endpoint(self, endpoint_id: str) -> Endpoint | None:
        """See ``EndpointStore.endpoint``."""
        return await self._store.read(self._endpoint, endpoint_id)

    async def endpoints(self, *, tenant: str | None = None) -> Sequence[Endpoint]:
        """See ``EndpointStore.endpoints``."""
        return await self._store.read(self._list, tenant)

    async def statistics(self, endpoint_id: str, *, since: timedelta | None = None) -> AttemptStatistics:
        """See ``EndpointStore.statistics``."""
        return await self._store.read(self._statistics, (endpoint_id, since))

    def _add(self, connection: Connection, endpoint: Endpoint) -> None:
        """Insert one endpoint and raise the version of subscriptions."""
        if self._endpoint(connection, endpoint.id) is not None:
            message = f"There is an endpoint {endpoint.id} already: change it, or take another id"
            raise InvalidInput(message)
        self._renew_version(connection)
        connection.execute(webhooks.insert(), endpoint_row(endpoint, self._store.cipher))

    def _change(self, connection: Connection, asked: tuple[str, Mapping[str, Any]]) -> Endpoint:
        """Update one endpoint and raise the version of subscriptions."""
        endpoint_id, changes = asked
        self._renew_version(connection)  # first: it is also the lock among those who change endpoints
        before = self._endpoint(connection, endpoint_id)
        if before is None:
            message = f"There is no endpoint {endpoint_id}"
            raise NotFound(message)
        after = replace(before, **changes, updated_at=self._store.now())
        after = replace(after, events=tuple(after.events))
        if after.active and before.disabled_reason is not None:
            after = replace(after, disabled_reason=None)
            self._open_gate(connection, endpoint_id)
        # What was not changed is not written: a secret that no key opens any more stays as it is.
        touched = {*changes, "updated_at", "disabled_reason"}
        row = {
            name: value for name, value in endpoint_row(after, self._store.cipher).items() if name in touched
        }
        if "secret" in changes:
            row["old_secrets"], after = [], replace(after, old_secrets=())
        connection.execute(webhooks.update().where(webhooks.c.id == endpoint_id), row)
        return after

    def _rotate(self, connection: Connection, asked: tuple[str, str, timedelta]) -> Endpoint:
        """Put one endpoint's secret behind a new one, and forget those whose time is over."""
        endpoint_id, secret, grace = asked
        self._renew_version(connection)
        mine = webhooks.c.id == endpoint_id
        before = connection.execute(select(webhooks).where(mine)).one_or_none()
        if before is None:
            message = f"There is no endpoint {endpoint_id}"
            raise NotFound(message)
        now = self._store.now()
        old = old_secret_rows(before, now=now, grace=grace)
        if len(old) > MAX_OLD_SECRETS:
            found = f"{MAX_OLD_SECRETS} older secrets that sign"
            raise InvalidInput.at(field="grace", found=found, expected="0, or a later rotation")
        sealed = self._store.cipher.encrypt(secret, row_id=endpoint_id)
        row = {"secret": sealed, "old_secrets": old, "updated_at": now}
        connection.execute(webhooks.update().where(mine), row)
        return endpoint_from(connection.execute(select(webhooks).where(mine)).one(), self._store.cipher)

    def _remove(self, connection: Connection, endpoint_id: str) -> None:
        """Delete one endpoint with its gate, and cancel what waits for it."""
        self._renew_version(connection)
        if not connection.execute(webhooks.delete().where(webhooks.c.id == endpoint_id)).rowcount:
            message = f"There is no endpoint {endpoint_id}"
            raise NotFound(message)
        cancel_waiting(connection, endpoint_id, now=self._store.now())
        tell_of_gates(self._store, connection)
        keep_gate(connection, Gate(target=endpoint_id))

    def _enable(self, connection: Connection, asked: tuple[str, bool, float | None]) -> Endpoint:
        """Switch one endpoint on, and open its gate."""
        endpoint_id, skip_backlog, rate = asked
        after = self._change(connection, (endpoint_id, {"active": True}))
        if skip_backlog:
            cancel_waiting(connection, endpoint_id, now=self._store.now())
        self._open_gate(connection, endpoint_id, rate=rate)
        return after

    def _open_gate(self, connection: Connection, endpoint_id: str, *, rate: float | None = None) -> None:
        """Forget every failure of an endpoint, and what it was paused for."""
        tell_of_gates(self._store, connection)
        lock_gate(self._store, connection, endpoint_id)
        keep_gate(connection, Gate(target=endpoint_id, resume_rate=rate))
        self._store.dialect.announce(connection)

    def _renew_version(self, connection: Connection) -> None:
        """Mark the endpoints as changed; never with a mark that a rolled-back change used."""
        connection.execute(set_version, {"version": self._store.new_id("ver_")})

    def _endpoint(self, connection: Connection, endpoint_id: str) -> Endpoint | None:
        """Read one endpoint."""
        row = connection.execute(select(webhooks).where(webhooks.c.id == endpoint_id)).one_or_none()
        return None if row is None else endpoint_from(row, self._store.cipher)

    def _list(self, connection: Connection, tenant: str | None) -> list[Endpoint]:
        """Read all endpoints, or one tenant's, oldest first."""
        statement = select(webhooks).order_by(webhooks.c.created_at, webhooks.c.id)
        if tenant is not None:
            statement = statement.where(webhooks.c.tenant == tenant)
        return [endpoint_from(row, self._store.cipher) for row in connection.execute(statement)]

    def _statistics(self, connection: Connection, asked: tuple[str, timedelta | None]) -> AttemptStatistics:
        """Sum one endpoint's counters."""
        return endpoint_statistics(self._store, connection, asked)
