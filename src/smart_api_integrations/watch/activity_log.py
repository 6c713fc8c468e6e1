"""A log line for every event that was kept or refused and for every attempt. Floor 6.

At the level ``debug`` alone: where thousands of events come in a second, a line for each costs more than
keeping it, and the journal and the metrics say the same.
"""

from __future__ import annotations

import logging

from smart_api_integrations.telemetry import AttemptFinished, EventAccepted, EventRejected, Telemetry

logger = logging.getLogger(__name__)


def follow(telemetry: Telemetry) -> None:
    """Log what *telemetry* tells from now on; nothing unless somebody would read it."""
    if logger.isEnabledFor(logging.DEBUG):
        telemetry.subscribe(EventAccepted, _accepted)
        telemetry.subscribe(EventRejected, _rejected)
        telemetry.subscribe(AttemptFinished, _finished)


def _accepted(told: EventAccepted) -> None:
    logger.debug(
        "An event was kept",
        extra={
            "action": "accept",
            "event_id": told.event.id,
            "source": f"{told.event.provider}:{told.event.webhook_name}",
            "duplicate": told.duplicate,
            "duration_ms": round(told.seconds * 1000, 3),
        },
    )


def _rejected(told: EventRejected) -> None:
    logger.debug(
        "A request was refused",
        extra={
            "action": "reject",
            "source": f"{told.rejection.provider}:{told.rejection.webhook_name}",
            "reason": told.rejection.reason,
            "status": told.rejection.status_code,
        },
    )


def _finished(told: AttemptFinished) -> None:
    work, attempt = told.outcome.work, told.outcome.attempt
    logger.debug(
        "An attempt ended",
        extra={
            "action": "attempt",
            "work_id": work.id,
            "subject_id": work.subject_id,
            "target": work.target,
            "attempt": attempt.number,
            "outcome": told.outcome.state.value,
            "duration_ms": round(attempt.duration_ms, 3),
        },
    )
