"""Sealing every stored secret anew under the newest key. Floor 3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Table, select

from smart_api_integrations.storage.endpoint_rows import auth_id
from smart_api_integrations.storage.secret_cipher import SecretCipher
from smart_api_integrations.storage.tables import captured_keys, webhooks

BATCH = 100
Resealed = dict[str, Any]


def _of_endpoint(row: Any, cipher: SecretCipher) -> Resealed:
    """Return the columns of an endpoint's row that are not under the newest key, as they are then."""
    changed: Resealed = {}
    if not cipher.is_newest(row.secret):
        changed["secret"] = cipher.sealed_anew(row.secret, row_id=row.id)
    if row.auth is not None and not cipher.is_newest(row.auth):
        changed["auth"] = cipher.sealed_anew(row.auth, row_id=auth_id(row.id))
    old = row.old_secrets or []
    if not all(cipher.is_newest(each["secret"]) for each in old):
        changed["old_secrets"] = [
            {**each, "secret": cipher.sealed_anew(each["secret"], row_id=row.id)} for each in old
        ]
    return changed


def _of_captured_key(row: Any, cipher: SecretCipher) -> Resealed:
    if row.secret is None or cipher.is_newest(row.secret):
        return {}
    return {"secret": cipher.sealed_anew(row.secret, row_id=row.id)}


SECRETS: tuple[tuple[Table, Callable[[Any, SecretCipher], Resealed]], ...] = (
    (captured_keys, _of_captured_key),
    (webhooks, _of_endpoint),
)
"""Every table that holds a secret, in the order of the ids' prefixes: ``ep_`` comes before ``key_``."""


def seal_batch(
    connection: Connection, table: Table, after: str, cipher: SecretCipher
) -> tuple[int, str, bool]:
    """Seal the next rows of *table* anew; return how many changed, the last id, and whether it is the end.

    Raises:
        ConfigurationError: No configured key opens a secret.
    """
    resealed = dict(SECRETS)[table]
    query = select(table).where(table.c.id > after).order_by(table.c.id).limit(BATCH).with_for_update()
    rows = connection.execute(query).all()
    count = 0
    for row in rows:
        changed = resealed(row, cipher)
        if changed:
            count += len(changed)
            connection.execute(table.update().where(table.c.id == row.id).values(changed))
    return count, rows[-1].id if rows else after, len(rows) < BATCH
