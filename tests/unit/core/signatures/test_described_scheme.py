"""Promises about the order of checks that hmac and asymmetric share; the rest is in their own files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.signatures import Secret
from smart_api_integrations.core.signatures.scheme_options import hmac_scheme
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import (
    InvalidInput,
    SignatureMismatch,
    SignatureMissing,
    TimestampMissing,
    TimestampTooOld,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = Secret(name="S", text="s" * 16, key=b"s" * 16)
SCHEME = hmac_scheme(
    {
        "signature": {"from": "{header:S}"},
        "timestamp": {"from": "{header:T}"},
        "signed": "{timestamp}{body}",
        "require": {"{json:topic}": "mine"},
    }
)


def signed(body: bytes) -> RawRequest:
    return SCHEME.sign(RawRequest(headers=Headers(), body=body), now=NOW, secrets=(SECRET,), message_id="1")


def verify(request: RawRequest, *, now: datetime = NOW, **changes: str):
    headers = Headers({**request.headers, **changes})
    view = RequestView(RawRequest(headers=headers, body=request.body))
    return SCHEME.verify(view, now=now, secrets=(SECRET,))


def test_what_is_required_beside_the_signature_is_judged_after_it():
    assert verify(signed(b'{"topic":"mine"}'))
    with pytest.raises(SignatureMismatch, match="topic"):
        verify(signed(b'{"topic":"yours"}'))
    with pytest.raises(SignatureMismatch, match="No secret"):
        verify(signed(b'{"topic":"yours"}'), S="00" * 32)


def test_a_forged_time_is_a_mismatch_and_a_true_old_one_too_old():
    good = signed(b'{"topic":"mine"}')
    late = NOW + timedelta(hours=1)

    with pytest.raises(TimestampTooOld):
        verify(good, now=late)
    with pytest.raises(SignatureMismatch):
        verify(good, now=late, T=str(int(late.timestamp())))


def test_the_signature_is_missed_before_the_time():
    bare = RawRequest(headers=Headers(), body=b"{}")

    with pytest.raises(SignatureMissing):
        verify(bare)
    with pytest.raises(TimestampMissing):
        verify(bare, S="00")


def test_without_a_secret_nothing_can_be_signed():
    with pytest.raises(InvalidInput):
        SCHEME.sign(RawRequest(headers=Headers(), body=b""), now=NOW, secrets=(), message_id="1")
