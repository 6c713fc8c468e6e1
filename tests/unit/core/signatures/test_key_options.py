"""A key's address is refused where it could lead anywhere."""

from __future__ import annotations

import pytest

from smart_api_integrations.core.signatures.key_options import key_address
from smart_api_integrations.errors import ConfigurationError


def test_a_key_in_a_variable_has_no_address():
    assert key_address({"env": "KEY"}) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"jwks_url": "https://a.example.com/k", "env": "KEY"}, "several places"),
        ({"jwks_url": "https://a.example.com/k", "cert_url": "https://a.example.com/c"}, "several places"),
        ({"jwks_url": "{header:X-Keys}"}, "allow_hosts"),
        ({"jwks_url": "https://{header:X-Host}/keys"}, "allow_hosts"),
        ({"jwks_url": "http://a.example.com/k"}, "allow_hosts"),
        ({"jwks_url": "https://a.example.com:8443/k"}, "no host"),
        ({"cert_url": "https://a.example.com/c"}, "subject_cn"),
    ],
)
def test_an_address_that_could_lead_anywhere_is_refused_with_what_to_do(options, message):
    with pytest.raises(ConfigurationError, match=message):
        key_address(options)


def test_a_written_address_may_be_called_at_its_own_host_only():
    address = key_address({"jwks_url": "https://a.example.com/{query:tenant}/keys"})

    assert address is not None
    assert [host.pattern for host in address.allow_hosts] == [r"a\.example\.com"]


def test_a_certificate_that_its_host_vouches_for_needs_no_name():
    address = key_address({"cert_url": "https://a.example.com/c", "chain": "host"})

    assert address is not None
    assert address.subjects == ()
