"""Promises about placing: what is written where a template reads is what the template then reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.placing import place, set_path
from smart_api_integrations.core.request_view import FORM_TYPE, RequestView
from smart_api_integrations.core.templates import compile_template
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import InvalidInput

JSON = RawRequest(
    headers=Headers({"X": "1"}), body=b'{"a":{"b":"old"},"value":[{"s":""},{"s":""}]}', query="k=v&a=1"
)
FORM = RawRequest(headers=Headers({"Content-Type": FORM_TYPE}), body=b"a=1&b=2")


@pytest.mark.parametrize(
    ("request_", "template"),
    [
        (JSON, "{header:X}"),
        (JSON, "{header:New}"),
        (JSON, "{header:X-Sign-*}"),
        (JSON, "{query:a}"),
        (JSON, "{query:new}"),
        (JSON, "{json:a.b}"),
        (JSON, "{json:new.path}"),
        (JSON, "{json:value.*.s}"),
        (JSON, "{form:a|json:a.b}"),
        (FORM, "{form:a}"),
        (FORM, "{json:a|form:new}"),
    ],
)
@given(value=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20))
def test_what_is_placed_is_read(request_, template, value):
    compiled = compile_template(template)

    placed = place(request_, compiled, value)

    assert set(compiled.values(RequestView(placed))) == {value.encode()}


def test_what_was_there_otherwise_stays():
    placed = place(JSON, compile_template("{query:a}"), "2")

    assert placed.query == "k=v&a=2"
    assert (placed.body, dict(placed.headers)) == (JSON.body, dict(JSON.headers))


def test_the_public_url_keeps_its_query_in_step():
    request = RawRequest(headers=Headers(), body=b"", public_url="https://a.example/x?old=1", query="old=1")

    assert place(request, compile_template("{query:h}"), "2").public_url == "https://a.example/x?old=1&h=2"


@pytest.mark.parametrize("template", ["{body}", "text", "{url}", "{form:a}"])
def test_where_nothing_can_be_written_it_says_so(template):
    with pytest.raises(InvalidInput):
        place(JSON, compile_template(template), "x")


def test_a_body_that_is_no_json_cannot_be_written_into():
    with pytest.raises(InvalidInput):
        place(RawRequest(headers=Headers(), body=b"{"), compile_template("{json:a}"), "x")


def test_digits_stay_a_number_where_a_number_was():
    payload = {"time": 1, "id": "1"}

    set_path(payload, ["time"], "2")
    set_path(payload, ["id"], "2")

    assert payload == {"time": 2, "id": "2"}


def test_a_star_is_every_key_of_an_object():
    payload = {"items": {"a": {}, "b": {"state": "old"}}}

    set_path(payload, ["items", "*", "state"], "new")

    assert payload == {"items": {"a": {"state": "new"}, "b": {"state": "new"}}}


def test_a_path_through_a_list_takes_numbers_and_stars():
    payload = {"a": [{"b": 1}, {"b": 2}]}

    set_path(payload, ["a", "1", "b"], "x")
    set_path(payload, ["a", "word", "b"], "y")

    assert payload == {"a": [{"b": 1}, {"b": "x"}]}
