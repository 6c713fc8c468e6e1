"""The timeline of a trace: every attempt, every wait, what is to come."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.journal import Attempt, AttemptStatus, Message, Proof, Trace, Work
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.dashboard.views.event import (
    callout,
    delivery_badge,
    event_page,
    message_page,
    open_state,
)
from smart_api_integrations.dashboard.views.trace import timeline
from tests.journal_scenes import received

NOW = datetime(2026, 11, 22, 14, 28, tzinfo=UTC)
BEGAN = NOW - timedelta(minutes=4)
EVENT = received(id="evt_1", received_at=BEGAN, duplicates=0)


def endpoint(endpoint_id="ep_1", url="https://crm.example/hooks"):
    return Endpoint(id=endpoint_id, url=url, events=("*",), secret="s", created_at=BEGAN, updated_at=BEGAN)


def work(kind=Kind.HANDLING, state=State.COMPLETED, **values):
    given: dict[str, Any] = {
        "id": "hdl_1" if kind is Kind.HANDLING else "dlv_1",
        "kind": kind,
        "subject_id": "evt_1" if kind is Kind.HANDLING else "msg_1",
        "target": "github:default:orders.sync" if kind is Kind.HANDLING else "ep_1",
        "state": state,
        "attempt_count": 1,
        "failures": 0,
        "max_attempts": 4,
        "due_at": None,
        "created_at": BEGAN,
        "updated_at": BEGAN,
    } | values
    return Work(**given)


def attempt(of, number=1, status=AttemptStatus.SUCCEEDED, after=0.0, **values):
    return Attempt(
        id=f"att_{of.id}_{number}",
        work_id=of.id,
        kind=of.kind,
        target=of.target,
        subject_id=of.subject_id,
        number=number,
        status=status,
        started_at=BEGAN + timedelta(seconds=after),
        duration_ms=values.pop("duration_ms", 100.0),
        **values,
    )


def trace(*works, attempts=(), messages=(), event=EVENT):
    return Trace(
        event=event,
        handlings=[entry for entry in works if entry.kind is Kind.HANDLING],
        messages=list(messages),
        deliveries=[entry for entry in works if entry.kind is Kind.DELIVERY],
        attempts=list(attempts),
        endpoints={"ep_1": endpoint()},
    )


def message(**values):
    return Message(
        id="msg_1", event="order.created", body=b"{}", created_at=BEGAN + timedelta(milliseconds=88), **values
    )


def part(found, title):
    return next(entry for entry in timeline(found, now=NOW) if entry.title == title)


def called_out(found):
    said = callout(found, now=NOW)
    assert said is not None
    return said


def plain(text):
    return text.replace("\u00a0", " ")


def test_a_trace_is_told_in_order():
    found = trace(
        work(), work(Kind.DELIVERY, State.DELIVERED), messages=[message(handler="github:default:orders.sync")]
    )

    assert [entry.title for entry in timeline(found, now=NOW)] == [
        "Received",
        "Handlers",
        "Published",
        "Deliveries",
    ]
    assert part(found, "Published").note == "by orders.sync"


def test_parts_that_are_not_there_are_left_out():
    assert [entry.title for entry in timeline(trace(), now=NOW)] == ["Received"]
    assert timeline(trace(event=None), now=NOW) == ()


def test_every_attempt_is_a_step_and_every_wait_a_gap():
    failing = work(
        state=State.RETRY_SCHEDULED, attempt_count=2, failures=2, due_at=NOW + timedelta(seconds=83)
    )
    attempts = [
        attempt(
            failing,
            2,
            AttemptStatus.FAILED,
            after=6.9,
            error_message="KeyError: 'customer'",
            error_detail="Traceback",
        ),
        attempt(failing, 1, AttemptStatus.FAILED, after=0.006, duration_ms=1810.0, error_detail="Traceback"),
    ]

    steps = part(trace(failing, attempts=attempts), "Handlers").steps

    assert [step.form for step in steps] == ["", "gap", "", "next"]
    assert [plain(step.said) for step in steps] == [
        "try 1 of 4",
        "waited 5 s",
        "try 2 of 4",
        "next try at 14:29:23 UTC",
    ]
    assert plain(steps[0].at) == "+6 ms"
    assert plain(steps[3].at) == "in 1 min 23 s"
    assert steps[0].anchor == "hdl_1"
    assert [step.is_open for step in steps] == [False, False, True, False]
    assert steps[2].is_error


def test_the_last_try_is_called_so():
    failing = work(state=State.RETRY_SCHEDULED, failures=3, due_at=NOW - timedelta(seconds=1))

    step = part(trace(failing), "Handlers").steps[-1]

    assert "the last" in step.said
    assert step.at == "due now"


@pytest.mark.parametrize(
    ("kind", "state", "said"),
    [
        (Kind.HANDLING, State.PROCESSING, "running now"),
        (Kind.DELIVERY, State.DELIVERING, "being sent now"),
        (Kind.HANDLING, State.VERIFIED, "waits for a worker"),
        (Kind.DELIVERY, State.PENDING, "waits for a worker"),
        (Kind.DELIVERY, State.CANCELLED, "cancelled: its endpoint was deleted"),
        (Kind.HANDLING, State.COMPLETED, "completed"),
    ],
)
def test_work_without_an_attempt_says_where_it_stands(kind, state, said):
    title = "Handlers" if kind is Kind.HANDLING else "Deliveries"

    assert part(trace(work(kind, state, attempt_count=0)), title).steps[0].said == said


def test_a_dead_letter_can_be_replayed_where_it_stands():
    dead = work(Kind.DELIVERY, State.FAILED, failures=4, attempt_count=4)

    step = part(trace(dead), "Deliveries").steps[-1]

    assert step.replay == "dlv_1"
    assert "4 tries failed" in plain(step.said)


def test_a_delivery_shows_its_answer_its_phases_and_its_endpoint():
    sent = work(Kind.DELIVERY, State.DELIVERED)
    done = attempt(sent, response_code=200, phases={"dns": 4.0, "ttfb": 160.0}, after=0.091)

    step = part(trace(sent, attempts=[done]), "Deliveries").steps[0]

    assert (step.chip.text, step.chip.tone) == ("200", "ok")
    assert step.wire is not None
    assert step.href == "/endpoints/ep_1"
    assert step.answer == done.id
    assert step.said == "at the first try"


@pytest.mark.parametrize(("code", "tone"), [(429, "wait"), (503, "bad"), (301, "bad")])
def test_a_bad_answer_is_loud_as_it_matters(code, tone):
    sent = work(Kind.DELIVERY, State.RETRY_SCHEDULED, failures=1, due_at=NOW)
    failed = attempt(sent, 1, AttemptStatus.FAILED, response_code=code)

    assert part(trace(sent, attempts=[failed]), "Deliveries").steps[0].chip.tone == tone


def test_a_lost_attempt_says_what_is_known():
    lost = work(state=State.VERIFIED)

    step = part(trace(lost, attempts=[attempt(lost, 1, AttemptStatus.LOST)]), "Handlers").steps[0]

    assert "process" in step.below


def test_a_second_handler_begins_anew():
    steps = part(trace(work(), work(id="hdl_2")), "Handlers").steps

    assert [step.form for step in steps] == ["", "new"]


def test_what_a_handler_returned_is_kept_folded():
    done = work()

    step = part(trace(done, attempts=[attempt(done, result='{"ok": 1}')]), "Handlers").steps[0]
    silent = part(trace(done, attempts=[attempt(done, result="null")]), "Handlers").steps[0]

    assert "ok" in step.result
    assert silent.result == ""


def test_tries_after_a_replay_are_called_so():
    again = work(attempt_count=6)
    steps = part(trace(again, attempts=[attempt(again, number) for number in (5, 6)]), "Handlers").steps

    assert steps[0].said == "try 5, after a replay"


def test_repeats_are_told():
    once, often = replace(EVENT, duplicates=1), replace(EVENT, duplicates=3)

    assert part(trace(event=once), "Received").steps[-1].name == "Same event again"
    assert part(trace(event=often), "Received").steps[-1].name == "Repeated 3 times"


def test_a_dead_letter_is_called_out_before_a_retry():
    dead = work(state=State.FAILED, failures=4)
    failing = work(Kind.DELIVERY, State.RETRY_SCHEDULED, failures=1, due_at=NOW)
    attempts = [attempt(dead, 1, AttemptStatus.FAILED, error_message="KeyError: 'customer'")]

    said = called_out(trace(dead, failing, attempts=attempts))

    assert said.tone == "bad"
    assert said.replay == "hdl_1"
    assert "KeyError: 'customer'. " in said.text
    assert "replay" in said.text


def test_a_retry_says_when_and_what_then():
    failing = work(state=State.RETRY_SCHEDULED, failures=3, due_at=NOW + timedelta(seconds=83))

    said = called_out(trace(failing))

    assert plain(said.title) == "orders.sync failed 3 times; one try is left"
    assert "14:29:23" in said.text
    assert "dead letter" in said.text


def test_nothing_open_needs_no_callout():
    assert callout(trace(work()), now=NOW) is None


@pytest.mark.parametrize(
    ("handlings", "deliveries", "word"),
    [
        ([State.COMPLETED], [State.DELIVERED], "Completed"),
        ([State.COMPLETED], [State.FAILED], "Dead letter"),
        ([State.COMPLETED], [State.RETRY_SCHEDULED], "Retrying"),
        ([State.FAILED], [State.RETRY_SCHEDULED], "Dead letter"),
        ([State.PROCESSING], [], "Processing"),
        ([], [], "No handler"),
    ],
)
def test_an_event_stands_where_its_worst_open_work_stands(handlings, deliveries, word):
    assert open_state(handlings, deliveries).word == word


@pytest.mark.parametrize(
    ("states", "word"),
    [
        ([], "No endpoint"),
        ([State.DELIVERED, State.CANCELLED], "Delivered"),
        ([State.CANCELLED], "Cancelled"),
        ([State.DELIVERED, State.PENDING], "Waiting"),
    ],
)
def test_a_message_stands_where_its_deliveries_stand(states, word):
    assert delivery_badge(states).word == word


def test_the_page_of_an_event_says_it_in_one_line():
    failing = work(state=State.RETRY_SCHEDULED, failures=2, due_at=NOW + timedelta(seconds=83))
    sent = work(Kind.DELIVERY, State.DELIVERED)

    page = event_page(trace(failing, sent, messages=[message()]), EVENT, now=NOW)

    assert [stage.title for stage in page.stages] == [
        "Received",
        "Verified",
        "Handled 0 of 1",
        "Published 1",
        "Delivered 1 of 1",
    ]
    assert page.badge.word == "Retrying 2 of 4"
    assert plain(page.stages[2].note) == "next try in 1 min 23 s"
    assert page.verification.title == "Verified: this came from GitHub, unchanged"


def test_an_event_without_work_says_that_nothing_ran():
    page = event_page(trace(), EVENT, now=NOW)

    assert [stage.title for stage in page.stages][2:] == [
        "No handler matches",
        "Nothing published",
        "Nothing to deliver",
    ]
    assert page.badge.word == "No handler"


def test_an_unchecked_event_is_never_called_verified():
    unchecked = replace(EVENT, proof=Proof(scheme="none"))

    page = event_page(trace(event=unchecked), unchecked, now=NOW)

    assert page.stages[1].title == "Not checked"
    assert page.verification.tone == "wait"
    assert "Verified" not in {step.name for step in page.parts[0].steps}


def test_hostile_names_are_made_visible():
    hostile = replace(EVENT, event_type="a\u202eb", remote_address="1\x002")

    page = event_page(trace(event=hostile), hostile, now=NOW)

    assert page.title == "a\\u202eb"
    assert page.sender == "1␀2"


def test_a_message_of_our_own_has_a_page():
    page = message_page(
        trace(work(Kind.DELIVERY, State.FAILED), messages=[message()], event=None), message(), now=NOW
    )

    assert page.title == "order.created"
    assert page.badge.word == "Dead letter"
    assert page.callout is not None
    assert page.callout.replay == "dlv_1"
