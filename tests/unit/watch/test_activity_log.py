"""A line for every event and attempt, for whoever asks for them, and nothing in them that should not be."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest

from smart_api_integrations.core.journal import Attempt, AttemptStatus, Outcome, Rejection, Work
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.telemetry import AttemptFinished, EventAccepted, EventRejected, Telemetry
from smart_api_integrations.watch import activity_log
from tests.journal_scenes import received

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def telemetry(caplog):
    caplog.set_level(logging.DEBUG, logger=activity_log.__name__)
    telemetry = Telemetry()
    activity_log.follow(telemetry)
    return telemetry


def test_an_event_is_a_line_without_its_body(telemetry, caplog):
    event = received()

    telemetry.tell(EventAccepted(event, duplicate=True, seconds=0.0042))

    (record,) = caplog.records
    assert (record.action, record.event_id, record.source) == ("accept", event.id, "github:default")
    assert (record.duplicate, record.duration_ms) == (True, 4.2)
    assert event.body.decode() not in str(vars(record))


def test_a_refusal_is_a_line_with_its_reason(telemetry, caplog):
    rejection = Rejection(
        id="rej_1",
        provider="github",
        webhook_name="default",
        reason="signature_mismatch",
        detail="",
        status_code=401,
        remote_address="192.0.2.1",
        received_at=NOW,
        facts={},
    )

    telemetry.tell(EventRejected(rejection))

    (record,) = caplog.records
    assert (record.action, record.reason, record.status) == ("reject", "signature_mismatch", 401)


def test_an_attempt_is_a_line_with_what_followed(telemetry, caplog):
    work = Work(
        id="hdl_1",
        kind=Kind.HANDLING,
        subject_id="evt_1",
        target="github:default:shop.pay",
        state=State.PROCESSING,
        max_attempts=3,
        due_at=None,
        created_at=NOW,
        updated_at=NOW,
    )
    attempt = Attempt(
        id="att_1",
        work_id="hdl_1",
        kind=Kind.HANDLING,
        target=work.target,
        subject_id="evt_1",
        number=2,
        status=AttemptStatus.FAILED,
        started_at=NOW,
        duration_ms=12.3456,
        error_message="password=hunter2",
    )

    telemetry.tell(AttemptFinished(Outcome(work=work, state=State.FAILED, attempt=attempt), stale=False))

    (record,) = caplog.records
    assert (record.action, record.work_id, record.attempt, record.outcome) == (
        "attempt",
        "hdl_1",
        2,
        "failed",
    )
    assert record.duration_ms == 12.346
    assert "hunter2" not in str(vars(record))


def test_where_nobody_would_read_them_no_line_is_made(caplog):
    caplog.set_level(logging.INFO, logger=activity_log.__name__)
    telemetry = Telemetry()

    activity_log.follow(telemetry)

    assert not telemetry.is_heard(EventAccepted)
