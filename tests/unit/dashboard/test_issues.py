from datetime import UTC, datetime, timedelta

import pytest

from smart_api_integrations.core.issues import IssueKind, IssueState
from smart_api_integrations.dashboard.views.issues import by_state, issue_row
from tests.unit.core.test_issues import issue

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def row(**values):
    return issue_row(issue(**values), endpoints={}, now=NOW + timedelta(minutes=5))


@pytest.mark.parametrize(
    ("values", "code", "title"),
    [
        ({"dead": 1}, "503", "from an endpoint that was deleted"),
        (
            {"error_code": "timeout", "response_code": None},
            "",
            "an endpoint that was deleted did not answer in time",
        ),
        (
            {"kind": IssueKind.HANDLING, "target": "github:default:a.b", "error_class": "KeyError"},
            "KeyError",
            "in a.b",
        ),
        ({"kind": IssueKind.HANDLING, "target": "g:d:a.b", "error_code": "dead_asked"}, "", "a.b gave up"),
        ({"kind": IssueKind.HANDLING, "target": "g:d:a.b", "error_code": "odd_end"}, "", "Odd end at a.b"),
        (
            {"kind": IssueKind.REJECTION, "target": "github:x", "error_code": "signature_mismatch"},
            "",
            "Signature mismatch at GitHub / x",
        ),
        (
            {"kind": IssueKind.REJECTION, "target": "-:-", "error_code": "unknown_webhook"},
            "",
            "Requests to an address that no webhook has",
        ),
    ],
)
def test_an_issue_is_called_by_its_cause(values, code, title):
    found = row(**values)

    assert (found.code, found.title) == (code, title)


@pytest.mark.parametrize(
    ("values", "word", "now"),
    [
        ({"open": 2}, "Retrying", "2 under way"),
        ({"open": 2, "dead": 10_000}, "Dead letters", "2 under way, 10 k+ dead letters"),
        ({}, "Resolved", "nothing of it is open"),
        ({"dead": 1, "muted_until": NOW + timedelta(hours=1)}, "Muted", "muted for 55 min more"),
        ({"kind": IssueKind.REJECTION, "target": "g:d"}, "Rejected", "nothing of them was kept or run"),
    ],
)
def test_its_state_is_what_its_members_do_now(values, word, now):
    found = row(**values)

    assert (found.badge.word, found.now.replace("\u00a0", " ")) == (word, now)


def test_what_needs_a_person_comes_first():
    rows = [row(open=1), row(dead=1), row(kind=IssueKind.REJECTION, target="g:d")]

    found = by_state(rows)[IssueState.OPEN]

    assert [each.badge.word for each in found] == ["Dead letters", "Retrying", "Rejected"]
