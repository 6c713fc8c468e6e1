"""Lengths of time as people write them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.durations import parse_duration, written
from smart_api_integrations.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("15min", timedelta(minutes=15)),
        (" 2H ", timedelta(hours=2)),
        ("0.5d", timedelta(hours=12)),
        ("1w2d3h", timedelta(weeks=1, days=2, hours=3)),
        ("0s", timedelta(0)),
    ],
)
def test_what_is_read(text, length):
    assert parse_duration(text) == length


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1 d", "1y", "1d?", "1e9d", "99999999d", "٣d"])
def test_what_is_not(text):
    with pytest.raises(InvalidInput, match="length of time"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=10**9))
def test_what_is_written_is_read_back(seconds):
    length = timedelta(seconds=seconds)

    assert parse_duration(written(length)) == length
