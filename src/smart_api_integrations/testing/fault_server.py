"""A server that answers in every wrong way that an endpoint can, on raw sockets. Floor 10, shipped.

The path says how: ``/status/503``, ``/hang``, ``/reset`` (``FAULTS`` lists them all). It runs in a thread of
its own, so that synchronous and asynchronous tests use it alike::

    with FaultServer() as server:
        deliver_to(server.url("/status/503?retry-after=7"))
    assert server.requests[0].header("webhook-id")
"""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qsl, urlsplit

_HEAD_LIMIT = 64 * 1024
_DRIP_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedRequest:
    """A request as it came off the socket.

    Attributes:
        connection: The number of its connection, from 1 on: equal ones tell that it was kept alive.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    connection: int

    def header(self, name: str) -> str | None:
        """Return the first header of this name, in whatever case, or None."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exchange:
    """What a fault is given: the request, its query and rest of the path, where to write.

    ``again`` is true from a connection's second request on.
    """

    request: ServedRequest
    rest: str
    query: Mapping[str, str]
    writer: asyncio.StreamWriter
    stopped: asyncio.Event
    again: bool

    def answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        lines = [f"HTTP/1.1 {status} Whatever", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)


class FaultServer:
    """Listens on loopback, over TLS where a context is given; notes every request and connection."""

    def __init__(self, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        """Listen on *host*, with *tls* as the server's certificate."""
        self.requests: list[ServedRequest] = []
        self.connections = 0
        self._host = host
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-server", daemon=True)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, 0), family=family)
        self.port: int = self._socket.getsockname()[1]

    def url(self, path: str = "/", *, host: str | None = None) -> str:
        """Return the URL of *path*, under the server's address or the name *host*."""
        name = host or (f"[{self._host}]" if ":" in self._host else self._host)
        return f"{'https' if self._tls else 'http'}://{name}:{self.port}{path}"

    def __enter__(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *details: object) -> None:
        """Break every connection off and stop."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(
            self._serve, sock=self._socket, ssl=self._tls, limit=_HEAD_LIMIT
        )

    async def _stop(self) -> None:
        self._stopped.set()
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(_DRIP_SECONDS)  # a transport lets go of its socket in the next turns of the loop

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        self._writers.add(writer)
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            while (request := await _read_request(reader, number)) is not None:
                self.requests.append(request)
                if not await self._answer(request, writer):
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client left, or the server stops
        finally:
            writer.close()

    async def _answer(self, request: ServedRequest, writer: asyncio.StreamWriter) -> bool:
        target = urlsplit(request.target)
        name, _, rest = target.path.removeprefix("/").partition("/")
        exchange = _Exchange(
            request=request,
            rest=rest,
            query=dict(parse_qsl(target.query)),
            writer=writer,
            stopped=self._stopped,
            again=sum(other.connection == request.connection for other in self.requests) > 1,
        )
        keep = await FAULTS.get(name, _ok)(exchange)
        await writer.drain()
        return keep


async def _read_request(reader: asyncio.StreamReader, connection: int) -> ServedRequest | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = first.split(" ", 2)
    headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    body = await reader.readexactly(length)
    return ServedRequest(method=method, target=target, headers=headers, body=body, connection=connection)


# Each returns whether the connection goes on.


async def _ok(exchange: _Exchange) -> bool:
    exchange.answer(200, b"ok")
    return True


async def _status(exchange: _Exchange) -> bool:
    """``/status/503?retry-after=7``: that status; the query becomes headers."""
    status = int(exchange.rest or 200)
    exchange.answer(status, b"" if status in {204, 304} else b"as you wish", exchange.query)
    return True


async def _redirect(exchange: _Exchange) -> bool:
    """``/redirect/307?to=URL``."""
    exchange.answer(int(exchange.rest or 302), b"", {"location": exchange.query.get("to", "/")})
    return True


async def _hang(exchange: _Exchange) -> bool:
    """Take the request and say nothing."""
    await exchange.stopped.wait()
    return False


async def _reset(exchange: _Exchange) -> bool:
    """Answer with a TCP reset."""
    sock = exchange.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.writer.transport.abort()
    return False


async def _close(exchange: _Exchange) -> bool:
    """Close without an answer."""
    exchange.writer.close()
    return False


async def _then_close(exchange: _Exchange) -> bool:
    """Answer 200 as if the connection went on, and close it."""
    exchange.answer(200, b"ok")
    return False


async def _once(exchange: _Exchange) -> bool:
    """Answer a connection's first request; close at its second, as if it had been idle for too long."""
    if exchange.again:
        return False
    exchange.answer(200, b"ok")
    return True


async def _drip(exchange: _Exchange) -> bool:
    """Send the body a byte at a time, without end."""
    exchange.writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    while not exchange.stopped.is_set():
        exchange.writer.write(b".")
        await exchange.writer.drain()
        await asyncio.sleep(_DRIP_SECONDS)
    return False


async def _drip_head(exchange: _Exchange) -> bool:
    """Send header lines one after the other, without end."""
    exchange.writer.write(b"HTTP/1.1 200 OK\r\n")
    number = 0
    while not exchange.stopped.is_set():
        number += 1
        exchange.writer.write(b"x-%d: y\r\n" % (number % 10))
        await exchange.writer.drain()
        await asyncio.sleep(_DRIP_SECONDS)
    return False


async def _huge(exchange: _Exchange) -> bool:
    """Send 64 MiB, or ``/huge?bytes=N``."""
    left = int(exchange.query.get("bytes", 64 * 1024 * 1024))
    exchange.writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % left)
    while left > 0:
        piece = min(left, 65536)
        exchange.writer.write(b"x" * piece)
        await exchange.writer.drain()
        left -= piece
    return True


async def _bomb(exchange: _Exchange) -> bool:
    """Send 64 MiB of zeros as 64 KiB of gzip."""
    exchange.answer(200, gzip.compress(bytes(64 * 1024 * 1024)), {"content-encoding": "gzip"})
    return True


async def _bad_chunk(exchange: _Exchange) -> bool:
    """Announce a chunk whose length is no number."""
    exchange.writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n")
    return False


async def _short(exchange: _Exchange) -> bool:
    """Announce more than is sent."""
    exchange.writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nok")
    return False


async def _garbage(exchange: _Exchange) -> bool:
    """Answer with what is no HTTP."""
    exchange.writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    return False


async def _long_header(exchange: _Exchange) -> bool:
    """Send one header of 100 kB."""
    exchange.answer(200, b"", {"x-long": "x" * 100_000})
    return True


FAULTS: Mapping[str, Callable[[_Exchange], Awaitable[bool]]] = {
    "ok": _ok,
    "status": _status,
    "redirect": _redirect,
    "hang": _hang,
    "reset": _reset,
    "close": _close,
    "then-close": _then_close,
    "once": _once,
    "drip": _drip,
    "drip-head": _drip_head,
    "huge": _huge,
    "bomb": _bomb,
    "bad-chunk": _bad_chunk,
    "short": _short,
    "garbage": _garbage,
    "long-header": _long_header,
}
"""The first part of a path, and what it does; any other path answers 200."""


def closed_port(host: str = "127.0.0.1") -> int:
    """Return a port on which nobody listens, so that connecting to it is refused."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        return int(server.getsockname()[1])
