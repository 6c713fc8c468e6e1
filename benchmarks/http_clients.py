"""What our client costs: ``network.http_transport`` beside aiohttp as it comes, against the same sink.

Both send signed 2 KB events and take the whole answer, over kept connections and then over a new one for
each request. A round runs each client once, in turn; the ratios of a round count, not its times. aiohttp has
no guard, phases or limits here. No figure includes signing.

    python benchmarks/http_clients.py --requests 10000 --concurrency 100 --rounds 5
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import platform
import resource
import socket
import statistics
import sys
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from ipaddress import ip_network
from time import perf_counter
from typing import Any

import aiohttp
import pycurl
import uvloop

from smart_api_integrations.core.outbound_message import message_body
from smart_api_integrations.core.outbound_request import OutboundRequest, signed_headers
from smart_api_integrations.network.address_guard import AddressGuard
from smart_api_integrations.network.http_transport import HttpTransport

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GUARD = AddressGuard([ip_network("127.0.0.0/8")])
Send = Callable[[OutboundRequest], Awaitable[int]]


class Sink(asyncio.Protocol):
    """Answers 200 to every request, with as little work as can be."""

    def __init__(self, answer: bytes) -> None:
        """Give *answer* to every request."""
        self._answer = answer
        self._data = b""

    def connection_made(self, transport: Any) -> None:
        """Keep the way back."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._data += data
        while (head := self._data.find(b"\r\n\r\n")) >= 0:
            lower = self._data[:head].lower()
            at = lower.find(b"content-length:")
            end = head + 4 + (int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0)
            if len(self._data) < end:
                return
            self._data = self._data[end:]
            self._transport.write(self._answer)
            if b"close" in self._answer:
                self._transport.close()


def serve_sink(sock: socket.socket, *, close: bool) -> None:
    """Serve until the process is ended."""

    async def serve() -> None:
        extra = b"connection: close\r\n" if close else b""
        answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n" + extra + b"\r\nok"
        server = await asyncio.get_running_loop().create_server(lambda: Sink(answer), sock=sock, backlog=1024)
        await server.serve_forever()

    uvloop.run(serve())


async def ours(run: Callable[[Send], Awaitable[float]]) -> float:
    """Use ``network.http_transport``: pycurl with guard, phases, deadline, capped answers."""
    transport = HttpTransport(GUARD)

    async def send(request: OutboundRequest) -> int:
        return (await transport.send(request, timeout=15)).status

    try:
        return await run(send)
    finally:
        await transport.close()


async def bare(run: Callable[[Send], Awaitable[float]]) -> float:
    """Use aiohttp as it comes."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def send(request: OutboundRequest) -> int:
            async with session.post(request.url, data=request.body, headers=request.headers) as answer:
                await answer.read()
                return answer.status

        return await run(send)


CLIENTS = {"http_transport (pycurl)": ours, "aiohttp as it comes": bare}


async def load(send: Send, *, url: str, requests: int, concurrency: int) -> float:
    """Return the requests per second that *send* reaches."""
    body = message_body(id="msg_1", event="a.b", timestamp=NOW, data={"text": "x" * 1900})
    headers = signed_headers(body, message_id="msg_1", secrets=(body.hex(),), timestamp=NOW)
    left = iter(range(requests))

    async def sender() -> None:
        for _ in left:
            assert await send(OutboundRequest(url=url, headers=headers, body=body)) == 200

    start = perf_counter()
    await asyncio.gather(*(sender() for _ in range(concurrency)))
    return requests / (perf_counter() - start)


def measure(client: Callable[..., Any], **options: Any) -> tuple[float, float]:
    """Return requests per second, and microseconds of our processor time for each."""

    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime

    before = used()
    rate = uvloop.run(client(partial(load, **options)))
    return rate, (used() - before) / options["requests"] * 1e6


def table(rows: dict[str, list[tuple[float, float]]]) -> Iterable[str]:
    """Yield the table of one kind of connection."""
    first = [rate for rate, _ in rows[next(iter(rows))]]
    yield "| client | requests/s: median (least-most) | µs of processor each | ratio in a round |"
    yield "|---|---|---|---|"
    for name, results in rows.items():
        rates = [rate for rate, _ in results]
        ratios = [rate / base for rate, base in zip(rates, first, strict=True)]
        yield (
            f"| {name} | {statistics.median(rates):,.0f} ({min(rates):,.0f}-{max(rates):,.0f}) "
            f"| {statistics.median(cost for _, cost in results):.0f} "
            f"| {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}) |"
        )


def main() -> None:
    """Run the rounds and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {sys.platform}")
    print(f"aiohttp {aiohttp.__version__}, {pycurl.version.split()[0]}, uvloop {version('uvloop')}")
    for kind, close in (("kept connections", False), ("a connection for each request", True)):
        listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
        sink = multiprocessing.Process(
            target=serve_sink, args=[listening], kwargs={"close": close}, daemon=True
        )
        sink.start()
        options = {
            "url": f"http://127.0.0.1:{listening.getsockname()[1]}/hook",
            "requests": asked.requests // (10 if close else 1),
            "concurrency": asked.concurrency,
        }
        rows: dict[str, list[tuple[float, float]]] = {name: [] for name in CLIENTS}
        for _ in range(asked.rounds):
            for name, client in CLIENTS.items():
                rows[name].append(measure(client, **options))
        sink.terminate()
        sink.join()
        listening.close()
        print(f"\n{kind}, {options['requests']} requests of 2 KB, concurrency {asked.concurrency}\n")
        print("\n".join(table(rows)))


if __name__ == "__main__":
    main()
