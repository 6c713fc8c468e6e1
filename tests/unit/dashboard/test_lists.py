"""Rows and the overview's sentence: short, and true of the records."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.journal import (
    AttemptStatistics,
    Backlog,
    EventSummary,
    Message,
    TrafficPoint,
    Work,
)
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.dashboard.views.endpoints import endpoint_page, endpoint_row
from smart_api_integrations.dashboard.views.gates import gate_view
from smart_api_integrations.dashboard.views.lists import (
    event_row,
    message_row,
    rejection_row,
    view_of,
    work_row,
)
from smart_api_integrations.dashboard.views.overview import open_causes, stats, verdict
from smart_api_integrations.dashboard.views.traffic import range_of
from tests.journal_scenes import SECRET, rejected

NOW = datetime(2026, 11, 22, 14, 28, tzinfo=UTC)
NO_GATE = gate_view("ep_1", {}, waiting=0, now=NOW)
NOTHING = Backlog(waiting=0, running=0, oldest_due_at=None, dead=0)


def plain(text):
    return text.replace("\u00a0", " ")


def summary(handlings=(), deliveries=(), **values):
    given: dict[str, Any] = {
        "id": "evt_1",
        "provider": "github",
        "webhook_name": "default",
        "event_type": "push",
        "action": None,
        "event_id": None,
        "size": 1412,
        "duplicates": 0,
        "received_at": NOW,
    } | values
    return EventSummary(handlings=handlings, deliveries=deliveries, **given)


def endpoint(**values):
    given: dict[str, Any] = {
        "id": "ep_1",
        "url": "https://crm.example/in",
        "events": ("order.*",),
        "secret": SECRET,
        "created_at": NOW,
        "updated_at": NOW,
    } | values
    return Endpoint(**given)


def dead(**values):
    given: dict[str, Any] = {
        "id": "hdl_1",
        "kind": Kind.HANDLING,
        "subject_id": "evt_1",
        "target": "github:default:orders.sync",
        "state": State.FAILED,
        "attempt_count": 4,
        "failures": 4,
        "max_attempts": 4,
        "due_at": None,
        "created_at": NOW,
        "updated_at": NOW,
    } | values
    return Work(**given)


def test_an_event_is_one_line():
    row = event_row(
        summary(
            (State.COMPLETED, State.RETRY_SCHEDULED),
            (State.DELIVERED, State.DELIVERED),
            action="forced",
            duplicates=2,
        ),
        now=NOW,
    )

    assert row.type == "push.forced"
    assert (row.work, plain(row.sent)) == ("1 of 2 handled", "2 sent, 2 repeats")
    assert row.badge.word == "Retrying"


def test_an_event_without_work_says_so():
    assert event_row(summary(), now=NOW).work == "None matches"


@pytest.mark.parametrize(
    ("status", "handlings", "deliveries", "wanted"),
    [
        ("", (), (), True),
        ("anything", (), (), True),
        ("attention", (State.COMPLETED,), (State.FAILED,), True),
        ("attention", (State.COMPLETED,), (State.DELIVERED,), False),
        ("retrying", (State.RETRY_SCHEDULED,), (), True),
        ("retrying", (State.FAILED,), (), False),
        ("failed", (State.FAILED,), (), True),
        ("no_handler", (), (), True),
        ("no_handler", (State.SKIPPED,), (), False),
    ],
)
def test_a_view_lets_through_what_its_name_says(status, handlings, deliveries, wanted):
    assert view_of(status).wants(summary(handlings, deliveries)) is wanted


def test_a_rejection_says_how_many_it_stands_for():
    assert plain(rejection_row(rejected(sampled=37, received_at=NOW), now=NOW).count) == "37 requests"
    assert rejection_row(rejected(received_at=NOW), now=NOW).count == ""


def test_a_message_names_its_cause():
    own = Message(id="msg_1", event="order.created", body=b"{}", created_at=NOW)
    handled = Message(
        id="msg_2",
        event="a",
        body=b"",
        created_at=NOW,
        handler="github:default:orders.sync",
        event_id="evt_1",
    )

    assert message_row(own, now=NOW).cause == "your code"
    assert message_row(handled, now=NOW).cause == "orders.sync"


def test_work_without_its_trace_is_still_a_line():
    row = work_row(dead(), None, now=NOW, endpoints={})

    assert (row.name, row.subject, row.said, row.took) == ("orders.sync", "", "", "—")
    assert plain(row.tries) == "4 tries"


@pytest.mark.parametrize(
    ("day", "active", "word"),
    [
        (AttemptStatistics(), True, "Active"),
        (AttemptStatistics(), False, "Switched off"),
        (AttemptStatistics(total_attempts=100, successful=100), True, "Active"),
        (AttemptStatistics(total_attempts=100, successful=98, failed=2), True, "Degraded"),
        (AttemptStatistics(total_attempts=100, successful=49, failed=51), True, "Failing"),
    ],
)
def test_an_endpoint_stands_as_its_last_day_says(day, active, word):
    assert endpoint_row(endpoint(active=active), day, NO_GATE).badge.word == word


def test_the_page_of_an_endpoint_shows_no_secret():
    page = endpoint_page(
        endpoint(headers={"X-Api-Key": "very-secret", "X-Team": "orders"}, retry_count=1),
        day=AttemptStatistics(),
        whole=AttemptStatistics(total_attempts=4, successful=3, failed=1, avg_duration_ms=12.0),
        now=NOW,
        gate=NO_GATE,
        breaker=None,
    )

    settings = dict(page.settings)
    assert dict(page.secrets)["Secret"] == "whsec_…KYq="
    assert settings["Schedule"] == "one attempt, then dead letter"
    assert page.headers == (("X-Api-Key", "••••"), ("X-Team", "orders"))
    assert page.whole_delivered == "75.0"


def test_all_is_well_where_nothing_is_open():
    assert verdict(NOTHING, []).title == "All is well: nothing needs you"


def test_work_under_way_is_well_too():
    told = verdict(Backlog(waiting=3, running=1, oldest_due_at=NOW, dead=0), [])

    assert told.tone == "run"
    assert plain(told.text) == "Everything that arrived is stored. 3 pieces of work wait."


def test_dead_letters_and_failing_endpoints_are_named():
    failing = endpoint_row(endpoint(), AttemptStatistics(total_attempts=2, failed=2), NO_GATE)
    some = Backlog(waiting=0, running=0, oldest_due_at=None, dead=12)

    assert plain(verdict(some, []).title) == "12 dead letters wait for you"
    assert plain(verdict(NOTHING, [failing]).title) == "1 endpoint is failing"
    assert (
        plain(verdict(some, [failing, failing]).title) == "2 endpoints fail, and 12 dead letters wait for you"
    )


def test_the_strip_counts_what_passed():
    points = [
        TrafficPoint(
            starts_at=NOW, accepted=9, duplicate=1, rejected=10, handled=4, delivered=3, delivery_failed=1
        )
    ]

    strip = {stat.name: stat for stat in stats(points, NOTHING, range_of("1h"), now=NOW)}

    assert strip["Accepted"].value == "9"
    assert (strip["Verified"].value, strip["Verified"].unit) == ("50.0", "%")
    assert strip["Handled"].value == "100"
    assert (strip["Delivered"].value, strip["Delivered"].tone) == ("75.0", "wait")
    assert strip["Dead letters"].tone == ""


def test_an_empty_strip_shows_dashes_and_no_zero_percent():
    strip = {stat.name: stat for stat in stats([], NOTHING, range_of("1h"), now=NOW)}

    assert (strip["Verified"].value, strip["Verified"].unit) == ("—", "")


def test_failures_with_one_cause_are_one_row():
    causes = open_causes(
        [dead(), dead(id="hdl_2"), dead(id="dlv_1", kind=Kind.DELIVERY, target="ep_1")],
        [rejected(received_at=NOW), rejected(received_at=NOW - timedelta(hours=1), sampled=36)],
        {"ep_1": endpoint()},
        now=NOW,
    )

    assert [(cause.title, cause.count) for cause in causes] == [
        ("orders.sync", "2"),
        ("crm.example/in", "1"),
        ("GitHub / deploys: signature mismatch", "37"),
    ]
