"""The lines of the live tail: what each tells, and where it leads."""

from datetime import UTC, datetime, timedelta

import pytest

from smart_api_integrations.core.journal import Attempt, EventSummary
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.dashboard.views.tail import attempt_line, received_line, rejected_line
from smart_api_integrations.storage.read_models import RecentAttempt
from tests.journal_scenes import rejected

NOW = datetime(2026, 11, 22, 14, 23, 41, 118_000, tzinfo=UTC)


def event(**values):
    given = {
        "id": "evt_1", "provider": "github", "webhook_name": "default", "event_type": "pull_request",
        "action": "opened", "event_id": None, "size": 1412, "duplicates": 0, "received_at": NOW,
        "handlings": (State.COMPLETED,), "deliveries": (),
    }  # fmt: skip
    return EventSummary(**given | values)


def attempt(kind=Kind.DELIVERY, **values):
    given = {
        "id": "att_1", "work_id": "dlv_1", "kind": kind, "target": "github:default:shop.on_push",
        "subject_id": "msg_1", "number": 1, "status": "succeeded", "started_at": NOW, "duration_ms": 212.0,
    }  # fmt: skip
    return RecentAttempt(attempt=Attempt(**given | values), event_type="order.created")


def test_an_event_tells_its_type_and_source():
    line = received_line(event())

    assert (line.what, line.where, line.badge.word) == ("pull_request.opened", "GitHub", "Received")
    assert line.at.text == "14:23:41.118"
    assert line.path == "/events/evt_1"


def test_an_event_that_nothing_handles_says_so():
    assert received_line(event(handlings=())).said == "No handler"
    assert received_line(event(duplicates=2)).said.replace("\u00a0", " ") == "2 repeats"


def test_a_rejection_tells_its_reason_and_how_many_it_stands_for():
    line = rejected_line(rejected(sampled=3))

    assert line.is_bad
    assert line.said.startswith("3\u00a0requests: ")
    assert line.took == "401"


@pytest.mark.parametrize(
    ("kind", "status", "word", "tone"),
    [
        (Kind.HANDLING, "succeeded", "Handled", "ok"),
        (Kind.HANDLING, "failed", "Handler failed", "bad"),
        (Kind.DELIVERY, "succeeded", "Sent", "ok"),
        (Kind.DELIVERY, "failed", "Not delivered", "bad"),
        (Kind.DELIVERY, "lost", "Not delivered", "bad"),
        (Kind.HANDLING, "skipped", "Skipped", "idle"),
    ],
)
def test_an_attempt_has_a_word_for_how_it_ended(kind, status, word, tone):
    line = attempt_line(attempt(kind, status=status), {})

    assert (line.badge.word, line.badge.tone) == (word, tone)
    assert line.is_bad == (tone == "bad")


def test_an_attempt_stands_where_it_ended():
    line = attempt_line(attempt(response_code=503, error_message="busy", number=2), {})

    assert line.sorted_by == NOW + timedelta(milliseconds=212)
    assert line.said == "503, busy, try 2"
    assert line.path == "/deliveries/dlv_1"


def test_hidden_characters_are_shown():
    assert "\u202e" not in attempt_line(attempt(error_message="a\u202eb"), {}).said


@pytest.mark.parametrize(
    ("text", "found"),
    [("pull", True), ("github", True), ("evt_1", True), ("received", True), ("stripe", False)],
)
def test_a_line_is_found_by_any_of_its_words(text, found):
    assert received_line(event()).has(text) is found
