"""What a handler's events are ordered by is read out of any payload without a fault."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.ordering_key import LONGEST_KEY, read_ordering_key
from smart_api_integrations.core.webhook_schema import WebhookEvent
from smart_api_integrations.errors import InvalidInput

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def key_of(path: str, payload: Any) -> str | None:
    return read_ordering_key(path, WebhookEvent(payload=payload))


@pytest.mark.parametrize("path", ["data.customer", "{json:data.customer}", "{json:data.customer?}"])
def test_a_path_is_written_plain_or_as_in_yaml(path):
    assert key_of(path, {"data": {"customer": "cus_1"}}) == "cus_1"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"a": {"b": 7}}, "7"),
        ({"a": {"b": 1.5}}, "1.5"),
        ({"a": {"b": ""}}, None),
        ({"a": {"b": None}}, None),
        ({"a": "text"}, None),
        ({"a": []}, None),
        ([], None),
        ("text", None),
    ],
)
def test_an_event_without_the_value_has_no_order(payload, expected):
    assert key_of("a.b", payload) == expected


@pytest.mark.parametrize(
    ("path", "expected"), [("lines.1", "b"), ("lines.2", None), ("lines.-1", None), ("lines.9999999", None)]
)
def test_a_list_is_read_by_number(path, expected):
    assert key_of(path, {"lines": ["a", "b"]}) == expected


@pytest.mark.parametrize("value", [{}, [], {"id": 1}])
def test_a_value_that_cannot_be_a_key_is_told(value):
    with pytest.raises(InvalidInput, match=r"ordering_key: customer gives a (dict|list)"):
        key_of("customer", {"customer": value})


def test_a_long_value_stands_for_itself_by_its_hash():
    long, longer = "x" * (LONGEST_KEY + 1), "x" * (LONGEST_KEY + 2)

    keys = {key_of("a", {"a": value}) for value in (long, longer)}

    assert {len(key or "") for key in keys} == {64}
    assert len(keys) == 2


@given(JSON, st.text())
def test_whatever_payload_and_path_the_key_is_short_text_or_a_clear_error(payload, path):
    try:
        key = key_of(path, payload)
    except InvalidInput:
        return
    assert key is None or 0 < len(key) <= LONGEST_KEY
