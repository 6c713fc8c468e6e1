"""The parser that the gateway is given takes and refuses what the exact one does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.application.parts import parse_json
from smart_api_integrations.core import webhook_schema
from smart_api_integrations.core.json_depth import DEEPEST
from smart_api_integrations.errors import MalformedRequest

PIECES = st.lists(
    st.sampled_from(
        [b"{", b"}", b"[", b"]", b":", b",", b'"a"', b'"b"', b'"\\u0061"', b'"\\u003a"', b'":"', b"1", b" "]
    ),
    max_size=24,
).map(b"".join)


def verdict(parse, body):
    try:
        return parse(body)
    except MalformedRequest as error:
        return error.reason


@given(PIECES)
def test_it_agrees_with_the_exact_one(body):
    assert verdict(parse_json, body) == verdict(webhook_schema.parse_json, body)


@pytest.mark.parametrize("levels", [1, 253, 254, 255, DEEPEST - 1, DEEPEST, DEEPEST + 1, 300, 5000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_it_agrees_on_how_deep_is_too_deep(levels, opening, closing):
    body = opening * levels + b"1" + closing * levels

    assert verdict(parse_json, body) == verdict(webhook_schema.parse_json, body)


@pytest.mark.parametrize(
    "body", [b'{"a":1,"a":2}', b'{"a":{"b":1, "b":2}}', b'{"a":"\\u003a","a":1}', b'{"n":1e400,"n":1}']
)
def test_it_refuses_a_key_that_is_there_twice(body):
    assert verdict(parse_json, body) == "duplicate_keys"
