"""When a silence is unusual, by the rhythm of weeks or by what was set by hand."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.alerts import Severity
from smart_api_integrations.core.rhythm import (
    UNLIKELY,
    Expected,
    Rhythm,
    hour_of,
    missing_by_hand,
    missing_by_rhythm,
    read_expected,
    rhythms,
)
from smart_api_integrations.errors import InvalidInput

MONDAY_NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def rhythm(per_hour, *, weeks=4, is_busy=lambda _: True, until=MONDAY_NOON):
    first = hour_of(until) - weeks * 168
    hours = {
        hour: per_hour
        for hour in range(first, hour_of(until))
        if is_busy(datetime.fromtimestamp(hour * 3600, UTC))
    }
    return Rhythm(provider="stripe", event_type="", hours=hours)


def office(moment):
    return moment.weekday() < 5 and 8 <= moment.hour < 18


def silent_after(known, last):
    """Return how long after *last* a silence is told, in minutes; None within a week."""
    for minutes in range(5, 7 * 1440, 5):
        if missing_by_rhythm(known, last, last + timedelta(minutes=minutes)) is not None:
            return minutes
    return None


def test_busy_source_is_missed_within_minutes():
    assert silent_after(rhythm(240), MONDAY_NOON) <= 15


def test_source_with_one_event_an_hour_is_missed_after_some_hours():
    assert 180 <= silent_after(rhythm(1), MONDAY_NOON) <= 360


def test_longer_history_is_surer():
    assert silent_after(rhythm(1, weeks=4), MONDAY_NOON) < silent_after(rhythm(1, weeks=2), MONDAY_NOON)


def test_night_and_weekend_are_no_silence():
    known = rhythm(20, is_busy=office)
    friday_evening = datetime(2026, 1, 9, 17, 55, tzinfo=UTC)

    first_told = friday_evening + timedelta(minutes=silent_after(known, friday_evening))

    assert first_told.weekday() == 0
    assert 9 <= first_told.hour <= 11


def test_rare_events_are_never_missed():
    assert silent_after(rhythm(1, is_busy=lambda at: at.day % 9 == 0 and at.hour == 3), MONDAY_NOON) is None


@pytest.mark.parametrize(
    "known",
    [
        rhythm(100, weeks=1),
        Rhythm(provider="stripe", event_type="", hours={hour_of(MONDAY_NOON) - 600: 29}),
        Rhythm(provider="stripe", event_type="", hours={}),
    ],
)
def test_nothing_is_said_before_there_is_enough_history(known):
    assert not known.hours or not known.is_known(MONDAY_NOON)
    assert not known.hours or missing_by_rhythm(known, MONDAY_NOON - timedelta(days=5), MONDAY_NOON) is None


def test_empty_history_is_unknown():
    assert not Rhythm(provider="a", event_type="", hours={}).is_known(MONDAY_NOON)


@given(st.integers(0, 50), st.integers(1, 60 * 24 * 8))
def test_longer_silence_is_never_likelier(per_hour, minutes):
    known = rhythm(per_hour, is_busy=office) if per_hour else rhythm(1, is_busy=office)
    shorter = known.likelihood(MONDAY_NOON, MONDAY_NOON + timedelta(minutes=minutes))
    longer = known.likelihood(MONDAY_NOON, MONDAY_NOON + timedelta(minutes=minutes + 7))

    assert 0 <= longer <= shorter <= 1


def test_finding_says_since_when_and_how_unusual_it_is():
    finding = missing_by_rhythm(rhythm(240), MONDAY_NOON, MONDAY_NOON + HOUR)

    assert finding is not None
    assert finding.title == "No stripe webhook for 60 minutes"
    assert "2026-01-05 12:00 UTC" in finding.message
    assert finding.severity is Severity.WARNING
    assert UNLIKELY < 0.01


def test_rhythms_are_of_each_type_and_of_the_provider():
    known = rhythms([("stripe", "a", 1, 2), ("stripe", "b", 1, 3), ("stripe", "b", 2, 1), ("x", "", 1, 9)])

    assert [(each.subject, dict(each.hours)) for each in known] == [
        ("stripe", {1: 5, 2: 1}),
        ("stripe:a", {1: 2}),
        ("stripe:b", {1: 3, 2: 1}),
        ("x", {1: 9}),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stripe 1/1h", Expected(provider="stripe")),
        (
            " stripe:invoice.paid 5/30m 9-18 mon-fri ",
            Expected(
                provider="stripe",
                event_type="invoice.paid",
                count=5,
                span=timedelta(minutes=30),
                begins=9,
                ends=18,
                days=frozenset(range(5)),
            ),
        ),
        ("github 1/1d sat-mon", None),
        ("github 1/1d 0-24 sat-mon", Expected(provider="github", span=24 * HOUR, days=frozenset({5, 6, 0}))),
    ],
)
def test_what_is_expected_is_read_from_text(text, expected):
    if expected is not None:
        assert read_expected(text) == expected
    else:
        assert read_expected(text).days == frozenset({5, 6, 0})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "stripe",
        "stripe 0/1h",
        "stripe 1/0h",
        "stripe 1/1h 18-9",
        "stripe 1/1h 9-25",
        "stripe 1/1h 9-18 mon-abc",
        "1/1h",
    ],
)
def test_what_cannot_be_expected_is_an_error_that_shows_how(text):
    with pytest.raises(InvalidInput, match="stripe 1/1h 9-18 mon-fri"):
        read_expected(text)


@pytest.mark.parametrize(
    ("local", "is_judged"),
    [
        ((5, 9, 30), False),
        ((5, 10, 0), True),
        ((5, 18, 0), True),
        ((5, 18, 1), False),
        ((10, 12, 0), False),
    ],
)
def test_expected_events_are_judged_within_their_hours_alone(local, is_judged):
    berlin = ZoneInfo("Europe/Berlin")
    day, hour, minute = local
    now = datetime(2026, 1, day, hour, minute, tzinfo=berlin).astimezone(UTC)

    window = read_expected("stripe 1/1h 9-18 mon-fri").window(now, berlin)

    assert (window == now - HOUR) if is_judged else window is None


def test_expected_all_day_is_always_judged():
    assert read_expected("stripe 1/2h").window(MONDAY_NOON, UTC) == MONDAY_NOON - 2 * HOUR


def test_too_few_are_told_and_enough_are_not():
    expected = read_expected("stripe:a 3/1h")
    finding = missing_by_hand(expected, 2)

    assert missing_by_hand(expected, 3) is None
    assert finding is not None
    assert (finding.subject, finding.severity) == ("stripe:a", Severity.CRITICAL)
    assert finding.title == "stripe:a: 2 of 3 expected webhooks"
