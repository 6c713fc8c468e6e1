"""No URL, name or answer talks the client into calling an address that it should not call."""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smart_api_integrations.core.outbound_request import OutboundRequest
from smart_api_integrations.errors import AddressBlocked, ConfigurationError, DeliveryError, InvalidInput
from smart_api_integrations.network.address_guard import (
    IPV4_DENIED,
    TRANSLATION_PREFIXES,
    AddressGuard,
    is_own_address,
)
from smart_api_integrations.network.endpoint_url import check_endpoint_url
from smart_api_integrations.network.http_transport import HttpTransport, TransportLimits
from smart_api_integrations.network.resolver import Lookup
from smart_api_integrations.testing.fault_server import FaultServer

VECTORS: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "ssrf_vectors.yaml").read_text("utf-8"))
ADDRESSES = VECTORS["addresses"]
EDGES = [edge for row in ADDRESSES["denied"] for edge in (row["first"], row["last"])]
DENIED = sorted({*EDGES, *ADDRESSES["denied_by_name"]})
HASTY = TransportLimits(resolve_seconds=1, connect_seconds=1)


class Canary:
    """A listener on loopback, IPv4 and IPv6 on one port, that counts who connects."""

    def __init__(self) -> None:
        self.heard = 0
        self._stop = threading.Event()
        first = socket.create_server(("127.0.0.1", 0))
        self.port = first.getsockname()[1]
        self._sockets = [first, socket.create_server(("::1", self.port), family=socket.AF_INET6)]
        self._threads = [
            threading.Thread(target=self._listen, args=[one], daemon=True) for one in self._sockets
        ]
        for thread in self._threads:
            thread.start()

    def _listen(self, listening: socket.socket) -> None:
        while not self._stop.is_set():
            connection, _ = listening.accept()
            if self._stop.is_set():
                connection.close()
                return
            self.heard += 1
            connection.sendall(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
            connection.close()

    def close(self) -> None:
        self._stop.set()
        for one, thread in zip(self._sockets, self._threads, strict=True):
            socket.create_connection(one.getsockname()[:2]).close()
            thread.join(5)
            one.close()


class Watched(HttpTransport):
    """The real client, noting every address that it makes a socket for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.opened: list[str] = []

    def _open_socket(self, family: int, kind: int, protocol: int, address: str) -> socket.socket:
        made = super()._open_socket(family, kind, protocol, address)
        self.opened.append(address)
        return made


def answering(*answers: Sequence[str]) -> Lookup:
    """Return a resolver that gives these answers one after the other, the last one for ever."""
    rest = itertools.chain(answers, itertools.repeat(answers[-1]))

    async def lookup(_host: str, _port: int) -> Sequence[str]:
        return next(rest)

    return lookup


class Sender:
    """One client and its loop: sends to a URL and tells what came of it and which sockets were made."""

    def __init__(self, guard: AddressGuard) -> None:
        self._runner = asyncio.Runner()
        self._transport = Watched(guard, lookup=self._look_up, limits=HASTY)
        self._lookup = answering(["127.0.0.1", "::1"])

    async def _look_up(self, host: str, port: int) -> Sequence[str]:
        return await self._lookup(host, port)

    def send(self, url: str, *answer: str) -> tuple[Any, list[str]]:
        """Send to *url*; a name resolves to *answer*, to loopback where none is given."""
        self._lookup = answering(answer or ["127.0.0.1", "::1"])
        self._transport.opened.clear()
        return self._runner.run(self._send(url)), list(self._transport.opened)

    async def _send(self, url: str) -> Any:
        try:
            return await self._transport.send(OutboundRequest(url=url, headers={}, body=b"{}"), timeout=5)
        except DeliveryError as error:
            return error

    def close(self) -> None:
        self._runner.run(self._transport.close())
        self._runner.close()


def sending(guard: AddressGuard) -> Iterator[Sender]:
    sender = Sender(guard)
    yield sender
    sender.close()


@pytest.fixture(scope="module")
def guarded() -> Iterator[Sender]:
    yield from sending(AddressGuard())


@pytest.fixture(scope="module")
def to_loopback() -> Iterator[Sender]:
    yield from sending(AddressGuard([ip_network("127.0.0.0/8")]))


@pytest.fixture(scope="module")
def unguarded() -> Iterator[Sender]:
    yield from sending(AddressGuard([ip_network("0.0.0.0/0"), ip_network("::1/128")]))


@pytest.fixture
def canary() -> Iterator[Canary]:
    listening = Canary()
    yield listening
    listening.close()


@pytest.mark.parametrize("url", VECTORS["urls"])
def test_a_dangerous_url_is_refused_when_saved_and_blocked_when_sent(
    url: str, canary: Canary, guarded: Sender
) -> None:
    url = url.replace("PORT", str(canary.port))

    with pytest.raises(InvalidInput):
        check_endpoint_url(url, AddressGuard())
    failure, opened = guarded.send(url)

    assert isinstance(failure, DeliveryError)
    assert failure.code in {"address_blocked", "invalid_url", "invalid_request"}
    assert opened == []
    assert canary.heard == 0


def test_the_canary_hears_the_same_urls_where_the_guard_is_open(canary: Canary, unguarded: Sender) -> None:
    for url in VECTORS["urls"]:
        unguarded.send(url.replace("PORT", str(canary.port)))

    assert canary.heard >= 8


@pytest.mark.parametrize("name", VECTORS["names"])
def test_a_name_that_resolves_to_loopback_is_blocked(name: str, canary: Canary, guarded: Sender) -> None:
    failure, opened = guarded.send(f"http://{name}:{canary.port}/")

    assert isinstance(failure, AddressBlocked)
    assert opened == []
    assert canary.heard == 0


@pytest.mark.parametrize("address", DENIED)
def test_a_denied_address_is_blocked_as_a_literal_and_behind_a_name(address: str, guarded: Sender) -> None:
    literal = f"[{address}]" if ":" in address else address

    for failure, opened in (
        guarded.send(f"http://{literal.replace('%', '%25')}/"),
        guarded.send("http://named.example/", address),
        guarded.send("http://named.example/", "1.1.1.1", address),
        guarded.send("http://named.example/", address, "2606:4700:4700::1111"),
    ):
        assert isinstance(failure, DeliveryError)
        assert failure.code in {"address_blocked", "invalid_url"}
        assert opened == []
        assert address not in str(failure) or len(address) < 4


@pytest.mark.parametrize("address", [*DENIED, *ADDRESSES["unreadable"]])
def test_the_table_denies(address: str) -> None:
    with pytest.raises(AddressBlocked):
        AddressGuard(is_own=lambda _: False).check(address)


@pytest.mark.parametrize("address", ADDRESSES["allowed"])
def test_the_table_allows(address: str) -> None:
    AddressGuard(is_own=lambda _: False).check(address)


def test_an_address_of_this_host_is_denied_though_it_is_public() -> None:
    with pytest.raises(AddressBlocked, match="own address"):
        AddressGuard(is_own=lambda _: True).check("1.1.1.1")


def test_own_addresses_are_known_from_the_routing_table() -> None:
    assert is_own_address(ip_address("127.0.0.1"))
    assert is_own_address(ip_address("::1"))
    assert not is_own_address(ip_address("192.0.2.1"))


def test_an_allowed_network_is_a_hole_of_exactly_its_size() -> None:
    guard = AddressGuard([ip_network("10.1.2.0/24"), ip_network("fd00:1::/64")])

    guard.check("10.1.2.3")
    guard.check("::ffff:10.1.2.3")
    guard.check("fd00:1::5")
    for outside in ("10.1.3.1", "10.1.1.255", "fd00:1:0:1::5", "127.0.0.1", "64:ff9b::a01:203"):
        with pytest.raises(AddressBlocked):
            guard.check(outside)


@pytest.mark.parametrize(
    "network", [*map(str, TRANSLATION_PREFIXES), "::/0", "64:ff9b::7f00:0/104", "2000::/3"]
)
def test_a_translation_prefix_cannot_be_allowed(network: str) -> None:
    with pytest.raises(ConfigurationError, match="name the IPv4 network"):
        AddressGuard([ip_network(network)])


def test_a_name_that_changes_its_address_is_judged_again() -> None:
    """The guard allows 127.0.0.2, as if it were public, and nothing else."""
    guard = AddressGuard([ip_network("127.0.0.2/32")])

    async def run(public: FaultServer, private: FaultServer) -> str:
        transport = Watched(guard, lookup=answering(["127.0.0.2"], ["127.0.0.1"]), limits=HASTY)
        try:
            good = OutboundRequest(url=public.url("/then-close", host="rebound.example"), headers={})
            assert (await transport.send(good, timeout=2)).status == 200
            assert (await transport.send(good, timeout=2)).status == 200  # pinned: not looked up again
            bad = OutboundRequest(url=private.url("/", host="rebound.example"), headers={})
            with pytest.raises(AddressBlocked) as blocked:
                await transport.send(bad, timeout=2)
            assert transport.opened == ["127.0.0.2", "127.0.0.2"]
            return str(blocked.value)
        finally:
            await transport.close()

    with FaultServer(host="127.0.0.2") as public, FaultServer() as private:
        message = asyncio.run(run(public, private))

    assert private.connections == 0
    assert "127.0.0" not in message


def test_the_socket_is_checked_though_the_name_had_passed(canary: Canary) -> None:
    class Turncoat(AddressGuard):
        """Lets everything pass once: as if the address had changed after the resolver's check."""

        calls = 0

        def refusal(self, address: str) -> str | None:
            type(self).calls += 1
            return None if self.calls == 1 else "changed its mind"

    sender = Sender(Turncoat())
    failure, opened = sender.send(f"http://named.example:{canary.port}/", "127.0.0.1")
    sender.close()

    assert isinstance(failure, AddressBlocked)
    assert opened == []
    assert canary.heard == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:PORT/", "file:///etc/passwd", "//127.0.0.1:PORT", "/redirect/302"]
)
def test_a_redirect_is_shown_and_not_followed(
    status: int, target: str, canary: Canary, to_loopback: Sender
) -> None:
    to = target.replace("PORT", str(canary.port))
    with FaultServer() as server:
        answer, opened = to_loopback.send(server.url(f"/redirect/{status}?to={to}"))

    assert (answer.status, answer.headers["location"]) == (status, to)
    assert len(server.requests) == len(opened) == 1
    assert canary.heard == 0


def test_nothing_is_taken_from_the_environment(
    canary: Canary, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, to_loopback: Sender
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login mallory password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    with FaultServer() as server:
        to_loopback.send(server.url("/status/200?set-cookie=a=b;+path=/"))
        answer, _ = to_loopback.send(server.url("/"))

    assert answer.status == 200
    assert canary.heard == 0
    for header in ("authorization", "cookie"):
        assert [request.header(header) for request in server.requests] == [None, None]


def test_of_many_silent_addresses_two_of_each_family_are_tried_once(to_loopback: Sender) -> None:
    many = [f"127.0.1.{number}" for number in range(1, 200)]

    failure, opened = to_loopback.send("http://many.example:9/", *many)

    assert isinstance(failure, DeliveryError)
    assert opened == many[:2]


SPELLINGS = (
    str,
    lambda a: str(int(a)),
    lambda a: hex(int(a)),
    lambda a: f"0{int(a):o}",
    lambda a: ".".join(hex(part) for part in a.packed),
    lambda a: ".".join(f"0{part:o}" for part in a.packed),
    lambda a: f"{a.packed[0]}.{int(a) & 0xFFFFFF}",
    lambda a: ".".join(f"{part:03d}" for part in a.packed),
    lambda a: str(a).translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)}),
    lambda a: str(a).replace(".", "\N{IDEOGRAPHIC FULL STOP}"),
    lambda a: "".join(f"%{ord(char):02x}" for char in str(a)),
    lambda a: f"[::ffff:{a}]",
    lambda a: f"[::{a}]",
    lambda a: f"[64:ff9b::{a}]",
    lambda a: "[2002:{:02x}{:02x}:{:02x}{:02x}::1]".format(*a.packed),
)
FRAMES = (
    "http://{}/",
    "http://{}:8080/",
    "http://user@{}/",
    "http://example.com\\@{}/",
    "http://{}#@example.com/",
    "http://{}?@example.com/",
    "http://{}\t/",
    "http://{}./",
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    network=st.sampled_from([network for network, _ in IPV4_DENIED]),
    offset=st.integers(min_value=0),
    spelling=st.sampled_from(SPELLINGS),
    frame=st.sampled_from(FRAMES),
)
def test_no_spelling_of_a_denied_address_gets_a_socket(guarded, network, offset, spelling, frame) -> None:
    address = IPv4Address(int(network.network_address) + offset % network.num_addresses)
    url = frame.format(spelling(address))

    failure, opened = guarded.send(url, str(address))

    assert isinstance(failure, DeliveryError)
    assert opened == []
    with pytest.raises(InvalidInput):
        check_endpoint_url(url, AddressGuard(), allow_http=True)
