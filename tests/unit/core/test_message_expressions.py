"""Filters and transformations of endpoints: what they read, what they come to, how they fail."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.message_expressions import (
    checked_expression,
    compiled,
    content_of,
    is_wanted,
    transformed,
)
from smart_api_integrations.core.outbound_message import message_body
from smart_api_integrations.errors import ExpressionError, InvalidInput

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def content(data: Any = None, metadata: Any = None) -> Any:
    return content_of(
        message_body(id="msg_1", event="order.paid", timestamp=NOON, data=data, metadata=metadata)
    )


@pytest.mark.parametrize(
    ("source", "data", "wanted"),
    [
        (None, {}, True),
        ("data.total > 100", {"total": 101}, True),
        ("data.total > 100", {"total": 100}, False),
        ("data.total > 100", {}, False),
        ("event == 'order.paid' && metadata.region == 'eu'", {}, True),
        ("id.startsWith('msg_') && timestamp.startsWith('2026')", {}, True),
        ("data.items.exists(item, item.sku == 'A')", {"items": [{"sku": "B"}, {"sku": "A"}]}, True),
    ],
)
def test_a_filter_reads_the_message(source: str | None, data: Any, wanted: bool) -> None:
    assert is_wanted(source, content(data, {"region": "eu"})) is wanted


@pytest.mark.parametrize("source", ["data.total > 100", "data.total"])
def test_a_filter_that_does_not_fit_says_neither(source: str) -> None:
    with pytest.raises(ExpressionError):
        is_wanted(source, content({"total": "a lot"}))


def test_a_transformation_is_the_whole_body() -> None:
    made = transformed("{'text': event + ': ' + string(data.total), 'ids': [id]}", content({"total": 5}))

    assert made == b'{"ids":["msg_1"],"text":"order.paid: 5"}'


@given(st.dictionaries(st.text(min_size=1), st.integers(-(2**53), 2**53), min_size=1))
def test_the_same_message_makes_the_same_bytes_every_time(data: dict[str, int]) -> None:
    source = "{'z': data, 'a': {'y': data, 'b': event}}"

    first = transformed(source, content(data))

    assert {transformed(source, content(data)) for _ in range(5)} == {first}
    assert json.loads(first) == {"z": data, "a": {"y": data, "b": "order.paid"}}


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("data.nothing", "comes to nothing"),
        ("data.list + 'x'", "cannot be computed"),
        ("[data.long]", "at most"),
    ],
)
def test_a_transformation_that_fails_says_why(source: str, told: str) -> None:
    with pytest.raises(ExpressionError, match=told):
        transformed(source, content({"list": [1], "long": "x" * 200}), max_bytes=100)


@pytest.mark.parametrize("value", ["data.", "nobody.total > 1", 5, "x" * 5000, "data.all(x, f(x))"])
def test_an_expression_is_checked_before_it_is_kept(value: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^filter: "):
        checked_expression("filter", value)


def test_nothing_is_no_expression_and_one_is_compiled_once() -> None:
    assert checked_expression("filter", None) is None
    assert checked_expression("filter", "") is None
    assert compiled("data.total > 1") is compiled("data.total > 1")
