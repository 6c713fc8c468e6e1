"""Promises that every scheme keeps."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.signatures import SCHEMES, Secret, Verified
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import VerificationFailed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = Secret(name="S", text="s" * 16, key=b"s" * 16)


_ALGORITHMS = {"asymmetric": "ed25519"}  # it has no default


@pytest.mark.parametrize("name", SCHEMES)
def test_a_scheme_is_named_as_it_is_configured(name):
    assert SCHEMES[name]({"algorithm": _ALGORITHMS[name]} if name in _ALGORITHMS else {}).name == name


@pytest.mark.parametrize("name", SCHEMES)
@given(value=st.text(max_size=100), body=st.binary(max_size=100))
def test_whatever_comes_in_a_scheme_verifies_or_refuses(name, value, body):
    view = RequestView(RawRequest(headers=Headers({"X-Signature": value}), body=body))

    try:
        verified = SCHEMES[name]({"algorithm": _ALGORITHMS[name]} if name in _ALGORITHMS else {}).verify(
            view, now=NOW, secrets=(SECRET,)
        )
    except VerificationFailed:
        return
    assert isinstance(verified, Verified)
    assert name == "none"
