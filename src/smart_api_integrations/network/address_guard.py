"""Which addresses may be called: the one deny table, for every connection that we open. Floor 3.

Rules:

1. An IPv4 address inside IPv6 (``::ffff:0:0/96``) is judged as the IPv4 address that it is.
2. IPv4 is allowed unless a row of ``IPV4_DENIED`` holds it. IPv6 is denied unless it is global unicast
   (``2000::/3``) and no row of ``IPV6_DENIED`` holds it; that one rule covers loopback, link-local,
   unique local, multicast, NAT64, SIIT and whatever is assigned next.
3. Every address of this host is denied, also a public one: a call to ourselves is never a delivery.
4. ``allowed_networks`` opens holes, by network and never by a switch. A network of addresses that
   stand for other addresses (a translation prefix) cannot be one: name the IPv4 network itself.
5. What cannot be read as an address is denied.

``ipaddress.is_global`` and its like are not used: they let 23 of 54 dangerous addresses pass, and their
tables change with the Python version (CVE-2024-4032).
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from smart_api_integrations.errors import AddressBlocked, ConfigurationError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# https://www.iana.org/assignments/iana-ipv4-special-registry and the cloud providers' documentation.
IPV4_DENIED: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), reason)
    for network, reason in (
        ("0.0.0.0/8", "this host"),
        ("10.0.0.0/8", "a private network"),
        ("100.64.0.0/10", "a carrier's shared network"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "a cloud's host service"),
        ("169.254.0.0/16", "link-local, where clouds keep their metadata service"),
        ("172.16.0.0/12", "a private network"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "AS112"),
        ("192.52.193.0/24", "AMT relays"),
        ("192.88.99.0/24", "6to4 relays"),
        ("192.168.0.0/16", "a private network"),
        ("192.175.48.0/24", "AS112"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)

IPV6_ALLOWED = IPv6Network("2000::/3")

# https://www.iana.org/assignments/iana-ipv6-special-registry
IPV6_DENIED: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), reason)
    for network, reason in (
        ("2001::/23", "reserved for protocols (Teredo among them)"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4, which stands for an IPv4 address"),
        ("2620:4f:8000::/48", "AS112"),
        ("3fff::/20", "documentation"),
    )
)

# An address in one of these stands for another one, so a hole here would be a hole everywhere.
TRANSLATION_PREFIXES: tuple[IPv6Network, ...] = tuple(
    IPv6Network(network)
    for network in (
        "::/96",
        "::ffff:0:0/96",
        "::ffff:0:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/32",
        "2002::/16",
    )
)

_LOOPBACK = IPv6Network("::1/128")  # lies in ::/96 and stands for nothing else


def is_own_address(address: Address) -> bool:
    """Tell whether *address* is one of this host's own.

    Asks the kernel's routing table: the way to an own address starts at that address. A datagram socket
    is connected for it, which sends nothing. False where there is no route: then nothing can be sent
    there either.
    """
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(address), 9))
            own = probe.getsockname()[0]
        except OSError:
            return False
    return ip_address(own) == address


class AddressGuard:
    """Judges addresses against the table, with the holes that the operator opened.

    Immutable and thread-safe.
    """

    __slots__ = ("_allowed", "_is_own")

    def __init__(
        self,
        allowed_networks: Sequence[Network] = (),
        *,
        is_own: Callable[[Address], bool] = is_own_address,
    ) -> None:
        """Open a hole for each of *allowed_networks*.

        Raises:
            ConfigurationError: A network is, or holds, a translation prefix.
        """
        for network in allowed_networks:
            _refuse_translation(network)
        self._allowed = tuple(allowed_networks)
        self._is_own = is_own

    def check(self, address: str) -> None:
        """Return if *address*, a literal without brackets, may be called.

        Raises:
            AddressBlocked: It may not, or it is no address. The message names the rule, not the address.
        """
        reason = self.refusal(address)
        if reason is not None:
            message = (
                f"the endpoint's address is one that is never called ({reason}); "
                "an operator can allow its network in WEBHOOKS_ALLOWED_NETWORKS"
            )
            raise AddressBlocked(message)

    def refusal(self, address: str) -> str | None:
        """Return why *address* may not be called, in a few words, or None where it may."""
        parsed = _parse(address)
        if parsed is None:
            return "not readable as an address"
        if any(parsed in network for network in self._allowed):
            return None
        reason = denied_because(parsed)
        if reason is None and self._is_own(parsed):
            return "this host's own address"
        return reason

    def allows_by_hole(self, address: str) -> bool:
        """Tell whether *address* lies in one of the allowed networks; False where it is no address."""
        parsed = _parse(address)
        return parsed is not None and any(parsed in network for network in self._allowed)


def is_literal(host: str) -> bool:
    """Tell whether *host*, without brackets, is an address and not a name."""
    return _parse(host) is not None


def denied_because(address: Address) -> str | None:
    """Return what the table holds against *address* (not IPv4-mapped), or None.

    >>> denied_because(ip_address("169.254.169.254"))
    'link-local, where clouds keep their metadata service'
    >>> denied_because(ip_address("2606:4700::1111")) is None
    True
    """
    if isinstance(address, IPv4Address):
        return next((reason for network, reason in IPV4_DENIED if address in network), None)
    if address not in IPV6_ALLOWED:
        return "not a public IPv6 address"
    return next((reason for network, reason in IPV6_DENIED if address in network), None)


def _parse(address: str) -> Address | None:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed


def _refuse_translation(network: Network) -> None:
    if isinstance(network, IPv4Network) or network == _LOOPBACK:
        return
    for prefix in TRANSLATION_PREFIXES:
        if network.overlaps(prefix):
            message = (
                f"allowed_networks: {network} overlaps {prefix}, whose addresses stand for other addresses; "
                "name the IPv4 network itself, or a narrower IPv6 network"
            )
            raise ConfigurationError(message)
