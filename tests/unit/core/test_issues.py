from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from smart_api_integrations.core.issues import (
    Issue,
    IssueKind,
    IssueState,
    Occurrence,
    error_class,
    gathered,
    occurrence_of_rejection,
)
from smart_api_integrations.core.journal import Attempt, Rejection
from smart_api_integrations.core.lifecycle import Kind

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def occurrence(**values):
    given: dict[str, Any] = {
        "kind": IssueKind.DELIVERY,
        "target": "ep_1",
        "error_code": "http_status",
        "response_code": 503,
        "message": "It answered 503.",
        "subject_id": "dlv_1",
        "at": NOW,
    } | values
    return Occurrence(**given)


def issue(**values):
    given: dict[str, Any] = {
        "id": "iss_1",
        "tenant": "default",
        "kind": IssueKind.DELIVERY,
        "target": "ep_1",
        "error_code": "http_status",
        "error_class": "",
        "response_code": 503,
        "message": "",
        "first_id": "dlv_1",
        "last_id": "dlv_1",
        "first_at": NOW,
        "last_at": NOW,
        "tries": 1,
        "affected": 1,
    } | values
    return Issue(**given)


def attempt(code, message):
    return Attempt(
        id="att_1", work_id="hdl_1", kind=Kind.HANDLING, target="t", subject_id="evt_1", number=1,
        status="failed", started_at=NOW, duration_ms=1.0, error_code=code, error_message=message,
    )  # fmt: skip


def test_one_cause_has_one_id_whatever_is_said_of_it():
    first = occurrence()

    assert (
        occurrence(message="again", subject_id="dlv_2", at=NOW + timedelta(hours=1)).issue_id
        == first.issue_id
    )
    assert first.issue_id.startswith("iss_")


@pytest.mark.parametrize(
    "change",
    [
        {"target": "ep_2"},
        {"response_code": 502},
        {"response_code": None},
        {"error_code": "timeout"},
        {"tenant": "b"},
    ],
)
def test_another_cause_has_another_id(change):
    assert occurrence(**change).issue_id != occurrence().issue_id


@pytest.mark.parametrize(
    ("code", "message", "found"),
    [
        ("raised", "KeyError: 'customer'", "KeyError"),
        ("raised", "shop.errors.OutOfStock", "shop.errors.OutOfStock"),
        ("raised", "no class at all", ""),
        ("raised", None, ""),
        ("timeout", "KeyError: 'customer'", ""),
    ],
)
def test_the_class_is_what_was_raised(code, message, found):
    assert error_class(attempt(code, message)) == found


def test_many_become_a_sum_that_the_last_one_tells():
    many = [occurrence(subject_id=f"dlv_{n}", message=str(n), affected=n % 2) for n in range(4)]

    ((first, total),) = gathered(many).values()

    assert (first.subject_id, total.subject_id, total.message) == ("dlv_0", "dlv_3", "3")
    assert (total.tries, total.affected) == (4, 2)


def test_a_rejection_counts_for_all_that_it_stands_for():
    rejection = Rejection(
        id="rej_1", provider="github", webhook_name="default", reason="signature_mismatch", detail="No.",
        status_code=401, remote_address=None, received_at=NOW, sampled=36,
    )  # fmt: skip

    found = occurrence_of_rejection(rejection)

    assert (found.target, found.tries, found.affected) == ("github:default", 36, 36)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (issue(open=1), IssueState.OPEN),
        (issue(dead=1), IssueState.OPEN),
        (issue(), IssueState.RESOLVED),
        (issue(dead=1, resolved_at=NOW), IssueState.RESOLVED),
        (issue(dead=1, resolved_at=NOW - timedelta(seconds=1)), IssueState.OPEN),
        (issue(dead=1, muted_until=NOW + timedelta(hours=2)), IssueState.MUTED),
        (issue(dead=1, muted_until=NOW), IssueState.OPEN),
    ],
)
def test_where_it_stands_follows_its_members_and_what_people_said(found, state):
    assert found.state(now=NOW + timedelta(hours=1)) is state


def test_refused_requests_are_over_after_a_day_of_quiet():
    refused = replace(issue(), kind=IssueKind.REJECTION)

    assert refused.state(now=NOW + timedelta(hours=23)) is IssueState.OPEN
    assert refused.state(now=NOW + timedelta(hours=24)) is IssueState.RESOLVED
