"""Hidden characters are shown: nothing on a page reads other than it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.dashboard.views.visible import shortened, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain Äöü 漢字 🎉", "plain Äöü 漢字 🎉"),
        ("a\x00b", "a␀b"),
        ("a\x1b[31mb", "a␛[31mb"),
        ("a\x7fb", "a␡b"),
        ("a\x85b", "a\\u0085b"),
        ("abc\u202etxt.exe", "abc\\u202etxt.exe"),
        ("a\u2066b\u2069", "a\\u2066b\\u2069"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\ue0041"),
        ("a\nb\tc", "a␊b␉c"),
    ],
)
def test_hidden_characters_are_drawn(text, shown):
    assert visible(text) == shown


def test_lines_and_tabs_are_kept_where_asked():
    assert visible("a\r\n\tb\rc\x0b", lines=True) == "a\n\tb␍c␋"


@given(st.text())
def test_what_is_shown_is_printable_and_can_be_sent(text):
    shown = visible(text)

    assert shown.encode("utf-8").decode("utf-8") == shown
    assert not any(
        ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 or 0x202A <= ord(char) <= 0x202E for char in shown
    )


def test_long_text_ends_in_an_ellipsis():
    assert shortened("abcdef", 4) == "abc…"
    assert shortened("abcd", 4) == "abcd"
