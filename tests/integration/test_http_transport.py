"""The client against a server that does everything wrong: each failure has a name, an end and no leak."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import trustme

from smart_api_integrations.core.outbound_request import Answer, OutboundRequest
from smart_api_integrations.errors import DeliveryError
from smart_api_integrations.network.address_guard import AddressGuard
from smart_api_integrations.network.http_transport import HttpTransport, TransportLimits
from smart_api_integrations.testing.fault_server import FaultServer, closed_port

uvloop = pytest.importorskip("uvloop")

LOOPBACK = AddressGuard([ip_network("127.0.0.0/8"), ip_network("::1/128")])
SHORT = 0.15
"""A deadline that is itself the thing under test."""

Scenario = Callable[[HttpTransport], Awaitable[Any]]


def play(scenario: Scenario, *, uv: bool = False, **options: Any) -> Any:
    """Run *scenario* with a transport, in an event loop of either kind."""

    async def run() -> Any:
        transport = HttpTransport(LOOPBACK, **options)
        try:
            return await scenario(transport)
        finally:
            await transport.close()

    return uvloop.run(run()) if uv else asyncio.run(run())


def sending(
    url: str, *, timeout: float = 5, body: bytes = b"{}", headers: dict[str, str] | None = None
) -> Scenario:
    async def scenario(transport: HttpTransport) -> Answer:
        return await transport.send(
            OutboundRequest(url=url, headers=headers or {}, body=body), timeout=timeout
        )

    return scenario


def failing(url: str, *, timeout: float = 5, **options: Any) -> DeliveryError:
    """Return the failure of sending to *url*."""
    with pytest.raises(DeliveryError) as failure:
        play(sending(url, timeout=timeout), **options)
    return failure.value


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_server(authority: trustme.CA) -> Iterator[FaultServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("named.example").configure_cert(context)
    with FaultServer(tls=context) as running:
        yield running


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


async def to_loopback(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


def test_what_is_sent_is_what_was_asked_for_and_nothing_else(server: FaultServer) -> None:
    answer = play(sending(server.url("/ok"), body=b"\x00\xff", headers={"X-One": "1", "webhook-id": "msg_1"}))

    request = server.requests[0]
    assert (answer.status, answer.body, answer.truncated) == (200, b"ok", False)
    assert (request.method, request.target, request.body) == ("POST", "/ok", b"\x00\xff")
    assert {name.lower(): value for name, value in request.headers} == {
        "host": f"127.0.0.1:{server.port}",
        "x-one": "1",
        "webhook-id": "msg_1",
        "content-length": "2",
    }


@pytest.mark.parametrize("uv", [False, True])
def test_a_kept_connection_is_used_again_and_has_no_connecting_phases(server: FaultServer, uv: bool) -> None:
    async def twice(transport: HttpTransport) -> list[Answer]:
        request = OutboundRequest(url=server.url("/", host="named.example"), headers={})
        return [await transport.send(request, timeout=5) for _ in range(2)]

    first, second = play(twice, uv=uv, lookup=to_loopback)

    assert first.phases.keys() == {"dns", "tcp", "ttfb", "body"}
    assert second.phases.keys() == {"ttfb", "body"}
    assert all(phase >= 0 for phase in (*first.phases.values(), *second.phases.values()))
    assert [request.connection for request in server.requests] == [1, 1]


@pytest.mark.parametrize("uv", [False, True])
def test_the_phases_of_a_tls_connection_are_told_apart(
    tls_server: FaultServer, ca_file: str, uv: bool
) -> None:
    async def twice(transport: HttpTransport) -> list[Answer]:
        request = OutboundRequest(url=tls_server.url("/", host="named.example"), headers={})
        return [await transport.send(request, timeout=5) for _ in range(2)]

    first, second = play(twice, uv=uv, lookup=to_loopback, ca_file=ca_file)

    assert first.phases.keys() == {"dns", "tcp", "tls", "ttfb", "body"}
    assert 0 < first.phases["tls"] < 1000
    assert all(phase >= 0 for phase in first.phases.values())
    assert second.phases.keys() == {"ttfb", "body"}


def test_a_certificate_that_nobody_trusts_is_refused(tls_server: FaultServer) -> None:
    failure = failing(tls_server.url("/", host="named.example"), lookup=to_loopback)

    assert (failure.stage, failure.code) == ("tls", "tls_error")
    assert "certificate" in str(failure)
    assert tls_server.requests == []


def test_a_certificate_for_another_name_is_refused(tls_server: FaultServer, ca_file: str) -> None:
    failure = failing(tls_server.url("/", host="other.example"), lookup=to_loopback, ca_file=ca_file)

    assert (failure.stage, failure.code) == ("tls", "tls_error")
    assert tls_server.requests == []


def test_an_endpoint_that_speaks_no_tls_is_a_tls_error() -> None:
    async def scenario(transport: HttpTransport) -> str:
        async def plain(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(plain, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(DeliveryError) as failure:
                await transport.send(OutboundRequest(url=f"https://127.0.0.1:{port}/", headers={}), timeout=2)
        return failure.value.code

    assert play(scenario) == "tls_error"


@pytest.mark.parametrize(
    ("path", "stage", "code"),
    [
        ("/reset", "response", "connection_reset"),
        ("/close", "response", "connection_closed"),
        ("/bad-chunk", "response", "protocol_error"),
        ("/short", "response", "protocol_error"),
        ("/garbage", "response", "protocol_error"),
        ("/long-header", "response", "protocol_error"),
    ],
)
def test_a_broken_answer_is_a_failure_with_a_name(
    path: str, stage: str, code: str, server: FaultServer
) -> None:
    failure = failing(server.url(path))

    assert (failure.stage, failure.code) == (stage, code)
    assert not re.search(r"\d+\.\d+\.\d+\.\d+|:\d{4,5}", str(failure))
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("path", "code"), [("/hang", "timeout"), ("/drip-head", "timeout"), ("/drip", "response_too_slow")]
)
def test_the_deadline_covers_the_request_and_the_whole_answer(
    path: str, code: str, server: FaultServer
) -> None:
    start = time.perf_counter()
    failure = failing(server.url(path), timeout=SHORT)

    assert (failure.stage, failure.code) == ("response", code)
    assert time.perf_counter() - start < SHORT + 2


def test_a_port_where_nobody_listens_is_refused_by_name_without_the_address() -> None:
    failure = failing(f"http://named.example:{closed_port()}/", lookup=to_loopback)

    assert (failure.stage, failure.code) == ("connect", "connect_refused")
    assert "127.0.0.1" not in str(failure)


def test_a_name_that_does_not_resolve_is_a_dns_error() -> None:
    async def nothing(_host: str, _port: int) -> list[str]:
        raise OSError(-2, "Name or service not known")

    assert failing("http://named.example/", lookup=nothing).code == "dns_error"


def test_the_system_resolver_is_asked_in_a_thread(server: FaultServer) -> None:
    assert play(sending(server.url("/", host="localhost"))).status == 200


def test_a_lookup_that_hangs_ends_in_its_own_time() -> None:
    async def hangs(_host: str, _port: int) -> list[str]:
        await asyncio.Event().wait()
        raise AssertionError

    failure = failing("http://named.example/", lookup=hangs, limits=TransportLimits(resolve_seconds=SHORT))

    assert (failure.stage, failure.code) == ("resolve", "dns_timeout")


def test_a_lookup_that_outlasts_the_deadline_is_told_as_such(server: FaultServer) -> None:
    async def slow_once(host: str, _port: int) -> list[str]:
        if host == "slow.example":
            await asyncio.Event().wait()
        return ["127.0.0.1"]

    async def after_a_good_one(transport: HttpTransport) -> DeliveryError:
        good = OutboundRequest(url=server.url("/ok", host="named.example"), headers={})
        await transport.send(good, timeout=5)
        with pytest.raises(DeliveryError) as failure:
            await transport.send(OutboundRequest(url="http://slow.example/", headers={}), timeout=SHORT)
        return failure.value

    failure = play(after_a_good_one, lookup=slow_once)

    assert (failure.stage, failure.code) == ("resolve", "dns_timeout")


def test_a_handshake_that_hangs_ends_in_its_own_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:  # the kernel connects; nobody answers
        failure = failing(
            f"https://127.0.0.1:{mute.getsockname()[1]}/", limits=TransportLimits(connect_seconds=SHORT)
        )

    assert (failure.stage, failure.code) == ("tls", "connect_timeout")


def test_a_huge_answer_is_cut_and_costs_its_connection(server: FaultServer) -> None:
    async def twice(transport: HttpTransport) -> Answer:
        answer = await transport.send(OutboundRequest(url=server.url("/huge"), headers={}), timeout=5)
        await transport.send(OutboundRequest(url=server.url("/ok"), headers={}), timeout=5)
        return answer

    answer = play(twice)

    assert (answer.status, answer.body, answer.truncated) == (200, b"x" * 65536, True)
    assert [request.connection for request in server.requests] == [1, 2]


def test_an_answer_of_the_limit_is_whole_and_one_more_byte_is_not(server: FaultServer) -> None:
    whole = play(sending(server.url("/huge?bytes=65536")))
    cut = play(sending(server.url("/huge?bytes=65537")))

    assert (len(whole.body), whole.truncated) == (65536, False)
    assert (len(cut.body), cut.truncated) == (65536, True)


def test_a_gzip_bomb_stays_shut(server: FaultServer) -> None:
    answer = play(sending(server.url("/bomb")))

    assert answer.body.startswith(b"\x1f\x8b")
    assert len(answer.body) <= 65536


def test_a_connection_that_was_closed_while_idle_costs_no_delivery(server: FaultServer) -> None:
    """The other side closes a kept connection when it is used: the request goes out again, on a new one."""

    async def twice(transport: HttpTransport) -> list[int]:
        request = OutboundRequest(url=server.url("/once"), headers={})
        return [(await transport.send(request, timeout=5)).status for _ in range(2)]

    assert play(twice) == [200, 200]
    assert [request.connection for request in server.requests] == [1, 1, 2]


def test_a_new_connection_that_is_closed_is_not_tried_again(server: FaultServer) -> None:
    assert failing(server.url("/close")).code == "connection_closed"
    assert server.connections == 1


def test_many_at_once_each_get_their_own_answer(server: FaultServer) -> None:
    async def many(transport: HttpTransport) -> list[int]:
        urls = [server.url(f"/status/{200 + number}") for number in range(50)]
        requests = [OutboundRequest(url=url, headers={}) for url in urls]
        answers = await asyncio.gather(*(transport.send(request, timeout=5) for request in requests))
        return [answer.status for answer in answers]

    assert play(many) == list(range(200, 250))


def test_a_cancelled_send_is_cancelled_and_leaves_the_client_usable(server: FaultServer) -> None:
    async def scenario(transport: HttpTransport) -> int:
        task = asyncio.create_task(
            transport.send(OutboundRequest(url=server.url("/hang"), headers={}), timeout=5)
        )
        while not server.requests:  # noqa: ASYNC110 - the server is in another thread
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return (await transport.send(OutboundRequest(url=server.url("/ok"), headers={}), timeout=5)).status

    assert play(scenario) == 200


def test_header_names_are_lower_case_and_repeated_ones_joined(server: FaultServer) -> None:
    answer = play(sending(server.url("/status/200?X-A=1&x-a=2&Retry-After=7")))

    assert (answer.headers["x-a"], answer.headers["retry-after"]) == ("1, 2", "7")


def test_closing_twice_is_closing_once() -> None:
    async def scenario(transport: HttpTransport) -> None:
        await transport.close()
        await transport.close()

    play(scenario)
