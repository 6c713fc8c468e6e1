"""Whether a sender's address is on a webhook's list. Floor 1."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Parse addresses and CIDR ranges; a single address is a range of one, in IPv6 too.

    Raises:
        ValueError: One is neither an address nor a range, or has bits set beyond its range.
    """
    return tuple(ip_network(text.strip()) for text in texts)


def is_listed(address: str | None, networks: Iterable[Network]) -> bool:
    """Tell whether *address* lies in one of *networks*; an unknown address does not.

    >>> is_listed("::ffff:10.0.0.7", parse_networks(["10.0.0.0/24"]))
    True
    """
    try:
        found = ip_address(address or "")
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped  # a dual-stack socket shows IPv4 peers this way (RFC 4291, 2.5.5.2)
    return any(found in network for network in networks)
