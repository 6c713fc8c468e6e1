"""The factory of signed requests: every provider's are believed, and say what they are about."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.signatures.fetched_keys import FetchedKeyScheme
from smart_api_integrations.core.webhook_schema import Headers, WebhookEvent
from smart_api_integrations.errors import (
    InvalidInput,
    NotFound,
    SecretMissing,
    TimestampTooOld,
    VerificationFailed,
)
from smart_api_integrations.providers.catalogue import load_catalogue, load_definitions
from smart_api_integrations.providers.made_secrets import key_pair
from smart_api_integrations.providers.samples import EXAMPLE_URL, known_events
from smart_api_integrations.testing.signed_webhooks import (
    TEST_SECRET,
    SignedWebhooks,
    laid_over,
    secrets_for_tests,
)

SIGNABLE = sorted(
    {
        provider
        for (provider, name), definition in load_definitions(None).items()
        if name == "default"
        and definition.secret_form is not None
        and definition.secret_form.names[0] in secrets_for_tests(None)
    }
)


@pytest.fixture
def webhook(monkeypatch):
    """Return the factory, with a secret for every provider."""
    for name, value in secrets_for_tests(None).items():
        monkeypatch.setenv(name, value)
    return SignedWebhooks()


def judged(hook, *, now=None):
    """Return what the application's own configuration makes of a request."""
    source = load_catalogue(providers_dir=None, environ=os.environ).source(hook.provider)
    return replace(source.webhook, allowed_networks=()).judge(hook.request, now=now or datetime.now(UTC))


class TestEveryProvider:
    @pytest.mark.parametrize("provider", SIGNABLE)
    def test_its_request_is_believed(self, webhook, provider):
        source = load_catalogue(providers_dir=None, environ={}).source(provider)
        event = (*known_events(source), "thing.happened")[0]

        hook = webhook(provider, event)

        assert judged(hook).event_type == hook.event.type
        assert event in {hook.event.type, f"{hook.event.type}.{hook.event.action}"}

    @pytest.mark.parametrize("provider", SIGNABLE)
    def test_with_a_wrong_signature_it_is_refused(self, webhook, provider):
        source = load_catalogue(providers_dir=None, environ={}).source(provider)
        hook = webhook(provider, (*known_events(source), "thing.happened")[0], bad_signature=True)

        with pytest.raises(VerificationFailed):
            judged(hook)

    def test_the_seeds_three_are_among_them(self):
        assert {"stripe", "github", "slack"} <= set(SIGNABLE)


class TestFactory:
    def test_it_is_called_by_name_or_by_attribute(self, webhook):
        assert webhook.github("push").event.type == webhook("github", "push").event.type == "push"

    def test_each_request_is_another_event(self, webhook):
        assert webhook.github("push").event.event_id != webhook.github("push").event.event_id

    def test_a_payload_takes_the_samples_place(self, webhook):
        hook = webhook.github("push", {"ref": "refs/heads/mine"})

        assert hook.payload == {"ref": "refs/heads/mine"}
        assert judged(hook).payload == {"ref": "refs/heads/mine"}

    def test_changes_are_laid_over_the_sample_and_signed(self, webhook):
        hook = webhook.github("push", repository={"full_name": "octo/changed"})

        assert judged(hook).payload["repository"]["full_name"] == "octo/changed"
        assert set(hook.payload["repository"]) > {"full_name"}

    def test_a_request_may_be_old(self, webhook):
        hook = webhook.stripe("invoice.paid", now=datetime.now(UTC) - timedelta(hours=1))

        with pytest.raises(TimestampTooOld):
            judged(hook)

    def test_a_secret_of_ones_own_signs_it(self, webhook, monkeypatch):
        hook = webhook.github("push", secret="one that the application does not have")
        with pytest.raises(VerificationFailed):
            judged(hook)

        monkeypatch.setenv("GITHUB_WEBHOOK_SECRET", "one that the application does not have")
        assert judged(hook).event_type == "push"

    def test_the_event_is_what_a_handler_gets(self, webhook):
        event = webhook.github("pull_request.opened").event

        assert isinstance(event, WebhookEvent)
        assert (event.provider, event.type, event.action, event.verified) == (
            "github", "pull_request", "opened", True,
        )  # fmt: skip
        assert event.headers["HTTP_X_GITHUB_EVENT"] == "pull_request"
        assert event.body

    def test_djangos_client_gets_its_spelling_of_the_headers(self, webhook):
        hook = webhook.github("push")

        assert hook.content_type == "application/json"
        assert hook.wsgi_headers["HTTP_X_GITHUB_EVENT"] == "push"
        assert not any("CONTENT" in name for name in hook.wsgi_headers)

    def test_ones_own_provider_is_known(self, webhook, tmp_path, monkeypatch):
        (tmp_path / "myapi").mkdir()
        (tmp_path / "myapi" / "webhook.yaml").write_text(
            "webhooks:\n  default: {signing_secret_env: MYAPI_WEBHOOK_SECRET}\n"
            "  billing: {signing_secret_env: MYAPI_BILLING_SECRET}\n"
        )
        made = secrets_for_tests(tmp_path)
        assert made["MYAPI_BILLING_SECRET"] == TEST_SECRET
        for name, value in made.items():
            monkeypatch.setenv(name, value)

        hook = SignedWebhooks(tmp_path)("myapi", "invoice.paid", webhook_name="billing")

        assert hook.path == "/webhooks/myapi/billing"
        assert (hook.event.type, hook.event.webhook_name) == ("invoice.paid", "billing")

    def test_what_cannot_be_made_is_told(self, webhook, monkeypatch):
        with pytest.raises(NotFound, match="githup"):
            webhook.githup("push")
        with pytest.raises(InvalidInput, match="is unknown"):
            webhook.github("Push")
        with pytest.raises(InvalidInput, match="no object"):
            webhook.github("push", [1], ref="x")
        monkeypatch.delenv("GITHUB_WEBHOOK_SECRET")
        with pytest.raises(SecretMissing, match="GITHUB_WEBHOOK_SECRET"):
            webhook.github("push")

    def test_the_bytes_do_not_show_in_a_failing_test(self, webhook):
        hook = webhook.github("push", {"password": "hunter2"})

        assert "hunter2" not in repr(hook)

    def test_it_can_be_copied_and_inspected_without_making_providers_up(self, webhook):
        with pytest.raises(AttributeError):
            webhook.__wrapped__  # noqa: B018 - what inspection does


def test_a_secret_that_is_set_is_left_alone(monkeypatch):
    monkeypatch.setenv("GITHUB_WEBHOOK_SECRET", "mine")

    assert "GITHUB_WEBHOOK_SECRET" not in secrets_for_tests(None)


@given(
    below=st.recursive(
        st.dictionaries(st.text(max_size=3), st.integers()),
        lambda inner: st.dictionaries(st.text(max_size=3), inner),
        max_leaves=6,
    ),
    changes=st.dictionaries(st.text(max_size=3), st.integers()),
)
def test_changes_win_and_nothing_else_is_lost(below, changes):
    before = repr(below)
    merged = laid_over(below, changes)

    assert {name: merged[name] for name in changes} == changes
    assert set(merged) == set(below) | set(changes)
    assert repr(below) == before


def test_headers_keep_the_signature(webhook):
    assert "x-hub-signature-256" in Headers(webhook.github("push").headers)


PACKAGED = sorted({provider for provider, name in load_definitions(None) if name == "default"})


@pytest.mark.parametrize("provider", PACKAGED)
def test_every_packaged_provider_has_requests_that_verify_and_forged_ones(webhook, provider):
    """Also those that sign with a private key, and those whose public key would be fetched."""
    catalogue = load_catalogue(providers_dir=None, environ=os.environ, public_url=EXAMPLE_URL)
    source = catalogue.source(provider)
    own = source.webhook
    event = (*known_events(source), "thing.happened")[0]
    hook, forged = webhook(provider, event), webhook(provider, event, bad_signature=True)
    if isinstance(own.scheme, FetchedKeyScheme):
        own = replace(own, secrets=(key_pair(own.scheme.address.algorithms[0]).secret,))

    assert own.judge(hook.request, now=datetime.now(UTC)).event_type == hook.event.type
    with pytest.raises(VerificationFailed):
        own.judge(forged.request, now=datetime.now(UTC))
