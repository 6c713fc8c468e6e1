"""Ids and times: a span of time is a range of ids."""

from datetime import UTC, datetime, timedelta

from smart_api_integrations.application.identifiers import ulids
from smart_api_integrations.core.ulids import SLACK, behind_ids, first_id, ulid_at

MOMENT = datetime(2026, 1, 1, 12, tzinfo=UTC)


def made_at(moment: datetime) -> str:
    milliseconds = int(moment.timestamp() * 1000)
    return ulids(milliseconds=lambda: milliseconds)("evt_")


def test_it_is_what_ids_of_that_millisecond_begin_with():
    assert made_at(MOMENT).startswith(f"evt_{ulid_at(MOMENT)}")


def test_order_of_times_is_order_of_ids():
    moments = [MOMENT + timedelta(milliseconds=step * step) for step in range(200)]

    assert [ulid_at(moment) for moment in moments] == sorted({ulid_at(moment) for moment in moments})


def test_times_that_no_ulid_can_say_are_the_nearest_that_one_can():
    assert ulid_at(datetime(1960, 1, 1, tzinfo=UTC)) == "0" * 10
    assert ulid_at(datetime(9999, 1, 1, tzinfo=UTC)) > ulid_at(MOMENT)


def test_a_span_holds_its_own_ids_whichever_clock_made_them():
    for off in (-SLACK, timedelta(0), SLACK):
        assert first_id("evt_", MOMENT) < made_at(MOMENT + off) < behind_ids("evt_", MOMENT + SLACK / 1000)
    assert made_at(MOMENT - 2 * SLACK) < first_id("evt_", MOMENT)
    assert made_at(MOMENT + 2 * SLACK) > behind_ids("evt_", MOMENT)


def test_without_a_time_the_span_has_no_end():
    assert first_id("evt_", None) < made_at(datetime(1970, 1, 1, tzinfo=UTC))
    assert made_at(datetime(9000, 1, 1, tzinfo=UTC)) < behind_ids("evt_", None)


def test_the_ends_of_the_calendar_are_times_too():
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

    assert first_id("evt_", first) < made_at(MOMENT) < behind_ids("evt_", last)
    assert behind_ids("evt_", first) < made_at(MOMENT) < first_id("evt_", last)
