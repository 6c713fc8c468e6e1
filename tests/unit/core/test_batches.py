"""Promises about splitting a request into its events."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.batches import BatchRules, split
from smart_api_integrations.core.request_view import FORM_TYPE, RequestView
from smart_api_integrations.core.templates import compile_template
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import MalformedRequest


def items(body: str | bytes, headers=(), *, field: str | None = None, **rules):
    content = body if isinstance(body, bytes) else body.encode()
    view = RequestView(RawRequest(headers=Headers(headers), body=content), form_json_field=field)
    return split(view, BatchRules(**rules))


def bodies(body: str | bytes, **rules) -> list[bytes]:
    return [item.body for item in items(body, **rules)]


@pytest.mark.parametrize(
    ("body", "rules", "found"),
    [
        ('[{"a": 1},{"a":2}]', {}, ['{"a": 1}', '{"a":2}']),
        (' [\n { "a" : 1.0 } , {} ]\n', {}, ['{ "a" : 1.0 }', "{}"]),
        ('{"events":[{"é": "\\u00e9"}]}', {"items": "events"}, ['{"é": "\\u00e9"}']),
        ('{"x":{"y":[{"a":1}]}}', {"items": "x.y"}, ['{"a":1}']),
        ('{"entry":[{"changes":[{"a":1}]},{"changes":[{"a":2},{"a":3}]}]}', {"items": "entry.*.changes"},
         ['{"a":1}', '{"a":2}', '{"a":3}']),
        ('{"e":[{"c":[{"a":1}]},{"other":[]}]}', {"items": "e.*.c"}, ['{"a":1}']),
        ('{"by":{"x":[{"a":1}],"y":[{"a":2}]}}', {"items": "by.*"}, ['{"a":1}', '{"a":2}']),
        ('{"n":[{"Item":{"a":1}},{"Item":{"a":2}}]}', {"items": "n", "each": "Item"}, ['{"a":1}', '{"a":2}']),
        ('{"n":[{"a":{"b":{"c":1}}}]}', {"items": "n", "each": "a.b"}, ['{"c":1}']),
        ('{"events":[],"x":1}', {"items": "events"}, []),
        ('{"events":null}', {"items": "events"}, []),
        ('{"event":{"a":1}}', {"items": "event"}, ['{"a":1}']),
        ('{"a":"]}","events":[{"b":"}],[{"}]}', {"items": "events"}, ['{"b":"}],[{"}']),
    ],
)  # fmt: skip
def test_events_are_the_bytes_that_the_sender_wrote(body, rules, found):
    assert bodies(body, **rules) == [each.encode() for each in found]


@pytest.mark.parametrize(
    ("body", "rules", "problem"),
    [
        ("{}", {"items": "events"}, "no list"),
        ('{"events":1}', {"items": "events"}, "no list"),
        ('{"events":"[]"}', {"items": "events"}, "no list"),
        ('{"events":[1]}', {"items": "events"}, "no object"),
        ('{"events":[[]]}', {"items": "events"}, "no object"),
        ('{"events":[{"a":1},{"b":1}]}', {"items": "events", "each": "a"}, "no object"),
        ('[{"a":1},null]', {}, "no object"),
        ('{"e":[{}]}', {"items": "e.*.c"}, "no list"),
        ("[{},{},{}]", {"max": 2}, "holds 3 events; at most 2"),
        ("[", {}, "not valid JSON"),
        ('"text"', {}, "no list"),
        ("a=1", {}, "not valid JSON"),
        (b"[{}\xff]", {}, "not valid JSON"),
        ('{"events":[{"a":1}],"events":[{"a":2}]}', {"items": "events"}, "twice"),
    ],
)
def test_what_cannot_be_split_is_malformed(body, rules, problem):
    with pytest.raises(MalformedRequest, match=problem):
        items(body, **rules)


def test_the_list_may_be_in_a_form_field():
    (item,) = items(
        "mandrill_events=%5B%7B%22event%22%3A%22send%22%7D%5D",
        {"Content-Type": FORM_TYPE},
        field="mandrill_events",
    )

    assert item.body == b'{"event":"send"}'
    assert compile_template("{item:event}").render(item.view) == b"send"


def test_a_form_without_the_field_holds_no_list():
    with pytest.raises(MalformedRequest, match="not JSON"):
        items("a=1", {"Content-Type": FORM_TYPE}, field="mandrill_events")


def test_an_item_is_read_beside_the_request_around_it():
    first, second = items('{"live":true,"events":[{"n":1.50},{"n":2}]}', items="events")

    read = compile_template("{json:live}:{item:n}").render

    assert (read(first.view), read(second.view)) == (b"true:1.50", b"true:2")
    assert second.view.item == {"n": 2}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(
    events=st.lists(st.dictionaries(st.text(), VALUES, max_size=4), max_size=5),
    around=st.dictionaries(st.text(), VALUES, max_size=3),
    indent=st.sampled_from((None, 0, 2)),
    plain=st.booleans(),
)
def test_any_json_is_split_as_it_is_parsed(events, around, indent, plain):
    body = json.dumps({**around, "events": events}, indent=indent, ensure_ascii=plain)

    found = items(body.encode("utf-8"), items="events")

    assert [item.view.item for item in found] == events
    assert all(item.body.decode() in body for item in found)


@given(st.binary(max_size=60), st.sampled_from(("", "a", "*", "a.*.b", "0")))
def test_any_bytes_are_split_or_malformed(body, path):
    try:
        found = items(body, items=path)
    except MalformedRequest:
        return
    assert all(json.loads(item.body) == item.view.item for item in found)
