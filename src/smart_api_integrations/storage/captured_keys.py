"""Secrets that handshakes brought, encrypted. Floor 3."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from smart_api_integrations.core.captured_key import LONGEST_WAIT, MOST_KEYS, CapturedKey
from smart_api_integrations.errors import ConfigurationError, InvalidInput
from smart_api_integrations.storage.captured_key_store import HeldKeys
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import captured_keys

logger = logging.getLogger(__name__)

_keys = captured_keys.c
_of_webhook = (_keys.provider == bindparam("p")) & (_keys.webhook_name == bindparam("n"))
_newest = select(captured_keys).order_by(_keys.id.desc())
_one = _newest.where(_of_webhook)
_awaited = (
    _newest.where(_of_webhook, _keys.secret.is_(None), _keys.awaited_until > bindparam("now"))
    .limit(1)
    .with_for_update()
)
_count = select(func.count()).where(_of_webhook, _keys.secret.is_not(None)).select_from(captured_keys)
_forget_awaited = captured_keys.delete().where(_of_webhook, _keys.secret.is_(None))
_forget = captured_keys.delete().where(_of_webhook)
_fill = captured_keys.update().where(_keys.id == bindparam("i"), _keys.secret.is_(None))


class CapturedKeys:
    """Keeps ``CapturedKeyStore``."""

    def __init__(self, store: Store) -> None:
        """Work on *store*."""
        self._store = store

    async def await_key(
        self, provider: str, webhook_name: str, *, variable: str, wait: timedelta
    ) -> CapturedKey:
        """See ``CapturedKeyStore.await_key``."""
        if not timedelta() < wait <= LONGEST_WAIT:
            message = f"A secret is awaited for at most {LONGEST_WAIT // timedelta(hours=1)} hours."
            raise InvalidInput(message)
        key = CapturedKey(
            id=self._store.new_id("key_"),
            provider=provider,
            webhook_name=webhook_name,
            variable=variable,
            awaited_until=self._store.now() + wait,
        )
        return await self._store.write_one(self._await, key)

    async def capture(
        self, provider: str, webhook_name: str, secret: str, *, remote_address: str | None
    ) -> CapturedKey | None:
        """See ``CapturedKeyStore.capture``."""
        return await self._store.write_one(self._capture, (provider, webhook_name, secret, remote_address))

    async def held(self, provider: str, webhook_name: str) -> HeldKeys:
        """See ``CapturedKeyStore.held``."""
        return await self._store.read(self._held, (provider, webhook_name))

    async def captured_keys(self) -> Sequence[CapturedKey]:
        """See ``CapturedKeyStore.captured_keys``."""
        return await self._store.read(_all, None)

    async def forget(self, provider: str, webhook_name: str) -> int:
        """See ``CapturedKeyStore.forget``."""
        return await self._store.write_one(_remove, (provider, webhook_name))

    def _await(self, connection: Connection, key: CapturedKey) -> CapturedKey:
        """Put *key* in the place of whatever is awaited."""
        of = {"p": key.provider, "n": key.webhook_name}
        if connection.execute(_count, of).scalar_one() >= MOST_KEYS:
            message = f"{key.provider}/{key.webhook_name} holds {MOST_KEYS} captured keys: forget them first."
            raise InvalidInput(message)
        connection.execute(_forget_awaited, of)
        connection.execute(
            captured_keys.insert(),
            {
                "id": key.id,
                "provider": key.provider,
                "webhook_name": key.webhook_name,
                "variable": key.variable,
                "awaited_until": key.awaited_until,
            },
        )
        return key

    def _capture(self, connection: Connection, asked: tuple[str, str, str, str | None]) -> CapturedKey | None:
        """Fill the row that waits, if one does; its lock lets one of several do it."""
        provider, webhook_name, secret, remote_address = asked
        now = self._store.now()
        row = connection.execute(_awaited, {"p": provider, "n": webhook_name, "now": now}).one_or_none()
        if row is None:
            return None
        filled = {
            "secret": self._store.cipher.encrypt(secret, row_id=row.id),
            "captured_at": now,
            "remote_address": remote_address,
        }
        if not connection.execute(_fill.values(filled), {"i": row.id}).rowcount:
            return None
        return _key_from(connection.execute(select(captured_keys).where(_keys.id == row.id)).one())

    def _held(self, connection: Connection, webhook: tuple[str, str]) -> HeldKeys:
        """Read one webhook's keys and open those that can be opened."""
        rows = connection.execute(_one, {"p": webhook[0], "n": webhook[1]}).all()
        opened = [self._open(row) for row in rows if row.secret is not None]
        return HeldKeys(
            keys=tuple(map(_key_from, rows)),
            secrets=tuple(secret for secret in opened if secret is not None),
        )

    def _open(self, row: Any) -> str | None:
        try:
            return self._store.cipher.decrypt(row.secret, row_id=row.id)
        except ConfigurationError as error:
            logger.error(  # noqa: TRY400 - the sentence says it all
                "A captured key cannot be read: %s",
                error,
                extra={"action": "open_captured_key", "key": row.id},
            )
            return None


def _all(connection: Connection, _: None) -> list[CapturedKey]:
    """Read every key, newest first."""
    return [_key_from(row) for row in connection.execute(_newest)]


def _remove(connection: Connection, webhook: tuple[str, str]) -> int:
    """Remove one webhook's keys."""
    return connection.execute(_forget, {"p": webhook[0], "n": webhook[1]}).rowcount


def _key_from(row: Any) -> CapturedKey:
    return CapturedKey(
        id=row.id,
        provider=row.provider,
        webhook_name=row.webhook_name,
        variable=row.variable,
        awaited_until=row.awaited_until,
        captured_at=row.captured_at,
        remote_address=row.remote_address,
    )
