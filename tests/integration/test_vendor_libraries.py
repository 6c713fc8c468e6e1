"""Our verdict is the vendors' own: what their libraries sign we accept, what we sign they accept.

And what they refuse we refuse. The other way round need not hold: their libraries take more than
their documents say (times as floats, several sizes of signature), which we do not. The rows stand in
``tests/oracles``, one table for each family of providers; a new table is found by itself.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import VerificationFailed
from smart_api_integrations.providers.catalogue import PACKAGED_DIR, Catalogue, Source, load_catalogue
from smart_api_integrations.providers.samples import known_events, signed_request
from smart_api_integrations.providers.webhook_yaml import read_provider_file
from tests.oracles.oracle import NOW, PUBLIC_URL, Oracle, with_key
from tests.oracles.tables import ORACLES

every_oracle = pytest.mark.parametrize("oracle", ORACLES, ids=str)
PROVIDERS = sorted(path.parent.name for path in PACKAGED_DIR.glob("*/webhook.yaml"))


def rows(*, where: Callable[[Oracle], bool]) -> pytest.MarkDecorator:
    """Run a test for the rows that can show what it promises."""
    return pytest.mark.parametrize("oracle", [each for each in ORACLES if where(each)], ids=str)


@pytest.fixture(scope="module", autouse=True)
def fixed_clocks() -> Iterator[None]:
    """Stop the clocks that the libraries read themselves."""
    with pytest.MonkeyPatch.context() as patch:
        for oracle in ORACLES:
            for target, clock in oracle.clocks.items():
                module, _, name = target.partition(":")
                patch.setattr(import_module(module), name, clock)  # by its own name: a class may hide it
        yield


def loaded(environs: Iterable[Mapping[str, str]]) -> Catalogue:
    merged: dict[str, str] = {}
    for environ in environs:
        assert all(merged.get(name, value) == value for name, value in environ.items()), environ
        merged |= environ
    return load_catalogue(providers_dir=None, environ=merged, public_url=PUBLIC_URL)


OURS = loaded(oracle.environ for oracle in ORACLES)
STRANGERS = loaded(oracle.other_environ for oracle in ORACLES)


def source_of(oracle: Oracle, catalogue: Catalogue = OURS) -> Source:
    key = oracle.fetched if catalogue is OURS else oracle.other_fetched
    return with_key(catalogue.source(oracle.provider, oracle.webhook), key)


def we_accept(source: Source, request: RawRequest) -> bool:
    try:
        source.webhook.verify(request, now=NOW)
    except VerificationFailed:
        return False
    return True


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_a_provider_says_it_is_checked_against_is_what_it_is_checked_against(provider):
    file = read_provider_file(PACKAGED_DIR / provider / "webhook.yaml")

    assert file.checked_against == sorted({each.library for each in ORACLES if each.provider == provider})


@every_oracle
def test_what_they_sign_we_accept(oracle):
    for body in oracle.bodies:
        request = oracle.signs(body)
        assert oracle.accepts(request)
        assert we_accept(source_of(oracle), request)


@rows(where=lambda oracle: oracle.any_body)
@given(value=st.recursive(st.none() | st.text(max_size=20), lambda inner: st.lists(inner, max_size=3)))
@settings(max_examples=20)
def test_whatever_text_they_sign_we_accept(oracle, value):
    body = json.dumps({"type": "x", "value": value}, ensure_ascii=False).encode("utf-8", "replace")

    assert we_accept(source_of(oracle), oracle.signs(body))


@rows(where=lambda oracle: oracle.ours)
def test_what_we_sign_they_accept(oracle):
    source = source_of(oracle)

    for event in (*known_events(source), *(("anything.else",) if oracle.any_event else ())):
        request = signed_request(source, event, now=NOW, delivery_id="delivery-1", secret=oracle.signer)
        assert oracle.accepts(request), event


@every_oracle
def test_under_another_key_we_refuse_what_they_sign(oracle):
    assert not we_accept(source_of(oracle, STRANGERS), oracle.signs(oracle.bodies[0]))


@rows(where=lambda oracle: oracle.ours)
def test_under_another_key_they_refuse_what_we_sign(oracle):
    stranger = source_of(oracle, STRANGERS)

    for event in known_events(stranger):
        request = signed_request(stranger, event, now=NOW, delivery_id="1", secret=oracle.other_signer)
        assert not oracle.accepts(request)


@rows(where=lambda oracle: oracle.covers_body)
def test_a_changed_body_neither_they_nor_we_accept(oracle):
    for body in oracle.bodies:
        request = oracle.signs(body)
        for changed in (request.body.replace(b"1", b"2", 1), request.body + b" "):
            variant = replace(request, body=changed)
            assert not oracle.accepts(variant) or changed == request.body
            assert not we_accept(source_of(oracle), variant) or changed == request.body


def _variants(request: RawRequest) -> Iterator[RawRequest]:
    headers = {name: request.headers[name] for name in request.headers}
    flips = (
        request.body[:place] + bytes([request.body[place] ^ 1]) + request.body[place + 1 :]
        for place in range(0, len(request.body), max(1, len(request.body) // 16))
    )
    for body in (request.body + b" ", b"", *flips):
        yield replace(request, body=body)
    yield replace(request, headers=Headers({}))
    for name, value in headers.items():
        others = {known: text for known, text in headers.items() if known != name}
        yield replace(request, headers=Headers(others))
        for change in (
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
            base64.b64encode(value.encode()).decode(),
        ):
            yield replace(request, headers=Headers({**others, name: change}))


@every_oracle
def test_what_they_refuse_we_refuse(oracle):
    requests = list(_variants(oracle.signs(oracle.bodies[0])))
    refused = [request for request in requests if not oracle.accepts(request)]

    assert len(refused) > len(requests) / 3 or not oracle.covers_body
    assert refused
    assert [request for request in refused if we_accept(source_of(oracle), request)] == []


@pytest.mark.parametrize("provider", ["stripe", "slack", "standard_webhooks"])
@pytest.mark.parametrize("shift", [-301, 301])
def test_beyond_the_window_neither_they_nor_we_accept_except_stripes_future(provider, shift):
    oracle = next(each for each in ORACLES if each.provider == provider)
    source = source_of(oracle)
    # a minute further, because two of the libraries look at the running clock
    moment = NOW + timedelta(seconds=shift + (60 if shift > 0 else 0))
    request = signed_request(source, "x", now=moment, delivery_id="1")

    assert not we_accept(source, request)
    assert oracle.accepts(request) is (provider == "stripe" and shift > 0)


@pytest.mark.parametrize("body", [b"", b"=", b"a=1", b"[]", b'[{"type":"forged"}]'])
@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "application/json", "text/plain", ""]
)
def test_json_that_twilio_signed_cannot_be_sent_again_as_something_else(body, content_type):
    oracle = next(each for each in ORACLES if each.provider == "twilio")
    captured = oracle.signs(b'[{"type":"com.twilio.messaging.message.delivered","id":"EZ1"}]')
    headers = {**dict(captured.headers), "Content-Type": content_type}
    sent_again = replace(captured, headers=Headers(headers), body=body)

    assert oracle.accepts(captured)
    assert OURS.webhooks["twilio", "default"].verify(captured, now=NOW).proof.scheme == "hmac"
    with pytest.raises(VerificationFailed):
        OURS.webhooks["twilio", "default"].verify(sent_again, now=NOW)
    signature = captured.headers["X-Twilio-Signature"]
    validator = RequestValidator(oracle.environ["TWILIO_AUTH_TOKEN"])
    assert not validator.validate(captured.public_url, body.decode(), signature)
