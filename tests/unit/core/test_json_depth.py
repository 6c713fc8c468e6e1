"""Promises about depth: what is accepted can be handled, what is too deep is refused at once."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.json_depth import DEEPEST, refuse_deep
from smart_api_integrations.core.webhook_schema import parse_json
from smart_api_integrations.errors import MalformedRequest


def arrays(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def objects(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


@pytest.mark.parametrize("made", [arrays, objects])
def test_the_deepest_that_is_taken_can_be_copied_and_written(made):
    value = parse_json(made(DEEPEST))

    assert json.dumps(copy.deepcopy(value), separators=(",", ":")).encode() == made(DEEPEST)


@pytest.mark.parametrize("made", [arrays, objects])
@pytest.mark.parametrize("levels", [DEEPEST + 1, 900, 5000, 100_000])
def test_one_level_more_is_malformed(made, levels):
    with pytest.raises(MalformedRequest):
        parse_json(made(levels))


def test_many_brackets_side_by_side_are_not_deep():
    body = b"[" + b",".join([b'{"a":[1]}'] * 1000) + b"]"

    assert len(parse_json(body)) == 1000


def test_brackets_in_texts_are_not_deep():
    assert parse_json(json.dumps("[{" * 1000).encode())


@given(levels=st.integers(min_value=1, max_value=DEEPEST * 2), beside=st.integers(min_value=0, max_value=400))
def test_the_bound_is_the_same_whatever_stands_beside(levels, beside):
    value = json.loads(arrays(levels))
    whole = [value, *([[]] * beside)]
    body = json.dumps(whole).encode()

    if levels + 1 > DEEPEST:
        with pytest.raises(MalformedRequest):
            refuse_deep(body, whole)
    else:
        refuse_deep(body, whole)
