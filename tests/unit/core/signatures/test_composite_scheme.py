"""Promises about several ways of verifying."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime

import pytest

from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.signatures import compile_verification, verification_needs
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import (
    InvalidInput,
    SignatureMismatch,
    SignatureMissing,
    VerificationFailed,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOKEN = {"scheme": "token", "from": "{header:X-Token}", "secret": {"env": "TOKEN"}}
SIGNED = {"scheme": "hmac", "signature": {"from": "{header:X-Sign}"}, "secret": {"env": "SECRET"}}
ENVIRON = {"TOKEN": "token-0123456789", "SECRET": "secret-0123456789"}
BODY = b"{}"
GOOD_TOKEN = {"X-Token": ENVIRON["TOKEN"]}
GOOD_SIGN = {"X-Sign": hmac.digest(ENVIRON["SECRET"].encode(), BODY, "sha256").hex()}


class Webhook:
    def __init__(self, options, environ) -> None:
        self.scheme = compile_verification(options)
        self.secrets = verification_needs(options).read(environ)

    def verify(self, headers):
        view = RequestView(RawRequest(headers=Headers(headers), body=BODY))
        return self.scheme.verify(view, now=NOW, secrets=self.secrets)


def any_of(**environ):
    return Webhook({"any_of": [TOKEN, SIGNED]}, environ)


def all_of(**environ):
    return Webhook({"all_of": [TOKEN, SIGNED]}, environ)


@pytest.mark.parametrize(("headers", "name"), [(GOOD_TOKEN, "TOKEN"), (GOOD_SIGN, "SECRET")])
def test_either_way_is_believed(headers, name):
    proof = any_of(**ENVIRON).verify(headers).proof

    assert proof.secret_name == name


def test_a_wrong_token_beside_a_good_signature_is_still_believed_by_the_signature():
    assert any_of(**ENVIRON).verify({**GOOD_SIGN, "X-Token": "x"}).proof.scheme == "hmac"


def test_a_way_without_its_secret_verifies_nothing():
    with pytest.raises(SignatureMissing):
        any_of(SECRET=ENVIRON["SECRET"]).verify(GOOD_TOKEN)
    with pytest.raises(SignatureMissing):
        any_of(TOKEN=ENVIRON["TOKEN"]).verify(GOOD_SIGN)


def test_without_any_secret_nothing_verifies():
    with pytest.raises(VerificationFailed):
        any_of().verify({**GOOD_SIGN, **GOOD_TOKEN})


@pytest.mark.parametrize("headers", [{"X-Sign": "00" * 32}, {"X-Token": "x"}])
def test_the_failure_that_says_more_is_told(headers):
    with pytest.raises(SignatureMismatch):
        any_of(**ENVIRON).verify(headers)


def test_the_key_of_one_way_is_not_the_key_of_another():
    with pytest.raises(SignatureMismatch):
        any_of(**ENVIRON).verify({"X-Token": ENVIRON["SECRET"]})


def test_where_all_are_needed_one_is_not_enough():
    webhook = all_of(**ENVIRON)

    verified = webhook.verify({**GOOD_TOKEN, **GOOD_SIGN})

    assert verified.signed == BODY
    for headers in (GOOD_TOKEN, GOOD_SIGN, {}, {**GOOD_TOKEN, "X-Sign": "00"}, {**GOOD_SIGN, "X-Token": "x"}):
        with pytest.raises(VerificationFailed):
            webhook.verify(headers)


@pytest.mark.parametrize("make", [any_of, all_of])
def test_what_it_signs_it_believes(make):
    webhook = make(**ENVIRON)
    request = RawRequest(headers=Headers(), body=BODY)

    signed = webhook.scheme.sign(request, now=NOW, secrets=webhook.secrets, message_id="1")

    assert webhook.verify(signed.headers)


def test_every_way_needs_a_secret_to_sign_with():
    webhook = all_of(**ENVIRON)

    with pytest.raises(InvalidInput):
        webhook.scheme.sign(
            RawRequest(headers=Headers(), body=BODY), now=NOW, secrets=webhook.secrets[:1], message_id="1"
        )


def test_the_spelling_of_the_url_that_one_way_tried_is_not_the_next_ones():
    by_url = {**SIGNED, "signed": "{url}"}
    tried = {**by_url, "url_variants": ["with_port"], "secret": {"env": "TOKEN"}}
    webhook = Webhook({"any_of": [tried, by_url]}, ENVIRON)

    def verify(url):
        made = hmac.digest(ENVIRON["SECRET"].encode(), url.encode(), "sha256").hex()
        request = RawRequest(
            headers=Headers({"X-Sign": made}), body=BODY, public_url="https://hooks.example.com/in"
        )
        return webhook.scheme.verify(RequestView(request), now=NOW, secrets=webhook.secrets)

    assert verify("https://hooks.example.com/in").proof.secret_name == "SECRET"
    with pytest.raises(SignatureMismatch):
        verify("https://hooks.example.com:443/in")
