"""Every packaged provider, found by itself: its examples come out as written, its samples verify."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import parse_qsl

import pytest
import yaml

from smart_api_integrations import errors
from smart_api_integrations.core.webhook_schema import RawRequest
from smart_api_integrations.providers.catalogue import PACKAGED_DIR, Source, load_catalogue
from smart_api_integrations.providers.catalogue import PUBLIC_URL as PUBLIC_URL_VARIABLE
from smart_api_integrations.providers.examples import play
from smart_api_integrations.providers.samples import find_sample, known_events, signed_request
from smart_api_integrations.providers.webhook_yaml import ProviderFile, read_provider_file
from tests.oracles.oracle import PUBLIC_URL, with_key
from tests.oracles.tables import ORACLES

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
FILES = {path.parent.name: read_provider_file(path) for path in sorted(PACKAGED_DIR.glob("*/webhook.yaml"))}
UNMOUNTED = load_catalogue(providers_dir=None, environ={})
SOURCES = UNMOUNTED.describe()
EXAMPLES = [
    pytest.param(provider, example, id=f"{provider}: {example.why or number}")
    for provider, file in FILES.items()
    for number, example in enumerate(file.examples)
]
# The variables of every provider, as its row in the tables of oracles has them.
ROWS = {oracle.provider: oracle for oracle in sorted(ORACLES, key=lambda oracle: oracle.ours)}


def names(values):
    return [value.key[0] for value in values]


def mounted(source: Source) -> Source:
    """Return the source with its provider's secrets."""
    row = ROWS[source.key[0]]
    catalogue = load_catalogue(providers_dir=None, environ=row.environ, public_url=PUBLIC_URL)
    return with_key(catalogue.source(*source.key), row.fetched)


def sample(source: Source, event: str, *, delivery_id: str) -> RawRequest:
    """Return a signed request, by the private key where the provider signs with one."""
    signer = ROWS[source.key[0]].signer
    return signed_request(source, event, now=NOW, delivery_id=delivery_id, secret=signer)


def events_of(source: Source) -> tuple[str, ...]:
    """Return the events that there are samples of, and any other where the provider has such."""
    return (*known_events(source), *(("something.else",) if ROWS[source.key[0]].any_event else ()))


@pytest.mark.parametrize(("provider", "example"), EXAMPLES)
def test_an_example_comes_out_as_it_is_written(provider, example):
    assert play(UNMOUNTED.source(provider, example.webhook).definition, example) == example.expect


@pytest.mark.parametrize("provider", FILES)
def test_a_file_reads_alike_where_libyaml_is_not_built(provider):
    text = (PACKAGED_DIR / provider / "webhook.yaml").read_text("utf-8")

    assert ProviderFile.model_validate(yaml.safe_load(text)) == FILES[provider]


@pytest.mark.parametrize("provider", FILES)
def test_a_provider_is_documented_named_and_shown_by_example(provider):
    file = FILES[provider]
    outcomes = {example.expect for example in file.examples}

    assert file.title
    assert (file.documentation or "").startswith("https://")
    assert file.checked_against == sorted(file.checked_against) != []
    assert "accepted" in outcomes
    assert len(outcomes - {"accepted", "verified", "handshake"}) >= 3
    assert all(
        outcome in {"accepted", "verified", "handshake"} or hasattr(errors, outcome) for outcome in outcomes
    )
    assert len(file.samples) >= 3


@pytest.mark.parametrize("source", SOURCES, ids=names(SOURCES))
def test_a_provider_without_its_secret_is_not_mounted_and_says_what_is_missing(source):
    assert source.missing is not None
    assert source.missing.isupper()
    assert source.key not in UNMOUNTED.webhooks
    assert UNMOUNTED.unmounted[source.key] == source.missing


@pytest.mark.parametrize("source", SOURCES, ids=names(SOURCES))
def test_its_variables_alone_mount_it(source):
    environ = ROWS[source.key[0]].environ
    catalogue = load_catalogue(providers_dir=None, environ=environ, public_url=PUBLIC_URL)

    assert source.missing in {*environ, PUBLIC_URL_VARIABLE}
    assert source.key in catalogue.webhooks
    assert all(ROWS[provider].environ.keys() == environ.keys() for provider, _ in catalogue.webhooks)
    assert catalogue.paths[f"/webhooks/{source.key[0]}"] == source.key
    assert all("handshake is refused until" in warning for warning in catalogue.warnings)


@pytest.mark.parametrize("source", SOURCES, ids=names(SOURCES))
def test_every_sample_and_any_other_event_verifies_and_says_what_it_is(source):
    source = mounted(source)

    for event in events_of(source):
        request = sample(source, event, delivery_id="delivery-1")
        judged = source.webhook.judge(request, now=NOW)
        found = find_sample(source.definition.samples, event)
        assert event == ".".join(filter(None, (judged.event_type, judged.action)))
        assert found is None or (judged.event_type, judged.action) == (found.event, found.action)
        # a provider that sends no id is known by what it sends
        sent = {sha256(text).hexdigest() for text in (request.body, judged.body) if text is not None}
        known = {*sent, None if not source.webhook.signed_once else ""}
        assert judged.event_id in known or "delivery-1" in (judged.event_id or "")


@pytest.mark.parametrize("source", SOURCES, ids=names(SOURCES))
def test_two_deliveries_of_a_sample_are_two_events_and_the_same_twice_is_one(source):
    source = mounted(source)

    for event in events_of(source):
        one, again, other = (
            source.webhook.judge(sample(source, event, delivery_id=name), now=NOW) for name in ("1", "1", "2")
        )
        assert one.dedupe_keys == again.dedupe_keys
        assert not set(one.dedupe_keys) & set(other.dedupe_keys), event


BATCHED = [source for source in SOURCES if source.webhook.batch is not None]


def list_of(payload, path):
    for step in filter(None, path.split(".")):
        payload = payload[step]
    return payload


@pytest.mark.parametrize("source", BATCHED, ids=names(BATCHED))
def test_two_events_in_one_request_are_two_events(source):
    source = mounted(source)
    first, second, *_ = (sample(source, event, delivery_id=event) for event in events_of(source))
    field = source.webhook.body.form_json_field
    rules = source.webhook.batch
    expected = [source.webhook.judge(request, now=NOW) for request in (first, second)]

    whole, other = (
        json.loads(dict(parse_qsl(request.body.decode()))[field] if field else request.body)
        for request in (first, second)
    )
    list_of(whole, rules.items).extend(list_of(other, rules.items))
    content = {field: json.dumps(whole)} if field else whole
    event, signer = next(iter(events_of(source))), ROWS[source.key[0]].signer
    request = signed_request(source, event, now=NOW, delivery_id="d", payload=content, secret=signer)
    both = source.webhook.judge_all(request, now=NOW)

    assert [each.event_id for each in both] == [each.event_id for each in expected]
    assert [each.action for each in both] == [each.action for each in expected]
    if "{json:" not in str(source.webhook.extraction.event_type):  # Meta says it once, of all of them
        assert [each.event_type for each in both] == [each.event_type for each in expected]
    assert not set(both[0].dedupe_keys) & set(both[1].dedupe_keys)


def test_the_providers_that_send_several_events_at_once_are_these():
    assert {source.key[0] for source in BATCHED} == {
        "adyen", "asana", "auth0", "azure_event_grid", "gocardless", "hubspot", "line", "mandrill", "meta",
        "microsoft_graph", "okta", "sendgrid", "whatsapp",
    }  # fmt: skip
