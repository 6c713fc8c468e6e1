"""Promises of the token scheme: the secret itself, compared whole."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.signatures import Secret
from smart_api_integrations.core.signatures.scheme_options import token_scheme
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import (
    InvalidInput,
    SignatureMalformed,
    SignatureMismatch,
    SignatureMissing,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NEW = Secret(name="NEW", text="new-token-0123456", key=b"new-token-0123456")
OLD = Secret(name="NEW_OLD", text="old-token-0123456", key=b"old-token-0123456")
BASIC = Secret(name="BASIC", text="user:pass:word", key=b"user:pass:word")

HEADER = token_scheme({"from": "{header:X-Token}"})
BEARER = token_scheme({"prefix": "Bearer "})
CREDENTIALS = token_scheme({"basic": True})
QUERY = token_scheme({"from": ["{header:X-Token}", "{query:token}"]})
EVERY = token_scheme({"from": "{json:value.*.clientState}"})


def verify(scheme, headers=None, *, query="", body=b"{}", secrets=(NEW, OLD), **variables):
    request = RawRequest(headers=Headers(headers or {}), query=query, body=body)
    return scheme.verify(RequestView(request, variables=variables), now=NOW, secrets=secrets)


def basic(text: bytes) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(text).decode()}


def test_a_token_proves_its_sender_and_signs_nothing():
    verified = verify(HEADER, {"X-Token": NEW.text})

    assert (verified.proof.scheme, verified.proof.secret_name) == ("token", "NEW")
    assert verified.signed is None


def test_during_a_rotation_the_old_one_is_told():
    proof = verify(HEADER, {"X-Token": OLD.text}).proof

    assert (proof.secret_name, proof.secret_index, proof.secrets_tried) == ("NEW_OLD", 1, 2)


@pytest.mark.parametrize("word", ["Bearer ", "bearer ", "BEARER  "])
def test_the_word_before_a_token_may_be_in_any_case(word):
    assert verify(BEARER, {"Authorization": word + NEW.text})


@pytest.mark.parametrize("value", [NEW.text, "Basic " + NEW.text, "Bearer" + NEW.text])
def test_another_word_before_it_is_malformed(value):
    with pytest.raises(SignatureMalformed):
        verify(BEARER, {"Authorization": value})


def test_an_optional_word_may_be_left_out():
    scheme = token_scheme({"prefix": "Bearer ", "prefix_optional": True})

    assert verify(scheme, {"Authorization": NEW.text})
    assert verify(scheme, {"Authorization": "Bearer " + NEW.text})


def test_basic_credentials_may_have_a_colon_in_the_password():
    assert verify(CREDENTIALS, basic(b"user:pass:word"), secrets=(BASIC,))


@pytest.mark.parametrize("text", [b"user:pass", b"user", b"", b"user:pass:word:"])
def test_other_credentials_are_a_mismatch(text):
    with pytest.raises((SignatureMismatch, SignatureMissing)):
        verify(CREDENTIALS, basic(text), secrets=(BASIC,))


@pytest.mark.parametrize("value", ["Basic %%%", "Basic é", "Bearer x", "Basic"])
def test_credentials_that_are_none_are_malformed(value):
    with pytest.raises(SignatureMalformed):
        verify(CREDENTIALS, {"Authorization": value}, secrets=(BASIC,))


def test_a_token_may_be_in_the_query():
    assert verify(QUERY, query="token=" + NEW.text)


@pytest.mark.parametrize("headers", [{}, {"X-Token": ""}, {"X-Token": " \t"}])
def test_none_or_a_blank_one_is_missing(headers):
    with pytest.raises(SignatureMissing):
        verify(HEADER, headers)


def test_without_any_secret_nothing_verifies():
    with pytest.raises(SignatureMismatch):
        verify(HEADER, {"X-Token": NEW.text}, secrets=())


def test_twice_is_malformed():
    with pytest.raises(SignatureMalformed):
        verify(HEADER, [("X-Token", NEW.text), ("X-Token", NEW.text)])


def test_every_item_must_carry_it():
    good = b'{"clientState":"new-token-0123456"}'

    assert verify(EVERY, body=b'{"value":[%s,%s]}' % (good, good))
    with pytest.raises(SignatureMismatch):
        verify(EVERY, body=b'{"value":[%s,{"clientState":"x"}]}' % good)
    with pytest.raises(SignatureMissing):
        verify(EVERY, body=b'{"value":[%s,{}]}' % good)
    with pytest.raises(SignatureMissing):
        verify(EVERY, body=b'{"value":[]}')


def test_what_is_required_beside_it_must_hold():
    scheme = token_scheme({"from": "{header:X-Token}", "require": {"{json:topic}": "{env:TOPIC}"}})
    headers = {"X-Token": NEW.text}

    assert verify(scheme, headers, body=b'{"topic":"t"}', TOPIC="t")
    for variables in ({"TOPIC": "u"}, {}):
        with pytest.raises(SignatureMismatch):
            verify(scheme, headers, body=b'{"topic":"t"}', **variables)


@pytest.mark.parametrize(
    ("scheme", "secret"), [(HEADER, NEW), (BEARER, NEW), (CREDENTIALS, BASIC), (QUERY, NEW)]
)
def test_what_it_signs_it_believes(scheme, secret):
    request = RawRequest(headers=Headers(), body=b"{}")

    made = scheme.sign(request, now=NOW, secrets=(secret,), message_id="1")

    assert scheme.verify(RequestView(made), now=NOW, secrets=(secret,))


def test_without_a_token_there_is_nothing_to_sign_with():
    with pytest.raises(InvalidInput):
        HEADER.sign(RawRequest(headers=Headers(), body=b""), now=NOW, secrets=(), message_id="1")


@given(bit=st.integers(min_value=0, max_value=8 * 17 - 1))
def test_any_flipped_bit_is_refused(bit):
    changed = bytearray(NEW.key)
    changed[bit // 8] ^= 1 << bit % 8

    with pytest.raises((SignatureMismatch, SignatureMissing)):
        verify(HEADER, {"X-Token": changed.decode("latin-1")})


@given(value=st.text(max_size=40))
def test_nothing_but_the_token_is_believed(value):
    try:
        verify(HEADER, {"X-Token": value})
    except (SignatureMismatch, SignatureMissing):
        return
    assert value.strip(" \t") in {NEW.text, OLD.text}
