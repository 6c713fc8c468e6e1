"""Promises of the scheme that believes everything."""

from datetime import UTC, datetime

from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.signatures.none_scheme import NoneScheme
from smart_api_integrations.core.webhook_schema import Headers, RawRequest

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REQUEST = RawRequest(headers=Headers(), body=b"x")


def test_it_believes_everything_and_its_proof_says_so():
    verified = NoneScheme().verify(RequestView(REQUEST), now=NOW, secrets=())

    assert verified.proof.scheme == "none"
    assert verified.signed is None


def test_it_signs_nothing():
    assert NoneScheme().sign(REQUEST, now=NOW, secrets=(), message_id="1") is REQUEST
