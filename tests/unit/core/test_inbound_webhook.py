"""Promises about the judgement of a request."""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from smart_api_integrations.core.extraction import Extraction
from smart_api_integrations.core.inbound_webhook import BodyRules, InboundWebhook
from smart_api_integrations.core.signatures import Secret
from smart_api_integrations.core.signatures.none_scheme import NoneScheme
from smart_api_integrations.core.signatures.scheme_options import hmac_scheme
from smart_api_integrations.core.source_addresses import parse_networks
from smart_api_integrations.core.templates import compile_template
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import (
    MalformedRequest,
    SignatureMismatch,
    SignatureMissing,
    VerificationFailed,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = b"sample-secret-0123456789"
WEBHOOK = InboundWebhook(
    provider="github",
    scheme=hmac_scheme({"signature": {"from": "{header:X-Sig}"}}),
    secrets=(Secret(name="HOOK", text=KEY.decode(), key=KEY),),
    signature=compile_template("{header:X-Sig}"),
    extraction=Extraction(
        event_type=compile_template("{header:X-Event}"),
        action=compile_template("{json:action?}"),
        event_id=compile_template("{header:X-Delivery}"),
    ),
    body=BodyRules(form_json_field="payload"),
)


def signed(body: bytes, headers=(), **request) -> RawRequest:
    signature = hmac.digest(KEY, body, "sha256").hex()
    return RawRequest(headers=Headers([*headers, ("X-Sig", signature)]), body=body, **request)


def test_a_request_is_judged_whole():
    headers = [("X-Event", "pull_request"), ("X-Delivery", "d-1")]

    judged = WEBHOOK.judge(signed(b'{"action":"opened"}', headers), now=NOW)

    assert (judged.event_type, judged.action, judged.event_id) == ("pull_request", "opened", "d-1")
    assert judged.payload == {"action": "opened"}
    assert judged.proof.secret_name == "HOOK"
    assert len(judged.dedupe_keys) == 2


def test_an_unverified_body_is_never_parsed():
    def explode(body: bytes):
        raise AssertionError(body)

    with pytest.raises(SignatureMissing):
        WEBHOOK.judge(RawRequest(headers=Headers(), body=b"{"), now=NOW, parse_json=explode)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 200_000, b"NaN"])
def test_a_verified_body_that_cannot_be_read_says_that_it_had_verified(body):
    with pytest.raises(MalformedRequest) as caught:
        WEBHOOK.judge(signed(body), now=NOW)

    assert caught.value.verified is True
    assert caught.value.status_hint == 400


def test_an_event_header_that_is_there_twice_is_malformed_after_verification():
    with pytest.raises(MalformedRequest) as caught:
        WEBHOOK.judge(signed(b"{}", [("X-Event", "a"), ("X-Event", "b")]), now=NOW)

    assert caught.value.verified is True


def test_two_ids_that_differ_beyond_what_is_shown_are_two_events():
    one, other = (
        WEBHOOK.judge(signed(body, [("X-Delivery", "x" * 300 + body.decode("latin-1"))]), now=NOW)
        for body in (b"1", b"2")
    )

    assert one.event_id == other.event_id
    assert not set(one.dedupe_keys) & set(other.dedupe_keys)


def test_without_a_signature_scheme_and_an_id_nothing_is_a_duplicate():
    webhook = replace(WEBHOOK, scheme=NoneScheme())

    assert webhook.judge(RawRequest(headers=Headers(), body=b"{}"), now=NOW).dedupe_keys == ()


class Verifier:
    def __init__(self):
        self.asked = []

    def verify(self, payload, signature, secret, **kwargs):
        self.asked.append((payload, signature, secret))
        return signature == "yes"


def test_a_verifier_of_the_users_own_replaces_the_scheme():
    verifier = Verifier()
    request = RawRequest(headers=Headers({"X-Sig": "yes"}), body=b"{}")

    assert WEBHOOK.judge(request, now=NOW, verifier=verifier).proof.scheme == "custom"
    assert verifier.asked == [(b"{}", "yes", KEY.decode())]
    with pytest.raises(SignatureMismatch):
        WEBHOOK.judge(signed(b"{}"), now=NOW, verifier=verifier)


@pytest.mark.parametrize(("address", "listed"), [("10.0.0.7", True), ("10.0.1.7", False), (None, False)])
def test_a_request_from_an_address_that_is_not_listed_is_refused_though_it_is_signed(address, listed):
    webhook = replace(WEBHOOK, allowed_networks=parse_networks(["10.0.0.0/24"]))
    request = signed(b"{}", remote_address=address)

    if listed:
        assert webhook.verify(request, now=NOW).proof.secret_name == "HOOK"
    else:
        with pytest.raises(VerificationFailed, match="ip_whitelist"):
            webhook.verify(request, now=NOW)


def test_the_payload_can_be_read_again_from_what_is_kept():
    headers = Headers({"Content-Type": "application/x-www-form-urlencoded"})

    assert WEBHOOK.read_again(RawRequest(body=b"payload=%7B%22a%22%3A1%7D", headers=headers)) == (
        {"a": 1},
        None,
    )


def test_events_that_are_not_on_the_list_are_not_expected():
    webhook = replace(WEBHOOK, events=("push", "pull_request.opened"))

    assert webhook.expects("push")
    assert webhook.expects("pull_request", "opened")
    assert not webhook.expects("pull_request", "closed")
    assert not webhook.expects(None)
    assert WEBHOOK.expects(None)


def test_a_webhook_never_shows_its_secrets():
    assert KEY.decode() not in repr(WEBHOOK)
