"""Tables for people: aligned, cut, and harmless to a terminal."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.cli.inputs import header_pairs, moment
from smart_api_integrations.cli.tables import table
from smart_api_integrations.errors import InvalidInput

CELLS = st.text(max_size=60)


@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=6), width=st.integers(40, 120))
def test_no_line_is_wider_than_the_terminal_nor_can_it_move_the_cursor(rows, width):
    lines = table(("A", "B", "C"), rows, width=width).split("\n")

    assert len(lines) == len(rows) + 1
    assert all(character.isprintable() or ord(character) > 0x9F for line in lines for character in line)
    assert all(len(line) <= max(width, 2 * 60 + 8 + 4) for line in lines)


def test_the_widest_column_gives_way():
    lines = table(("ID", "WHAT"), [("1", "a very long sentence about it")], width=20).splitlines()

    assert lines == ["ID  WHAT", " 1  a very long sen…"]


def test_numbers_stand_to_the_right():
    assert table(("N",), [("7",), ("1,200",)], width=40).splitlines() == ["    N", "    7", "1,200"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("1769860800", datetime(2026, 1, 31, 12, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_in_both_ways(text, expected):
    assert moment(text) == expected


@pytest.mark.parametrize("text", ["", "noon", "9" * 30, "1.2.3"])
def test_what_is_no_moment_is_told(text):
    with pytest.raises(InvalidInput, match="is no time"):
        moment(text)


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,20}", fullmatch=True),
            st.from_regex(r"[!-~]{0,30}", fullmatch=True),
        )
    )
)
def test_headers_are_read_as_they_are_written(pairs):
    lines = ["POST / HTTP/1.1", *(f"{name}: {value}" for name, value in pairs), ""]

    assert header_pairs(lines) == pairs
