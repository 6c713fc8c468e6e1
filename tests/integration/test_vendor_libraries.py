"""Our verdict is the vendors' own: what their libraries sign we accept, what we sign they accept.

And what they refuse we refuse. The other way round need not hold: their libraries take more than
their documents say (times as floats, several sizes of signature), which we do not.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from types import SimpleNamespace

import gidgethub
import gidgethub.sansio
import pytest
import standardwebhooks
import stripe
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.signature import Clock, SignatureVerifier

from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import VerificationFailed
from smart_api_integrations.providers.catalogue import Catalogue, load_catalogue
from smart_api_integrations.providers.samples import known_events, signed_request

GITHUB = "sample-secret-of-github"
STRIPE = "whsec_sample_secret_of_stripe"
SLACK = "8f742231b10e8888abcd99yyyzzz85a5"
STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())


class _FixedDatetime(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return NOW.astimezone(tz)


@pytest.fixture(scope="module", autouse=True)
def fixed_clocks() -> Iterator[None]:
    """Stop the clocks that standardwebhooks and stripe read themselves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("standardwebhooks.webhooks.datetime", _FixedDatetime)
        patch.setattr("stripe._webhook.time", SimpleNamespace(time=lambda: SECONDS))
        yield


class _FixedClock(Clock):
    def now(self) -> float:
        return float(SECONDS)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    environ = {
        "GITHUB_WEBHOOK_SECRET": GITHUB,
        "STRIPE_WEBHOOK_SECRET": STRIPE,
        "SLACK_SIGNING_SECRET": SLACK,
        "STANDARD_WEBHOOKS_SECRET": STANDARD,
    }
    return load_catalogue(providers_dir=None, environ=environ)


def github_accepts(request: RawRequest) -> bool:
    try:
        gidgethub.sansio.validate_event(
            request.body, signature=request.headers.get("X-Hub-Signature-256", ""), secret=GITHUB
        )
    except (gidgethub.ValidationFailure, TypeError):
        return False
    return True


def stripe_accepts(request: RawRequest) -> bool:
    try:
        stripe.WebhookSignature.verify_header(
            request.body.decode(), request.headers.get("Stripe-Signature"), STRIPE, tolerance=300
        )
    except (stripe.SignatureVerificationError, ValueError, TypeError):
        return False
    return True


def slack_accepts(request: RawRequest) -> bool:
    verifier = SignatureVerifier(SLACK, clock=_FixedClock())
    try:
        return verifier.is_valid_request(request.body, dict(request.headers))
    except (ValueError, TypeError):
        return False


def standard_accepts(request: RawRequest) -> bool:
    try:
        standardwebhooks.Webhook(STANDARD).verify(request.body, dict(request.headers), json_parse=False)
    except (standardwebhooks.WebhookVerificationError, ValueError):
        return False
    return True


def github_signs(body: bytes) -> dict[str, str]:
    # gidgethub verifies only; GitHub's page gives this line: https://docs.github.com/en/webhooks
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(GITHUB.encode(), body, hashlib.sha256).hexdigest()}


def stripe_signs(body: bytes) -> dict[str, str]:
    made = stripe.WebhookSignature.generate_signature_header(body.decode(), STRIPE, timestamp=SECONDS)
    return {"Stripe-Signature": made}


def slack_signs(body: bytes) -> dict[str, str]:
    made = SignatureVerifier(SLACK).generate_signature(timestamp=str(SECONDS), body=body)
    return {"X-Slack-Signature": str(made), "X-Slack-Request-Timestamp": str(SECONDS)}


def standard_signs(body: bytes) -> dict[str, str]:
    made = standardwebhooks.Webhook(STANDARD).sign("msg_1", NOW, body.decode())
    return {"webhook-id": "msg_1", "webhook-timestamp": str(SECONDS), "webhook-signature": made}


Accepts = Callable[[RawRequest], bool]
Signs = Callable[[bytes], dict[str, str]]
ORACLES: dict[str, tuple[Signs, Accepts]] = {
    "github": (github_signs, github_accepts),
    "stripe": (stripe_signs, stripe_accepts),
    "slack": (slack_signs, slack_accepts),
    "standard_webhooks": (standard_signs, standard_accepts),
}
PROVIDERS = list(ORACLES)


def we_accept(catalogue: Catalogue, provider: str, request: RawRequest) -> bool:
    try:
        catalogue.source(provider).webhook.verify(request, now=NOW)
    except VerificationFailed:
        return False
    return True


@pytest.mark.parametrize("provider", PROVIDERS)
@given(value=st.recursive(st.none() | st.text(max_size=20), lambda inner: st.lists(inner, max_size=3)))
@settings(max_examples=40)
def test_what_they_sign_we_accept(catalogue, provider, value):
    signs, _ = ORACLES[provider]
    body = json.dumps({"type": "x", "value": value}, ensure_ascii=False).encode("utf-8", "replace")

    assert we_accept(catalogue, provider, RawRequest(headers=Headers(signs(body)), body=body))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_we_sign_they_accept(catalogue, provider):
    source = catalogue.source(provider)

    for event in (*known_events(source), "anything.else"):
        request = signed_request(source, event, now=NOW, delivery_id="delivery-1")
        assert ORACLES[provider][1](request), event


def _variants(headers: dict[str, str], body: bytes) -> list[tuple[dict[str, str], bytes]]:
    made: list[tuple[dict[str, str], bytes]] = [(headers, body + b" "), (headers, b""), ({}, body)]
    for name, value in headers.items():
        others = {known: text for known, text in headers.items() if known != name}
        made.append((others, body))
        changes = (
            "",
            " ",
            "x",
            value[:-1],
            value + "0",
            value[1:],
            value.replace("1", "2"),
            "v1,",
            "sha256=",
            "é",
        )
        made += [({**others, name: change}, body) for change in changes]
        made.append(({**others, name: base64.b64encode(value.encode()).decode()}, body))
    return made


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_they_refuse_we_refuse(catalogue, provider):
    signs, accepts = ORACLES[provider]
    body = b'{"type":"x","id":"1"}'
    requests = [RawRequest(headers=Headers(h), body=b) for h, b in _variants(signs(body), body)]
    refused = [request for request in requests if not accepts(request)]

    assert len(refused) > len(requests) / 2
    assert [request for request in refused if we_accept(catalogue, provider, request)] == []


@pytest.mark.parametrize("provider", ["stripe", "slack", "standard_webhooks"])
@pytest.mark.parametrize("shift", [-301, 301])
def test_beyond_the_window_neither_they_nor_we_accept_except_stripes_future(catalogue, provider, shift):
    source = catalogue.source(provider)
    # a minute further, because two of the libraries look at the running clock
    request = signed_request(
        source, "x", now=NOW + timedelta(seconds=shift + (60 if shift > 0 else 0)), delivery_id="1"
    )

    assert not we_accept(catalogue, provider, request)
    assert ORACLES[provider][1](request) is (provider == "stripe" and shift > 0)
