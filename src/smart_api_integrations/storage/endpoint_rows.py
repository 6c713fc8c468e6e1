"""Endpoints as rows: what is secret in them is encrypted. Floor 3."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from smart_api_integrations.core.credentials import read_credentials
from smart_api_integrations.core.endpoint import Endpoint, OldSecret
from smart_api_integrations.core.retry_schedule import RetrySchedule
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.storage.secret_cipher import SecretCipher

logger = logging.getLogger(__name__)


def endpoint_row(endpoint: Endpoint, cipher: SecretCipher) -> dict[str, Any]:
    """Return *endpoint* as a row, its secrets encrypted."""
    return {
        "id": endpoint.id,
        "tenant": endpoint.tenant,
        "url": endpoint.url,
        "events": list(endpoint.events),
        "secret": cipher.encrypt(endpoint.secret, row_id=endpoint.id),
        "old_secrets": [
            {
                "secret": cipher.encrypt(old.secret, row_id=endpoint.id),
                "expires_at": old.expires_at.isoformat(),
            }
            for old in endpoint.old_secrets
        ],
        "auth": None
        if endpoint.auth is None
        else cipher.encrypt(json.dumps(endpoint.auth.kept()), row_id=auth_id(endpoint.id)),
        "filter": endpoint.filter,
        "transformation": endpoint.transformation,
        "active": endpoint.active,
        "disabled_reason": endpoint.disabled_reason,
        "retry_schedule": _schedule_row(endpoint.retry_schedule),
        "retry_count": endpoint.retry_count,
        "retry_delay": endpoint.retry_delay,
        "timeout": endpoint.timeout,
        "rate_limit": endpoint.rate_limit,
        "concurrency": endpoint.concurrency,
        "headers": dict(endpoint.headers),
        "metadata": dict(endpoint.metadata),
        "description": endpoint.description,
        "created_at": endpoint.created_at,
        "updated_at": endpoint.updated_at,
    }


def endpoint_from(row: Any, cipher: SecretCipher) -> Endpoint:
    """Return the endpoint that a row of ``webhooks`` holds.

    Where no configured key opens its secret or its credentials, the secret is empty: nothing is sent then.
    """
    values = dict(row._asdict())
    values["events"] = tuple(values["events"])
    values["retry_schedule"] = _schedule_from(values["retry_schedule"])
    row_id = values["id"]
    values["secret"] = _opened(cipher, values["secret"], row_id=row_id)
    values["old_secrets"] = tuple(
        OldSecret(
            secret=_opened(cipher, old["secret"], row_id=row_id),
            expires_at=datetime.fromisoformat(old["expires_at"]),
        )
        for old in values["old_secrets"] or ()
    )
    if values["auth"] is not None:
        opened = _opened(cipher, values["auth"], row_id=auth_id(row_id))
        values["auth"] = read_credentials(json.loads(opened)) if opened else None
        values["secret"] = values["secret"] if opened else ""
    return Endpoint(**values)


def _schedule_row(schedule: RetrySchedule | None) -> dict[str, Any] | None:
    if schedule is None:
        return None
    return {"waits": [wait.total_seconds() for wait in schedule.waits], "jitter": schedule.jitter}


def _schedule_from(stored: Mapping[str, Any] | None) -> RetrySchedule | None:
    if stored is None:
        return None
    waits = tuple(timedelta(seconds=wait) for wait in stored["waits"])
    return RetrySchedule(waits=waits, jitter=stored["jitter"])


def _opened(cipher: SecretCipher, stored: str, *, row_id: str) -> str:
    """Return the secret, or nothing where no configured key opens it: only its own deliveries fail then."""
    try:
        return cipher.decrypt(stored, row_id=row_id)
    except ConfigurationError:
        logger.error(  # noqa: TRY400 - the traceback says nothing more
            "No configured key opens an endpoint's secret; set WEBHOOKS_ENCRYPTION_KEYS to the one it had",
            extra={"action": "decrypt", "endpoint_id": row_id},
        )
        return ""


def old_secret_rows(before: Any, *, now: datetime, grace: timedelta) -> list[dict[str, str]]:
    """Return what ``old_secrets`` holds when a row's secret is replaced; nothing where there is no *grace*.

    The ciphertexts move as they are: nothing has to be opened.
    """
    if not grace:
        return []
    replaced = {"secret": before.secret, "expires_at": (now + grace).isoformat()}
    kept = (old for old in before.old_secrets or () if datetime.fromisoformat(old["expires_at"]) > now)
    return [replaced, *kept]


def auth_id(endpoint_id: str) -> str:
    """Return what binds credentials to their endpoint, and keeps them apart from its secret."""
    return f"{endpoint_id} auth"
