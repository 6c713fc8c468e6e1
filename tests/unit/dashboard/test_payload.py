"""Bodies as pages show them: a stranger's text becomes no markup, however it is written."""

import json
import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup, escape

from smart_api_integrations.dashboard.views.payload import (
    LONGEST_EXCERPT,
    LONGEST_HEX,
    LONGEST_INLINE,
    MOST_TOKENS,
    body_view,
    headers_view,
    text_view,
)

JSON = "application/json"
OURS = re.compile(r'</?span(?: class="j[ksn]")?>')

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=20,
)


def pretty(body, content_type=JSON):
    return body_view(body, content_type=content_type, mode="pretty")


def test_json_is_indented_and_coloured():
    shown = pretty(b'{"a":[1,true,{}],"b":"x"}').content

    assert isinstance(shown, Markup)
    assert OURS.sub("", shown) == str(escape('{\n  "a": [\n    1,\n    true,\n    {}\n  ],\n  "b": "x"\n}'))
    assert '<span class="jk">&#34;a&#34;</span>' in shown


def test_numbers_are_shown_as_they_were_written():
    assert "1.00000000000000000001e400" in pretty(b"[1.00000000000000000001e400]").content


def test_a_key_that_stands_twice_is_shown_twice():
    assert pretty(b'{"a":1,"a":2}').content.count("&#34;a&#34;") == 2


@given(documents)
def test_formatting_loses_nothing_and_lets_nothing_out(document):
    shown = pretty(json.dumps(document).encode()).content
    text = OURS.sub("", str(escape(shown)))

    assert "<" not in text
    assert ">" not in text
    assert json.loads(unescape(text)) == document


@pytest.mark.parametrize(
    "hostile",
    [
        "</script><script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "jaVasCript:/*-/*`/*\\`/*'/*\"/**/(/* */oNcliCk=alert() )//%0D%0A%0d%0a//</stYle/</titLe/--!>",
        "</teXtarEa/</scRipt/--!>\\x3csVg/<sVg/oNloAd=alert()//>\\x3e",
        "{{ 7 * 7 }}{% for x in y %}",
        "<!--<![CDATA[",
        "&lt;b&gt;",
    ],
)
@pytest.mark.parametrize("mode", ["pretty", "raw", "hex"])
def test_markup_in_a_body_stays_text(hostile, mode):
    as_json, as_text = json.dumps({hostile: hostile}).encode(), hostile.encode()

    for body in (as_json, as_text):
        shown = str(escape(body_view(body, content_type=JSON, mode=mode).content))
        assert "<" not in OURS.sub("", shown)


def test_hidden_characters_in_a_body_are_drawn():
    assert "\\u202e" in pretty('"a\u202eb"'.encode()).content
    assert "␀" in pretty(b"a\x00b").content


@pytest.mark.parametrize("body", [b"not json", b'{"a":1', b"[1,2]]", b'{"a"}}', b"[}", b"\xff\xfe"])
def test_what_is_not_json_is_shown_as_it_came(body):
    view = pretty(body)

    assert not isinstance(view.content, Markup)
    assert "as it came" in view.note


def test_an_empty_body_is_nothing_and_no_fault():
    assert pretty(b"").content == ""
    assert pretty(b"").note == ""


def test_a_form_is_shown_field_by_field():
    view = pretty(b"payload=%7B%22a%22%3A1%7D&b=<c>", "application/x-www-form-urlencoded; charset=utf-8")

    assert view.content == (
        '<span class="jk">payload</span> <span class="js">{&#34;a&#34;:1}</span>\n'
        '<span class="jk">b</span> <span class="js">&lt;c&gt;</span>'
    )


def test_a_form_of_too_many_fields_is_shown_as_it_came():
    assert "as it came" in pretty(b"a=1&" * 2000, "application/x-www-form-urlencoded").note


def test_a_thousand_levels_are_formatted_without_recursion_and_without_a_wide_page():
    shown = pretty(b"[" * 1000 + b"]" * 1000).content

    assert shown.count("[") == 1000
    assert max(len(line) for line in shown.splitlines()) < 60


def test_a_large_body_is_cut_and_says_so():
    view = pretty(b'"' + b"x" * LONGEST_INLINE + b'"')

    assert len(view.content) == LONGEST_EXCERPT
    assert "too much to format" in view.note


def test_a_body_of_very_many_values_is_not_formatted():
    assert not isinstance(pretty(b"[" + b"1," * MOST_TOKENS + b"1]").content, Markup)


def test_raw_is_text_with_broken_bytes_shown():
    assert body_view(b"ok\xff\n", content_type="", mode="raw").content == "ok\\xff\n"
    assert "first" in body_view(b"x" * (LONGEST_EXCERPT + 1), content_type="", mode="raw").note


def test_hex_shows_places_bytes_and_text():
    view = body_view(bytes(range(0x38, 0x4A)), content_type="", mode="hex")

    assert view.content.splitlines() == [
        "00000000  38 39 3a 3b 3c 3d 3e 3f  40 41 42 43 44 45 46 47  89:;<=>?@ABCDEFG",
        "00000010  48 49                                             HI",
    ]
    assert "first" in body_view(b"x" * (LONGEST_HEX + 1), content_type="", mode="hex").note


def test_headers_are_lowered_cut_and_made_visible():
    shown = headers_view([("X-Hub-Signature-256", "sha256=" + "ab" * 32), ("X-Note", "a\u202eb")])

    assert shown == (("x-hub-signature-256", "sha256=ababab…abab"), ("x-note", "a\\u202eb"))


def test_an_answer_is_formatted_where_it_is_json():
    assert isinstance(text_view('{"error":"no"}'), Markup)
    assert text_view("<html>\x00") == "<html>␀"
