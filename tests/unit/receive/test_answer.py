"""Answers: one fixed text for each refusal, JSON for whatever a provider calls its event."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from smart_api_integrations import errors
from smart_api_integrations.core.journal import Accepted
from smart_api_integrations.errors import RequestRejected
from smart_api_integrations.receive.answer import UNAVAILABLE, accepted, refused
from tests.journal_scenes import received


def rejections() -> list[type[RequestRejected]]:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    return [kind for kind in kinds if issubclass(kind, RequestRejected)]


@pytest.mark.parametrize("kind", rejections())
def test_every_rejection_has_its_answer_which_does_not_tell_the_reason(kind: type[RequestRejected]) -> None:
    answer = refused(kind("what was found: hush"))

    document = json.loads(answer.body)
    assert answer.status == kind.status_hint
    assert document.keys() == {"success", "error"}
    assert document["success"] is False
    assert b"hush" not in answer.body


def test_all_rejections_of_one_status_are_answered_alike() -> None:
    answers = {kind.status_hint: set[object]() for kind in rejections()}
    for kind in rejections():
        answers[kind.status_hint].add(refused(kind()))

    assert [len(alike) for alike in answers.values()] == [1] * len(answers)


@pytest.mark.parametrize("text", ["push", 'a "quoted" \\ word', "\u2028\ud800\x00", "заказ", None])
def test_an_accepted_event_is_named_whatever_its_type_is(text: str | None) -> None:
    event = received(event_type=text, event_id=text, received_at=datetime(2026, 1, 1, tzinfo=UTC))

    answer = accepted(event, Accepted(event_id="evt_1", duplicate=True))

    assert answer.status == 200
    assert json.loads(answer.body) == {
        "success": True,
        "id": "evt_1",
        "event_type": text,
        "event_id": text,
        "duplicate": True,
    }


def test_a_store_that_is_away_asks_for_another_try() -> None:
    assert (UNAVAILABLE.status, UNAVAILABLE.headers) == (503, (("retry-after", "5"),))
    assert json.loads(UNAVAILABLE.body)["success"] is False
