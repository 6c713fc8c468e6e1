"""The log of rejections, written off the request's path, bounded and sampled. Floor 4.

Whoever floods a way in with junk must not be able to fill the disk: of requests that were refused alike
(webhook, reason, address) a few a second get a row, the rest are counted on the last of those.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from smart_api_integrations.core.journal import Rejection
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import (
    RequestRejected,
    StorageUnavailable,
    TooManyRequests,
    VerifierRaised,
)
from smart_api_integrations.storage.protocols import EventStore
from smart_api_integrations.telemetry import EventRejected, Telemetry

logger = logging.getLogger(__name__)
gateway_logger = logging.getLogger(
    "smart_api_integrations.core.webhook"
)  # the name that the second seed gives

FLUSH_SECONDS = 1.0
ROWS_PER_KIND = 5
KINDS = 200
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def rejection_of(
    refusal: RequestRejected,
    request: RawRequest,
    *,
    provider: str,
    name: str,
    id: str,
    now: datetime,
    body_was_read: bool,
) -> Rejection:
    """Return what is logged of a refused request: no body, and no value of a header."""
    facts: dict[str, Any] = {"method": request.method[:16], "headers": _names(request.headers)}
    if body_was_read:
        digest = hashlib.sha256(request.body).hexdigest()
        facts |= {"bytes": len(request.body), "sha256": digest[:16]}
    return Rejection(
        id=id,
        provider=safe_name(provider),
        webhook_name=safe_name(name),
        reason=refusal.reason,
        detail=str(refusal),
        status_code=refusal.status_hint,
        remote_address=request.remote_address,
        received_at=now,
        facts=facts,
    )


def log_refusal(refusal: RequestRejected, *, provider: str, name: str) -> None:
    """Log that a request was not accepted and why; louder where a verifier raised: that is to be mended."""
    words = {"provider": safe_name(provider), "webhook_name": safe_name(name), "reason": refusal.reason}
    gateway_logger.log(
        logging.DEBUG if isinstance(refusal, TooManyRequests) else logging.INFO,
        "A request was not accepted",
        extra={"action": "reject", **words},
    )
    if isinstance(refusal, VerifierRaised):
        gateway_logger.warning(
            "A verifier raised, so the request was refused: %s",
            refusal,
            extra={"action": "verifier_raised", **words},
        )


def safe_name(name: str) -> str:
    """Return a name from a URL where it is one that a webhook may have, else a dash."""
    return name if _NAME.fullmatch(name) else "-"


def _names(headers: Headers) -> list[str]:
    return sorted({name[:64].lower() for name in headers})[:50]


class RejectionLog:
    """Gathers rejections and writes them once a second."""

    def __init__(self, events: EventStore, telemetry: Telemetry) -> None:
        """Listen to *telemetry*; write to *events*."""
        self._events = events
        self._gathered: dict[tuple[str, ...], list[Rejection]] = {}
        self._flush: asyncio.Task[None] | None = None
        telemetry.subscribe(EventRejected, self._gather)

    def _gather(self, told: EventRejected) -> None:
        rejection = told.rejection
        kind = (rejection.provider, rejection.webhook_name, rejection.reason, rejection.remote_address or "")
        if kind not in self._gathered and len(self._gathered) >= KINDS:
            kind = ("-", "-", rejection.reason, "")
        rows = self._gathered.setdefault(kind, [])
        if len(rows) < ROWS_PER_KIND:
            rows.append(rejection)
        else:
            rows[-1] = replace(rows[-1], sampled=rows[-1].sampled + 1)
        if self._flush is None:
            self._flush = asyncio.get_running_loop().create_task(self._flush_later())

    async def _flush_later(self) -> None:
        await asyncio.sleep(FLUSH_SECONDS)
        await self.flush()

    async def flush(self) -> None:
        """Write what was gathered; where the store is away it is dropped, and that is logged."""
        self._flush = None
        rows = [rejection for rows in self._gathered.values() for rejection in rows]
        self._gathered = {}
        if not rows:
            return
        try:
            await self._events.log_rejections(rows)
        except StorageUnavailable:
            logger.warning(
                "Rejections could not be logged", extra={"action": "log_rejections", "count": len(rows)}
            )

    async def close(self) -> None:
        """Write what is left."""
        if self._flush is not None:
            self._flush.cancel()
        await self.flush()
