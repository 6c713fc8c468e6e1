"""Promises about the keys that tell a duplicate."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.deduplication import dedupe_keys

SCOPE = {"tenant": "default", "provider": "github", "webhook_name": "default"}


def keys(event_id=None, signed=None, **scope):
    return dedupe_keys(**{**SCOPE, **scope}, event_id=event_id, signed=signed)


def test_keys_are_sixteen_bytes_one_for_the_id_and_one_for_the_signed_bytes():
    assert [len(key) for key in keys(b"1", b"body")] == [16, 16]


def test_a_captured_request_under_a_fresh_id_shares_the_key_of_its_signed_bytes():
    assert set(keys(b"1", b"body")) & set(keys(b"2", b"body"))


def test_an_honest_retry_that_is_signed_anew_shares_the_key_of_its_id():
    assert set(keys(b"1", b"17.body")) & set(keys(b"1", b"18.body"))


def test_without_an_id_and_a_signature_there_is_no_key():
    assert keys() == ()
    assert keys(b"") == ()


def test_an_empty_signed_text_is_a_text():
    assert len(keys(signed=b"")) == 1


@given(st.binary(min_size=1), st.binary(min_size=1))
def test_an_id_is_never_taken_for_signed_bytes_and_other_ids_are_other_keys(one, other):
    assert not set(keys(one)) & set(keys(signed=one))
    assert (keys(one) == keys(other)) is (one == other)


def test_tenants_providers_and_webhooks_never_meet():
    scopes = [{}, {"tenant": "t"}, {"provider": "p"}, {"webhook_name": "n"}, {"provider": "github-default"}]

    assert len({keys(b"1", **scope) for scope in scopes}) == len(scopes)
