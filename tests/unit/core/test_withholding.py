"""What only a reader of payloads may see is withheld, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime

from smart_api_integrations.core.journal import Attempt, Message, Proof, ReceivedEvent, Trace
from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.core.withholding import WITHHELD, WITHHELD_BODY, trace_without_payloads

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVENT = ReceivedEvent(
    id="evt_1", provider="github", webhook_name="default", event_type="push", path="/", query="a=1",
    headers=(("X-A", "1"),), body=b"{}", received_at=NOW, proof=Proof(scheme="hmac"),
)  # fmt: skip
MESSAGE = Message(id="msg_1", event="a.b", body=b"{}", created_at=NOW)
ATTEMPT = Attempt(
    id="att_1", work_id="dlv_1", kind=Kind.DELIVERY, target="ep_1", subject_id="msg_1", number=1,
    status="failed", started_at=NOW, duration_ms=1.0, error_message="500", error_detail="Traceback",
    response_code=500, response_headers={"X": "1"}, response_body="hidden", result="1",
)  # fmt: skip


def trace(*attempts):
    return Trace(
        event=EVENT, handlings=(), messages=(MESSAGE,), deliveries=(), attempts=attempts, endpoints={}
    )


def test_what_others_wrote_is_withheld():
    seen = trace_without_payloads(trace(ATTEMPT))

    assert seen.event == replace(EVENT, body=WITHHELD_BODY, query=WITHHELD)
    assert seen.messages == (replace(MESSAGE, body=WITHHELD_BODY),)
    assert seen.attempts == (
        replace(ATTEMPT, error_detail=WITHHELD, response_headers={}, response_body=WITHHELD, result=None),
    )


def test_what_was_not_there_does_not_seem_to_be():
    empty = replace(ATTEMPT, error_detail=None, response_headers=None, response_body=None, result=None)

    assert trace_without_payloads(trace(empty)).attempts == (empty,)


def test_a_message_without_an_event_has_none():
    assert trace_without_payloads(replace(trace(), event=None)).event is None
