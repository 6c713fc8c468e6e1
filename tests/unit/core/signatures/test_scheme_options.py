"""Promises about the defaults of a verification block."""

from datetime import timedelta

import pytest

from smart_api_integrations.core.signatures import Secret, compile_verification, verification_needs
from smart_api_integrations.core.signatures.scheme_options import hmac_scheme, signature_sources
from smart_api_integrations.errors import ConfigurationError


def test_what_is_not_said_is_hmac_sha256_of_the_body_in_the_usual_headers():
    scheme = hmac_scheme({})

    assert scheme.algorithm == "sha256"
    assert [str(text.template) for text in scheme.signed] == ["{body}"]
    assert str(scheme.signature.sources[0]) == "{header:X-Webhook-Signature|header:X-Signature}"
    assert scheme.timestamp is None


@pytest.mark.parametrize(
    ("options", "future"), [({}, 300), ({"tolerance": 60}, 60), ({"tolerance": 900}, 300), ({"future": 5}, 5)]
)
def test_the_future_is_never_wider_than_five_minutes_unless_it_is_said(options, future):
    scheme = hmac_scheme({"timestamp": {"from": "{header:T}", **options}})

    assert scheme.timestamp is not None
    assert scheme.timestamp.future == timedelta(seconds=future)


def test_a_time_that_is_nowhere_is_an_error():
    with pytest.raises(ConfigurationError, match="neither"):
        hmac_scheme({"timestamp": {"tolerance": 300}})


def test_one_source_or_several():
    assert len(signature_sources({"from": "{header:A}"})) == 1
    assert len(signature_sources({"from": ["{header:A}", "{header:B}"]})) == 2


def test_a_part_of_a_list_that_is_not_there_is_an_error():
    with pytest.raises(ConfigurationError, match=r"signature\.list"):
        hmac_scheme({"timestamp": {"part": "t"}})


TOKEN = {"scheme": "token", "from": "{header:X}", "secret": {"env": "TOKEN"}}
SIGNED = {"scheme": "hmac", "secret": {"env": "SECRET", "encoding": "hex"}, "signed": "{env:ID}{body}"}


def test_several_ways_have_their_own_secrets():
    needs = verification_needs({"any_of": [TOKEN, {"all_of": [SIGNED, TOKEN]}]})

    assert [form.part for form in needs.forms] == ["0", "1.0", "1.1"]
    assert [form.encoding for form in needs.forms] == ["utf8", "hex", "utf8"]


def test_a_way_that_believes_everything_is_refused():
    with pytest.raises(ConfigurationError, match="scheme none"):
        compile_verification({"any_of": [TOKEN, {"scheme": "none"}]})


@pytest.mark.parametrize(
    ("options", "word"), [({"scheme": "hmac"}, "signing_secret_env"), ({"scheme": "asymmetric"}, "key:")]
)
def test_a_scheme_without_the_name_of_its_secret_is_an_error(options, word):
    with pytest.raises(ConfigurationError, match=word):
        verification_needs(options)


def test_an_algorithm_of_another_scheme_is_an_error():
    with pytest.raises(ConfigurationError, match="sha256"):
        hmac_scheme({"algorithm": "ed25519"})


def test_words_and_allowed_algorithms_may_be_one():
    scheme = hmac_scheme({"algorithm": {"from": "{header:A}", "allow": ["sha1", "sha256"]}})

    assert scheme.choice is not None
    assert scheme.choice.allowed == {"sha1": "sha1", "sha256": "sha256"}
    assert Secret(name="S", text="s", key=b"s").is_short
