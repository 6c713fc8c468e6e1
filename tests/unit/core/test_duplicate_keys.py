"""Promises about objects that say one key twice."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.duplicate_keys import may_repeat, refuse_repeated_keys
from smart_api_integrations.errors import DuplicateKeys, MalformedRequest

REPEATED = {
    "side by side": b'{"amount":1,"amount":100}',
    "equal values": b'{"a":1,"a":1}',
    "deep inside": b'{"data":[{"lines":[{"id":1,"id":2}]}]}',
    "far apart": b'{"id":1,"data":{"id":2},"more":[],"id":3}',
    "spelt with an escape": b'{"amount":1,"\\u0061mount":100}',
    "hidden by escaped colons": b'{"a":1,"a":"\\u003a"}',
    "hidden by an escaped colon in capitals": b'{"a":1,"a":"\\u003A"}',
    "three times": b'{"a":":::","a":"x","a":""}',
    "an empty key": b'{"":1,"":2}',
    "with blanks": b'{ "a" : 1 , "a" : 2 }',
}
UNIQUE = {
    "nothing": b"{}",
    "the same key in two objects": b'[{"id":1},{"id":2},{"data":{"id":3},"id":4}]',
    "colons in texts": b'{"at":"12:30:59","url":"https://example.com:8443/a"}',
    "an escaped colon": b'{"a":"\\u003a","b":"\\u003A"}',
    "a backslash before what looks escaped": b'{"a":"\\\\u003a"}',
    "no object": b'"a:a:a"',
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(alphabet='a:"\\u03é', max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet="ab:", max_size=2), inner, max_size=4)
    ),
    max_leaves=12,
)


def repeats(body):
    return may_repeat(body, orjson.dumps(orjson.loads(body)))


def refused(body):
    try:
        json.loads(body, object_pairs_hook=refuse_repeated_keys)
    except DuplicateKeys:
        return True
    return False


@pytest.mark.parametrize("body", REPEATED.values(), ids=REPEATED)
def test_a_key_that_is_there_twice_is_found(body):
    assert repeats(body)
    assert refused(body)


@pytest.mark.parametrize("body", UNIQUE.values(), ids=UNIQUE)
def test_what_only_looks_like_it_is_taken(body):
    assert not refused(body)


@pytest.mark.parametrize("body", [UNIQUE[name] for name in UNIQUE if "escaped" not in name])
def test_the_cheap_test_spares_the_usual_body_the_exact_one(body):
    assert not repeats(body)


@given(VALUES, st.sampled_from([None, 1]), st.booleans())
def test_the_cheap_test_doubts_no_body_without_backslashes_that_has_no_repeated_key(
    value, indent, ascii_only
):
    body = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()

    assert not refused(body)
    assert b"\\" in body or not repeats(body)


@given(VALUES, VALUES, VALUES)
def test_the_cheap_test_misses_no_repeated_key(first, middle, last):
    texts = [json.dumps(each) for each in (first, middle, last)]
    body = '{{"a":{},"b":{},"a":{}}}'.format(*texts).encode()

    assert repeats(body)


def test_it_is_malformed_and_tells_nothing_of_the_body():
    with pytest.raises(MalformedRequest) as caught:
        json.loads(
            b'{"4111111111111111":"hush","4111111111111111":2}', object_pairs_hook=refuse_repeated_keys
        )

    assert (caught.value.reason, caught.value.status_hint) == ("duplicate_keys", 400)
    assert "4111" not in str(caught.value)
    assert "hush" not in str(caught.value)
