"""Promises about signed samples."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from smart_api_integrations.errors import InvalidInput, SecretMissing
from smart_api_integrations.providers.catalogue import load_catalogue
from smart_api_integrations.providers.samples import known_events, signed_request

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECRET = "sample-secret-0123456789"
CATALOGUE = load_catalogue(
    providers_dir=None, environ={"GITHUB_WEBHOOK_SECRET": SECRET, "STRIPE_WEBHOOK_SECRET": SECRET}
)
GITHUB = CATALOGUE.source("github")
STRIPE = CATALOGUE.source("stripe")


def request_of(source, event, **options):
    return signed_request(source, event, now=NOW, delivery_id="delivery-1", **options)


def test_it_goes_to_the_webhooks_own_address():
    request = request_of(GITHUB, "push")

    assert (request.method, request.path) == ("POST", "/webhooks/github")
    assert request.headers["X-GitHub-Event"] == "push"
    assert request.headers["Content-Type"] == "application/json"


def test_a_type_alone_is_its_first_sample_and_a_type_with_its_action_that_one():
    assert json.loads(request_of(GITHUB, "pull_request").body)["action"] == "opened"
    assert json.loads(request_of(GITHUB, "pull_request.opened").body)["number"] == 42


def test_an_unknown_action_is_made_up_where_the_provider_has_actions():
    judged = GITHUB.webhook.judge(request_of(GITHUB, "pull_request.labeled"), now=NOW)

    assert (judged.event_type, judged.action) == ("pull_request", "labeled")


def test_a_payload_of_ones_own_is_completed_and_not_overwritten():
    payload = {"data": {"object": {"amount": 1}}, "id": "evt_mine"}

    judged = STRIPE.webhook.judge(request_of(STRIPE, "payment.succeeded", payload=payload), now=NOW)

    assert judged.event_type == "payment.succeeded"
    assert judged.event_id == "evt_mine"
    assert judged.payload["data"] == {"object": {"amount": 1}}
    assert payload == {"data": {"object": {"amount": 1}}, "id": "evt_mine"}


def test_placeholders_in_a_payload_of_ones_own_stay():
    body = request_of(STRIPE, "x", payload={"text": "{now}"}).body

    assert json.loads(body)["text"] == "{now}"


def test_a_sample_holds_no_placeholder_any_more():
    for source in (GITHUB, STRIPE):
        for event in known_events(source):
            body = request_of(source, event).body
            assert not any(word in body for word in (b"{now}", b"{unix}", b"{sha1}", b"{delivery_id}"))
    assert json.loads(request_of(STRIPE, "invoice.paid").body)["created"] == int(NOW.timestamp())


@pytest.mark.parametrize(
    ("event", "near"),
    [("Push", "push"), ("pull-request", "pull_request"), ("issues/opened", "issues.opened")],
)
def test_a_known_event_misspelt_is_told_with_the_right_word(event, near):
    with pytest.raises(InvalidInput, match=near):
        request_of(GITHUB, event)


@pytest.mark.parametrize("event", ["", " ", "a b", "a\nb", "*", "x" * 300, "é"])
def test_what_cannot_be_a_type_is_told_with_the_known_ones(event):
    with pytest.raises(InvalidInput, match="pull_request"):
        request_of(GITHUB, event)


@pytest.mark.parametrize(
    ("provider", "near"), [("gitub", "github"), ("Stripe", "stripe"), ("zzz", "shopify")]
)
def test_an_unknown_provider_is_told_with_the_nearest(provider, near):
    with pytest.raises(InvalidInput, match=near):
        CATALOGUE.source(provider)


def test_an_unknown_webhook_of_a_known_provider_is_told():
    with pytest.raises(InvalidInput, match="webhook 'other' is unknown; known are default"):
        CATALOGUE.source("github", "other")


def test_without_a_secret_it_names_the_variable():
    with pytest.raises(SecretMissing, match="SLACK_SIGNING_SECRET"):
        request_of(CATALOGUE.source("slack"), "message")


def test_a_secret_that_is_given_wins():
    other = request_of(GITHUB, "push", secret="another-secret-0123456789").headers["X-Hub-Signature-256"]

    assert other != request_of(GITHUB, "push").headers["X-Hub-Signature-256"]


def test_a_payload_that_is_a_list_or_holds_something_else_in_the_place_is_sent_as_it_is():
    assert request_of(GITHUB, "push", payload=[1]).body == b"[1]"
    slack = CATALOGUE.source("slack")
    assert (
        request_of(slack, "x", payload={"event": 1}, secret=SECRET).body
        == b'{"event":1,"type":"x","event_id":"delivery-1"}'
    )


def test_a_webhook_that_is_not_verified_gets_an_unsigned_request(tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "webhook.yaml").write_text("webhooks: {inbox: {verify_signature: false}}")
    source = load_catalogue(providers_dir=tmp_path, environ={}).source("open", "inbox")

    request = request_of(source, "order.created")

    assert request.path == "/webhooks/open/inbox"
    assert list(request.headers) == ["Content-Type"]
    assert source.webhook.judge(request, now=NOW).event_type == "order.created"


def test_a_webhook_with_a_verifier_of_its_own_cannot_be_signed_for(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "webhook.yaml").write_text(
        "webhooks: {default: {verification_type: custom, signing_secret_env: MINE}}"
    )
    source = load_catalogue(providers_dir=tmp_path, environ={"MINE": SECRET}).source("mine")

    with pytest.raises(InvalidInput, match="verifier of its own"):
        request_of(source, "order.created")


def test_the_body_of_a_sample_gets_no_place_that_it_has_not():
    meta = CATALOGUE.source("meta")

    body = json.loads(request_of(meta, "page", secret=SECRET).body)

    assert set(body) == {"object", "entry"}


def test_a_made_up_event_says_what_it_is_where_the_kind_is_a_key():
    telegram = CATALOGUE.source("telegram")

    body = json.loads(request_of(telegram, "poll", secret=SECRET).body)

    assert body["update_id"] == "delivery-1"
    assert set(body) == {"poll", "update_id"}
