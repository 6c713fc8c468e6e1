"""What is found alarming, and what becomes of an alert from check to check."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from smart_api_integrations.core.alerts import (
    GRACE,
    Finding,
    Measures,
    News,
    Severity,
    SourceStatistics,
    Thresholds,
    findings,
    moved_on,
)
from smart_api_integrations.core.broker_event import BROKER
from smart_api_integrations.core.gate import Gate
from smart_api_integrations.core.journal import Backlog

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def stat(status, number, *, provider="stripe", name="default", seconds=None):
    return SourceStatistics(
        provider=provider, webhook_name=name, status=status, count=number, avg_seconds=seconds
    )


def found(*statistics, **measures):
    given = Measures(now=NOON, statistics=statistics, **measures)
    return {each.key: str(each.severity) for each in findings(given, Thresholds())}


@pytest.mark.parametrize(
    ("failed", "completed", "severity"),
    [
        (1, 9, None),
        (2, 8, "warning"),
        (3, 7, "warning"),
        (4, 6, "critical"),
        (4, 0, None),
        (5, 0, "critical"),
    ],
)
def test_error_rate_beyond_ten_percent_warns_and_beyond_thirty_is_critical(failed, completed, severity):
    rates = found(stat("failed", failed), stat("completed", completed))

    assert rates.get("error_rate|stripe") == severity


def test_error_rate_counts_what_is_to_be_tried_again_over_all_webhooks_of_the_provider():
    rates = found(stat("retry_scheduled", 3), stat("failed", 1, name="eu"), stat("completed", 6, name="eu"))

    assert rates == {"error_rate|stripe": "critical"}


@pytest.mark.parametrize(("seconds", "is_slow"), [(30.0, False), (30.1, True), (None, False)])
def test_handling_that_takes_more_than_thirty_seconds_on_average_is_slow(seconds, is_slow):
    slow = found(stat("completed", 3, seconds=seconds))

    assert ("slow_handling|stripe" in slow) is is_slow


def test_mean_of_two_webhooks_is_weighed_by_their_counts():
    slow = found(stat("completed", 9, seconds=1.0), stat("completed", 1, name="eu", seconds=400.0))

    assert slow == {"slow_handling|stripe": "warning"}


@pytest.mark.parametrize(("minutes", "severity"), [(5, None), (6, "warning"), (31, "critical")])
def test_age_of_the_backlog(minutes, severity):
    backlog = Backlog(waiting=7, running=0, oldest_due_at=NOON - timedelta(minutes=minutes), dead=0)

    assert found(backlog=backlog).get("backlog_age|all") == severity


@pytest.mark.parametrize(
    ("refused", "received", "severity"),
    [(9, 0, None), (10, 0, "critical"), (10, 89, "warning"), (10, 90, None), (500, 10_000, None)],
)
def test_requests_that_do_not_verify(refused, received, severity):
    counts = [stat("verification_failed", refused), *([stat("received", received)] if received else [])]

    assert found(*counts).get("verification_failures|stripe") == severity


def test_breakers_and_disabled_endpoints_are_told_once_each():
    gates = [Gate(target=each, opened_at=NOON, openings=1) for each in ("ep_1", "ep_2", BROKER)]

    told = found(gates=[*gates, Gate(target="ep_3", paused_at=NOON)], disabled={"ep_2": "gone"})

    assert told == {
        "breaker_open|ep_1": "warning",
        f"breaker_open|{BROKER}": "critical",
        "endpoint_disabled|ep_2": "critical",
    }


PROBLEM = Finding(rule="r", subject="s", severity=Severity.WARNING, title="t", message="m")


def step(known, *problems, after=timedelta()):
    numbers = count(1)
    return moved_on(
        known,
        problems,
        now=NOON + after,
        cooldown=HOUR,
        new_id=lambda prefix: f"{prefix}{after.total_seconds():09.0f}-{next(numbers)}",
    )


def told(alert, at):
    return replace(alert, untold=None, notified_at=NOON + at)


def test_alert_is_told_when_it_opens_and_not_again_while_it_lasts():
    (opened,) = step([], PROBLEM, PROBLEM)
    (seen,) = step([told(opened, timedelta())], PROBLEM, after=HOUR)

    assert (opened.untold, seen.untold) == (News.OPENED, None)
    assert (seen.id, seen.seen_at, seen.resolved_at) == (opened.id, NOON + HOUR, None)


def test_news_that_nobody_was_told_stays_untold():
    (opened,) = step([], PROBLEM)
    (seen,) = step([opened], PROBLEM, after=timedelta(minutes=1))

    assert seen.untold is News.OPENED


def test_alert_that_gets_worse_is_told_again_and_stays_as_bad_as_it_was():
    (opened,) = step([], PROBLEM)
    (worse,) = step([told(opened, timedelta())], replace(PROBLEM, severity=Severity.CRITICAL), after=HOUR)
    (better,) = step([told(worse, HOUR)], PROBLEM, after=2 * HOUR)

    assert (worse.untold, worse.severity) == (News.WORSE, Severity.CRITICAL)
    assert (better.untold, better.severity) == (None, Severity.CRITICAL)


def test_alert_is_over_when_nothing_was_found_for_a_while():
    (opened,) = step([], PROBLEM)
    opened = told(opened, timedelta())

    assert step([opened], after=GRACE - timedelta(seconds=1)) == []
    (over,) = step([opened], after=GRACE)
    assert (over.untold, over.resolved_at) == (News.RECOVERED, NOON + GRACE)


def test_end_of_an_alert_that_nobody_was_told_of_is_not_told():
    (opened,) = step([], PROBLEM)
    (over,) = step([opened], after=GRACE)

    assert (over.untold, over.resolved_at) == (None, NOON + GRACE)


@pytest.mark.parametrize(("after", "news"), [(timedelta(minutes=59), None), (HOUR, News.OPENED)])
def test_alert_that_opens_again_within_the_cool_down_tells_nobody(after, news):
    (opened,) = step([], PROBLEM)
    (over,) = step([told(opened, timedelta())], after=GRACE)
    (again,) = step([told(over, timedelta())], PROBLEM, after=after)

    assert again.id != opened.id
    assert again.untold is news


def test_of_two_findings_with_one_key_there_is_one_alert():
    changed = step([], PROBLEM, replace(PROBLEM, title="other"), replace(PROBLEM, subject="x"))

    assert sorted(alert.key for alert in changed) == ["r|s", "r|x"]
