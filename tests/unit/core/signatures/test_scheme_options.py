"""Promises about the defaults of a verification block."""

from datetime import timedelta

import pytest

from smart_api_integrations.core.signatures.scheme_options import hmac_scheme, signature_sources
from smart_api_integrations.errors import ConfigurationError


def test_what_is_not_said_is_hmac_sha256_of_the_body_in_the_usual_headers():
    scheme = hmac_scheme({})

    assert scheme.algorithm == "sha256"
    assert str(scheme.signed) == "{body}"
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
