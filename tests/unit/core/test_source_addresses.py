"""Promises about lists of senders' addresses."""

from __future__ import annotations

import pytest

from smart_api_integrations.core.source_addresses import came_over_https, is_listed, parse_networks

LIST = parse_networks(["192.168.1.100", "10.0.0.0/24", "2001:db8::1"])


@pytest.mark.parametrize("address", ["192.168.1.100", "10.0.0.7", "2001:db8::1", "::ffff:10.0.0.7"])
def test_a_listed_address_is_listed_however_the_socket_shows_it(address):
    assert is_listed(address, LIST)


@pytest.mark.parametrize(
    "address", ["192.168.1.101", "10.0.1.7", "2001:db8::2", None, "", "nonsense", "10.0.0.7:80"]
)
def test_any_other_is_not_and_a_single_address_is_never_a_range(address):
    assert not is_listed(address, LIST)


def test_a_range_with_bits_beyond_it_is_refused():
    with pytest.raises(ValueError, match="host bits"):
        parse_networks(["10.0.0.1/24"])


@pytest.mark.parametrize(
    ("peer", "said", "over_https"),
    [
        ("10.0.0.1", ["https"], True),
        ("10.0.0.1", ["HTTPS"], True),
        ("10.0.0.1", ["https, https"], True),
        ("10.0.0.1", ["https, http"], False),
        ("10.0.0.1", ["http"], False),
        ("10.0.0.1", [""], False),
        ("10.0.0.1", [], False),
        ("192.0.2.1", ["https"], False),
        (None, ["https"], False),
    ],
)
def test_https_is_believed_of_a_trusted_proxy_that_says_nothing_else(peer, said, over_https):
    assert came_over_https(peer, said, parse_networks(["10.0.0.0/8"])) is over_https
