"""Promises about what references read; how they are put together is in test_templates."""

from __future__ import annotations

import json
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.references import items_at
from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.templates import compile_template
from smart_api_integrations.core.webhook_schema import Headers, RawRequest

BODY = b'{"value":[{"s":"a","n":1.50},{"s":"b","n":2}],"flag":false}'


def view(body: bytes = BODY, *, headers=(), **variables) -> RequestView:
    return RequestView(RawRequest(headers=Headers(headers), body=body), variables=variables)


def read(template: str, seen: RequestView) -> bytes | None:
    return compile_template(template).render(seen)


def test_a_star_reads_the_first_and_values_read_all():
    template = compile_template("{json:value.*.s}")

    assert template.render(view()) == b"a"
    assert template.values(view()) == [b"a", b"b"]
    assert compile_template("{json:value.*.n}").values(view()) == [b"1.50", b"2"]
    assert compile_template("{json:value.*.x}").values(view()) == [None, None]
    assert compile_template("{json:flag}").values(view()) == (b"false",)
    assert compile_template("{json:absent}").values(view()) == ()


def test_only_a_reference_that_stands_alone_has_several_values():
    assert compile_template("x{json:value.*.s}").values(view()) == (b"xa",)


def test_a_variable_is_read_where_it_is_set():
    assert read("{env:ID}|{body}", view(b"b", ID="7")) == b"7|b"
    assert read("{env:ID}", view(ID="")) is None
    assert read("{env:ID}", view()) is None
    assert read("{env:ID|method}", view()) == b"POST"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"update_id":1,"message":{}}', b"message"),
        (b'{"poll":{},"update_id":1}', b"poll"),
        (b'{"update_id":1}', None),
        (b"[1]", None),
        (b'"text"', None),
    ],
)
def test_a_key_is_read_by_the_others_that_are_passed_over(body, found):
    assert read("{json_key:update_id,date}", view(body)) == found


def test_the_variables_that_are_needed_are_known():
    template = compile_template("{env:A}{env:B?}{env:C|env:D}[{env:E}]{sha256:env:F}")

    assert template.variables == ("A", "F")


def test_a_numbered_header_reads_the_lowest():
    assert read("{header:X-*-Sign}", view(headers={"X-9-Sign": "n", "X-2-Sign": "t", "X-Sign": "o"})) == b"t"
    assert read("{header:X-*}", view()) is None


def test_an_item_is_read_when_it_is_entered():
    seen = view()
    assert read("{item:s}", seen) == read("{json:s}", seen)

    for item, exact in zip(
        items_at(seen.json, "value"), items_at(seen.json_numbers_as_text, "value"), strict=True
    ):
        seen.look_at(item, partial(items_at, [exact], ""))
        assert read("{item:s}", seen) == item["s"].encode()
    assert read("{item:n}", seen) == b"2"

    seen.look_at(seen.json["value"][0], lambda: {"s": "a", "n": "1.50"})
    assert read("{item:n}", seen) == b"1.50"


@pytest.mark.parametrize(
    ("value", "path", "items"),
    [
        ([1, 2], "", [1, 2]),
        ({"a": [1]}, "a", [1]),
        ({"a": []}, "a", []),
        ({"a": {"b": 1}}, "a", [{"b": 1}]),
        ({}, "a", []),
        ({"e": [{"c": [1]}, {}, {"c": [2, 3]}]}, "e.*.c", [1, 2, 3]),
    ],
)
def test_the_items_at_a_path(value, path, items):
    assert items_at(value, path) == items


@given(st.recursive(st.none() | st.integers() | st.text(max_size=5), st.lists, max_leaves=10))
def test_any_value_has_items_or_none(value):
    assert isinstance(items_at(json.loads(json.dumps(value)), "*.*"), list)
