from datetime import UTC, datetime, timedelta

import pytest

from smart_api_integrations.core.gate import Gate
from smart_api_integrations.core.journal import Attempt, AttemptStatistics, AttemptStatus
from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.dashboard.views.endpoints import endpoint_page, trial
from smart_api_integrations.dashboard.views.gates import gate_view
from tests.unit.dashboard.test_endpoint_form import KEPT
from tests.unit.dashboard.test_lists import plain

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def page(gate=None):
    return endpoint_page(
        KEPT,
        day=AttemptStatistics(),
        whole=AttemptStatistics(),
        now=NOW,
        gate=gate_view("ep_1", {} if gate is None else {"ep_1": gate}, waiting=2, now=NOW),
        breaker=gate,
    )


def attempt(status=AttemptStatus.SUCCEEDED, code=200, **values):
    return Attempt(
        id="att_1", work_id="dlv_1", kind=Kind.DELIVERY, target="ep_1", subject_id="msg_1", number=1,
        status=status, started_at=NOW, duration_ms=212.0, response_code=code, **values,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("gate", "step"),
    [
        (None, "Closed"),
        (Gate(target="ep_1", opened_at=NOW, opens_at=NOW + timedelta(seconds=30)), "Open"),
        (Gate(target="ep_1", opened_at=NOW, opens_at=NOW), "Half open"),
        (Gate(target="ep_1", paused_at=NOW), "Closed"),
    ],
)
def test_a_breaker_is_in_one_of_its_three_states(gate, step):
    assert [each.name for each in page(gate).breaker if each.is_now] == [step]


def test_an_open_breaker_holds_the_endpoint():
    found = page(Gate(target="ep_1", opened_at=NOW, opens_at=NOW + timedelta(seconds=30), failures=9))

    assert found.row.badge.word == "Held by breaker"
    assert "2 pieces of work wait, none is lost" in plain(found.gate.text)


def test_its_limits_are_said_in_one_line():
    settings = dict(page().settings)

    assert plain(settings["Limits"]) == "2.5 a second, 4 at once, 15 s for one attempt"
    assert settings["Filter"] == "data.total > 3"


def test_a_test_that_was_answered_well_says_how_fast():
    found = trial(attempt(response_body='{"ok":true}', phases={"ttfb": 200.0}))

    assert plain(found.title) == "It answered 200, in 212 ms"
    assert (found.tone, found.chip, found.error) == ("ok", "200", "")
    assert found.wire is not None


def test_a_test_that_failed_says_what_would_have_happened():
    refused = trial(attempt(AttemptStatus.FAILED, 503, error_message="It answered 503."))
    silent = trial(attempt(AttemptStatus.FAILED, None, error_message="connect: refused"))

    assert refused.title == "It answered 503: this would not be delivered"
    assert (silent.chip, silent.error, silent.wire) == ("no answer", "connect: refused", None)
