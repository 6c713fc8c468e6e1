"""Promises about times as providers write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.timestamps import UNITS, format_timestamp, parse_timestamp

MOMENT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        (b"1700000000", "s"),
        (b"1700000000000", "ms"),
        (b"2023-11-14T22:13:20Z", "rfc3339"),
        (b"2023-11-14T22:13:20.000000000Z", "rfc3339"),
        (b"2023-11-14t23:13:20+01:00", "rfc3339"),
        (b"1700000000", "auto"),
        (b"1700000000000", "auto"),
        (b"2023-11-14T22:13:20Z", "auto"),
    ],
)
def test_a_time_is_read_in_its_unit(text, unit):
    assert parse_timestamp(text, unit) == MOMENT


@pytest.mark.parametrize(
    "text",
    ["", " ", "1_0", "+1", "-1", " 1", "1 ", "1.0", "1e9", "0x10", "\u0661\u0667", "\uff11\uff17", "1\n",
     "\xff", "\0", "9" * 17, "soon", "2023-13-01T00:00:00Z", "2023-11-14", "2023-11-14T22:13:20"],
)  # fmt: skip
@pytest.mark.parametrize("unit", UNITS)
def test_anything_else_is_no_time(text, unit):
    assert parse_timestamp(text.encode(), unit) is None


def test_a_time_beyond_the_calendar_is_no_time():
    assert parse_timestamp(b"9" * 16, "s") is None


@given(st.binary(max_size=40), st.sampled_from(sorted(UNITS)))
def test_whatever_the_bytes_the_answer_is_a_time_in_utc_or_none(text, unit):
    found = parse_timestamp(text, unit)

    assert found is None or found.utcoffset() is not None


@pytest.mark.parametrize("unit", ["s", "ms", "rfc3339", "auto"])
def test_what_is_written_is_read_back(unit):
    elsewhere = MOMENT.astimezone(timezone(timedelta(hours=5)))

    assert parse_timestamp(format_timestamp(elsewhere, unit).encode(), unit) == MOMENT
