"""Received events as rows. Floor 3."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import orjson

from smart_api_integrations.core.journal import Proof, ReceivedEvent
from smart_api_integrations.storage.bulk import Row
from smart_api_integrations.storage.column_types import (
    join_keys,
    microseconds,
    pack,
    split_keys,
    storable,
    unpack,
)

NO_HEADERS = b"[]"
"""What the empty column of an expunged payload stands for."""


def event_row(event: ReceivedEvent) -> Row:
    """Return *event* as a row of ``events``."""
    return (
        event.id,
        event.tenant,
        event.provider,
        event.webhook_name,
        None if event.event_type is None else storable(event.event_type),
        None if event.action is None else storable(event.action),
        None if event.event_id is None else storable(event.event_id),
        event.method,
        storable(event.path),
        storable(event.query),
        None if event.remote_address is None else storable(event.remote_address),
        microseconds(event.received_at),
        None if event.occurred_at is None else microseconds(event.occurred_at),
        event.duplicates,
        len(event.body),
        orjson.dumps(event.proof, default=timedelta.total_seconds).decode(),
        join_keys(event.dedupe_keys),
        pack(event.headers),
        event.body,
    )


def event_from(row: Any) -> ReceivedEvent:
    """Return the event that a row of ``events`` holds."""
    return ReceivedEvent(
        id=row.id,
        tenant=row.tenant,
        provider=row.provider,
        webhook_name=row.webhook_name,
        event_type=row.event_type,
        action=row.action,
        event_id=row.event_id,
        method=row.method,
        path=row.path,
        query=row.query,
        headers=tuple((name, value) for name, value in unpack(row.headers or NO_HEADERS)),
        body=row.body,
        remote_address=row.remote_address,
        received_at=row.received_at,
        occurred_at=row.occurred_at,
        proof=_proof_from(row.proof),
        dedupe_keys=split_keys(row.dedupe_keys),
        duplicates=row.duplicates,
    )


def _proof_from(values: dict[str, Any]) -> Proof:
    timestamp, tolerance = values["timestamp"], values["tolerance"]
    return Proof(
        **{
            **values,
            "timestamp": None if timestamp is None else datetime.fromisoformat(timestamp),
            "tolerance": None if tolerance is None else timedelta(seconds=tolerance),
        }
    )
