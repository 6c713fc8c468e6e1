from datetime import UTC, datetime, timedelta

import pytest

from smart_api_integrations.core.issues import IssueKind
from smart_api_integrations.core.journal import AttemptStatistics
from smart_api_integrations.core.webhook import WebhookProcessor
from smart_api_integrations.dashboard.views.gates import PAUSED, GateView
from smart_api_integrations.dashboard.views.handlers import handler_page, handler_row, registered
from tests.unit.core.test_issues import issue

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOTHING = AttemptStatistics()
NAME = "github:default:a.b"
OPEN = GateView(target=NAME, badge=None, title="", text="", is_paused=False, waiting="0")
SHUT = GateView(target=NAME, badge=PAUSED, title="It was paused", text="", is_paused=True, waiting="3")


def runs(good, bad):
    return AttemptStatistics(total_attempts=good + bad, successful=good, failed=bad, avg_duration_ms=12.0)


def processor():
    made = WebhookProcessor("github", "default")

    @made.on("push")
    @made.on("pull_request.*")
    def on_code(event):
        return None

    return made


def known():
    (only,) = registered([processor()]).values()
    return only


def plain(text):
    return text.replace("\u00a0", " ")


def test_a_handler_of_several_patterns_is_one_handler():
    found = known()

    assert [handler.pattern for handler in found.handlers] == ["pull_request.*", "push"]
    assert (found.provider, found.webhook_name) == ("github", "default")


@pytest.mark.parametrize(
    ("day", "gate", "is_mounted", "word", "why"),
    [
        (NOTHING, OPEN, True, "Not run in 24 h", ""),
        (runs(5, 0), OPEN, True, "Active", ""),
        (runs(9, 1), OPEN, True, "Degraded", "1 failed run in 24 h"),
        (runs(1, 3), OPEN, True, "Failing", "3 failed runs in 24 h"),
        (runs(1, 3), SHUT, True, "Paused", "It was paused"),
        (runs(1, 3), SHUT, False, "Not mounted", "its source takes no events"),
    ],
)
def test_its_state_is_the_strongest_of_what_is_known(day, gate, is_mounted, word, why):
    row = handler_row(known().name, known(), day=day, gate=gate, is_mounted=is_mounted)

    assert (row.badge.word, plain(row.why)) == (word, why)


def test_one_that_is_not_registered_is_still_shown():
    row = handler_row(NAME, None, day=runs(1, 0), gate=OPEN, is_mounted=True)

    assert (row.badge.word, row.patterns, row.short) == ("Not registered", "—", "a.b")
    assert row.path == "/handlers/github:default:a.b"


def test_its_page_says_how_it_is_run():
    row = handler_row(known().name, known(), day=runs(3, 1), gate=OPEN, is_mounted=True)

    page = handler_page(
        row,
        known(),
        gate=OPEN,
        day=runs(3, 1),
        whole=runs(30, 10),
        issues=[issue(kind=IssueKind.HANDLING, target=NAME, message="KeyError: 'id'", dead=2)],
        default_timeout=timedelta(seconds=30),
        now=NOW,
    )

    options = {name: plain(value) for name, value in page.options}
    assert options["Runs on"] == "pull_request.*, push"
    assert options["Time limit"] == "30 s, the setting"
    assert options["At once"] == "no limit of its own"
    assert "then dead letter" in options["Tries"]
    assert (page.last_error, page.dead, page.whole_succeeded) == ("KeyError: 'id'", "2", "75.0")


def test_an_issue_that_is_over_is_no_callout():
    row = handler_row(NAME, None, day=NOTHING, gate=OPEN, is_mounted=True)

    page = handler_page(
        row,
        None,
        gate=OPEN,
        day=NOTHING,
        whole=NOTHING,
        issues=[issue(kind=IssueKind.HANDLING, target=NAME, message="gone")],
        default_timeout=timedelta(seconds=30),
        now=NOW,
    )

    assert (page.last_error, page.options, page.is_registered) == ("", (), False)
