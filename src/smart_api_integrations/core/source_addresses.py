"""A sender's address: which one it is behind proxies, and whether it is on a list. Floor 1."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Parse addresses and CIDR ranges; a single address is a range of one, in IPv6 too.

    Raises:
        ValueError: One is neither an address nor a range, or has bits set beyond its range.
    """
    return tuple(ip_network(text.strip()) for text in texts)


def came_over_https(peer: str | None, forwarded_proto: Iterable[str], trusted: Iterable[Network]) -> bool:
    """Tell whether a trusted proxy says that a request came to it over HTTPS.

    Args:
        peer: Who connected.
        forwarded_proto: The values of ``X-Forwarded-Proto``; where a proxy added its own to one that was
            there already, all of them must say ``https``.
        trusted: The proxies that are believed.
    """
    words = [word.strip().lower() for value in forwarded_proto for word in value.split(",")]
    return bool(words) and set(words) == {"https"} and is_listed(peer, trusted)


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


def client_address(
    peer: str | None, headers: Iterable[tuple[str, str]], *, trusted: Sequence[Network]
) -> str | None:
    """Return who sent a request that *peer* handed over: itself, unless it is one of our proxies.

    ``X-Forwarded-For`` is read from the nearest proxy outward, and only what ours have written is believed.

    >>> proxies = parse_networks(["10.0.0.0/8"])
    >>> client_address("10.0.0.1", [("X-Forwarded-For", "6.6.6.6, 192.0.2.7, 10.0.0.2")], trusted=proxies)
    '192.0.2.7'
    >>> client_address("192.0.2.9", [("X-Forwarded-For", "6.6.6.6")], trusted=proxies)
    '192.0.2.9'
    """
    if not trusted or not is_listed(peer, trusted):
        return peer
    values = [value for name, value in headers if name.lower() == "x-forwarded-for"]
    for hop in reversed([hop.strip() for value in values for hop in value.split(",")]):
        if not is_listed(hop, trusted):
            return hop if _is_address(hop) else peer
    return peer


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
