"""The one HTTP client: every connection that the program opens is opened here. Floor 3.

Theory of operation:

1. The address guard sees a connection twice. ``CheckedResolver`` passes a name's addresses on only if every
   one of them may be called; the socket factory checks the very address that is about to be connected to,
   literals included. What fails leaves no packet. There is no way from a name to a connection but through
   both, so a name that changes its mind between check and use (DNS rebinding) gains nothing.
2. Nothing is taken from the environment: no proxy variables, no ``.netrc``, no cookies, no redirects.
3. One deadline covers all of it: resolving, connecting, TLS, the request, and the answer's last byte.
4. An answer is read up to ``TransportLimits.read_bytes`` and never decompressed; a longer one costs its
   connection.
5. A connection that the other side closed while it was idle is found out by using it. That request is
   sent once more, on another connection: receivers deduplicate by id.
6. Every failure is a ``DeliveryError`` with a stage and a code; its message is for people and never says
   which address a name resolved to.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, AbstractStreamWriter, ResolveResult

from smart_api_integrations.core.outbound_request import Answer, OutboundRequest
from smart_api_integrations.errors import AddressBlocked, DeliveryError
from smart_api_integrations.network.address_guard import AddressGuard
from smart_api_integrations.network.exchange import EXCHANGE, Exchange, tls_context

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""Resolves a name and a port to the literal addresses behind it, raising ``OSError`` where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportLimits:
    """What one transport takes at most. The numbers' sources: smokescreen (5 s), Outpost (64 KiB).

    Attributes:
        resolve_seconds: For one name; a lookup that takes longer goes on in its thread, unheard.
        connect_seconds: For one address, TCP and TLS together.
        addresses_per_family: How many of a name's IPv4 and of its IPv6 addresses are tried; all of them are
            checked.
        lookups: How many names are being resolved at once.
        idle_seconds: After so long without a request a connection is closed.
        connections: Open at once; ``connections_per_host`` likewise for one host and port, 0 for no limit.
        read_bytes: How much of an answer's body is read before the connection is given up.
        keep_bytes: How much of it is returned.
    """

    resolve_seconds: float = 5.0
    connect_seconds: float = 5.0
    addresses_per_family: int = 2
    lookups: int = 32
    idle_seconds: float = 15.0
    connections: int = 1000
    connections_per_host: int = 0
    read_bytes: int = 256 * 1024
    keep_bytes: int = 64 * 1024


_DNS_CACHE_SECONDS = 60
_MAX_LINE_BYTES = 8190
_MAX_ANSWER_HEADERS = 100
_MAX_HEADER_CHARACTERS = 2048
_SET_BY_US = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")


class HttpTransport:
    """Sends requests, each to where the guard allows, over connections that are kept alive.

    Belongs to one event loop. Open after the first ``send`` until ``close``.
    """

    def __init__(
        self,
        guard: AddressGuard,
        *,
        lookup: Lookup | None = None,
        limits: TransportLimits | None = None,
        ca_file: str | None = None,
    ) -> None:
        """Send only where *guard* allows.

        *lookup* takes the system resolver's place; *ca_file* holds certificate authorities that are trusted
        besides the system's.
        """
        self._guard = guard
        self._limits = limits or TransportLimits()
        self._lookup = lookup
        self._ca_file = ca_file
        self._executor: ThreadPoolExecutor | None = None
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: OutboundRequest, *, timeout: float) -> Answer:  # noqa: ASYNC109 - the whole deadline
        """Send *request* and return the answer, whatever its status, within *timeout* seconds.

        Raises:
            AddressBlocked: The address is one that may not be called; nothing was sent.
            DeliveryError: There was no complete answer.
        """
        session = self._session or self._open()
        exchange = Exchange()
        token = EXCHANGE.set(exchange)
        try:
            async with asyncio.timeout(timeout):
                try:
                    return await self._send(session, request, exchange)
                except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
                    if not _went_stale(error, exchange):
                        raise
                    return await self._send(session, request, exchange)
        except TimeoutError as error:
            raise _too_late(exchange) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise exchange.blocked or _explain(error) from error
        finally:
            EXCHANGE.reset(token)

    async def close(self) -> None:
        """Close every connection. Idempotent."""
        session, self._session = self._session, None
        executor, self._executor = self._executor, None
        if session is not None:
            await session.close()
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)

    async def _send(
        self, session: aiohttp.ClientSession, request: OutboundRequest, exchange: Exchange
    ) -> Answer:
        response = await session.request(
            request.method,
            request.url,
            data=_Body(request.body, exchange),
            headers=request.headers,
            allow_redirects=False,
        )
        exchange.answered = perf_counter()
        try:
            body, truncated = await self._read(response.content)
        except BaseException:
            response.close()
            raise
        if truncated:
            response.close()
        return Answer(
            status=response.status,
            headers=_readable(response.raw_headers),
            body=body,
            truncated=truncated,
            phases=exchange.phases(perf_counter()),
        )

    async def _read(self, content: aiohttp.StreamReader) -> tuple[bytes, bool]:
        """Return the body's first bytes and whether there were more; read no further than is allowed."""
        keep = self._limits.keep_bytes
        kept = bytearray()
        size = 0
        while chunk := await content.readany():
            size += len(chunk)
            if len(kept) < keep:
                kept += chunk
            if size > self._limits.read_bytes:
                break
        return bytes(kept[:keep]), size > keep

    def _open(self) -> aiohttp.ClientSession:
        limits = self._limits
        if self._lookup is None:
            self._executor = ThreadPoolExecutor(limits.lookups, thread_name_prefix="resolve")
        connector = aiohttp.TCPConnector(
            resolver=CheckedResolver(self._guard, self._lookup or self._system_lookup, limits),
            socket_factory=self._open_socket,
            ssl=tls_context(self._ca_file),
            ttl_dns_cache=_DNS_CACHE_SECONDS,
            keepalive_timeout=limits.idle_seconds,
            limit=limits.connections,
            limit_per_host=limits.connections_per_host,
            # So many of each family are given up at a time: all of them, or each would be tried again.
            interleave=limits.addresses_per_family,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            skip_auto_headers=_SET_BY_US,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect_seconds),
            max_line_size=_MAX_LINE_BYTES,
            max_field_size=_MAX_LINE_BYTES,
            max_headers=_MAX_ANSWER_HEADERS,
        )
        return self._session

    def _open_socket(self, address: tuple[Any, ...]) -> socket.socket:
        """Make the socket for one address, checked: the last door before a packet leaves."""
        family, kind, protocol, _, sockaddr = address
        exchange = EXCHANGE.get()
        try:
            self._guard.check(sockaddr[0])
        except AddressBlocked as error:
            if exchange is not None:
                exchange.blocked = error
            raise _BlockedSocket(errno.EACCES, str(error)) from error
        if exchange is not None and not exchange.socket:
            exchange.socket = perf_counter()
        return socket.socket(family, kind, protocol)

    async def _system_lookup(self, host: str, port: int) -> Sequence[str]:
        """Ask the system's resolver, in threads of our own: a dead name server blocks nobody else."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._executor, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return [str(sockaddr[0]) for *_, sockaddr in found]


class CheckedResolver(AbstractResolver):
    """Resolves names for the connector, and refuses a name of whose addresses any may not be called.

    A name with a public and a private address is refused whole: it is how rebinding looks.
    """

    def __init__(self, guard: AddressGuard, lookup: Lookup, limits: TransportLimits) -> None:
        """Judge by *guard* what *lookup* finds."""
        self._guard = guard
        self._lookup = lookup
        self._limits = limits

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,
    ) -> list[ResolveResult]:
        """Return the addresses to try.

        Raises:
            AddressBlocked: One of them may not be called.
            DeliveryError: There are none, or not in time.
        """
        del family  # the connector asks for both, always
        exchange = EXCHANGE.get() or Exchange()
        exchange.dns = perf_counter()
        try:
            async with asyncio.timeout(self._limits.resolve_seconds):
                addresses = await self._lookup(host, port)
        except TimeoutError as error:
            message = f"the name {host!r} could not be resolved in {self._limits.resolve_seconds:g} s"
            raise DeliveryError(message, stage="resolve", code="dns_timeout") from error
        except (OSError, UnicodeError) as error:
            message = f"the name {host!r} could not be resolved"
            raise DeliveryError(message, stage="resolve", code="dns_error") from error
        finally:
            exchange.dns_done = perf_counter()
        if not addresses:
            message = f"the name {host!r} has no address"
            raise DeliveryError(message, stage="resolve", code="dns_error")
        for address in addresses:
            self._guard.check(address)
        return [_resolved(host, port, address) for address in self._tried(addresses)]

    def _tried(self, addresses: Sequence[str]) -> Sequence[str]:
        most = self._limits.addresses_per_family
        newer = [address for address in addresses if ":" in address]
        older = [address for address in addresses if ":" not in address]
        return newer[:most] + older[:most]

    async def close(self) -> None:
        """Do nothing: the lookup's threads are the transport's."""


class _BlockedSocket(OSError):
    """The guard refused an address at the socket; ``__cause__`` says why."""


class _Body(aiohttp.BytesPayload):
    """A request's body that notes when it is written: the connection is there, the waiting begins."""

    def __init__(self, value: bytes, exchange: Exchange) -> None:
        super().__init__(value)
        self._exchange = exchange

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        self._exchange.sent = perf_counter()
        await super().write_with_length(writer, content_length)


def _resolved(host: str, port: int, address: str) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=flags)


def _readable(raw: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    for name, value in raw:
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")[:_MAX_HEADER_CHARACTERS]
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def _went_stale(error: aiohttp.ClientError, exchange: Exchange) -> bool:
    """Tell whether *error* is what using a kept connection gives that the other side had closed."""
    if not exchange.reused or exchange.answered or isinstance(error, aiohttp.ClientConnectorError):
        return False
    return isinstance(error, aiohttp.ServerDisconnectedError) or (
        isinstance(error, OSError) and error.errno in {errno.ECONNRESET, errno.EPIPE, None}
    )


def _too_late(exchange: Exchange) -> DeliveryError:
    if exchange.answered:
        message = "the endpoint's answer did not end in time"
        return DeliveryError(message, stage="response", code="response_too_slow")
    if exchange.sent:
        return DeliveryError("the endpoint did not answer in time", stage="response", code="timeout")
    if exchange.tls:
        return DeliveryError("the TLS handshake did not end in time", stage="tls", code="connect_timeout")
    return DeliveryError("no connection was made in time", stage="connect", code="connect_timeout")


# The first row whose exceptions match: stage, code, sentence.
_EXPLANATIONS: tuple[tuple[type[Exception], str, str, str], ...] = (
    (aiohttp.ClientConnectorCertificateError, "tls", "tls_error", "the endpoint's certificate is not valid"),
    (aiohttp.ClientSSLError, "tls", "tls_error", "the TLS handshake failed"),
    (ssl.SSLError, "tls", "tls_error", "the TLS connection failed"),
    (aiohttp.ServerDisconnectedError, "response", "connection_closed", "the endpoint sent no answer"),
    (aiohttp.ClientPayloadError, "response", "protocol_error", "the answer's body broke off or is not HTTP"),
    (aiohttp.ClientResponseError, "response", "protocol_error", "the answer is not HTTP"),
    (aiohttp.InvalidURL, "send", "invalid_url", "the endpoint's URL cannot be used"),
    (aiohttp.NonHttpUrlClientError, "send", "invalid_url", "the endpoint's URL cannot be used"),
    (aiohttp.ClientConnectorError, "connect", "connect_error", "no connection could be made"),
    (OSError, "response", "connection_reset", "the endpoint broke the connection"),
    (ValueError, "send", "invalid_request", "the request cannot be written as HTTP"),
    (aiohttp.ClientError, "send", "error", "the request failed"),
)  # fmt: skip

_CONNECT_CODES: Mapping[int, tuple[str, str]] = {
    errno.ECONNREFUSED: ("connect_refused", "the endpoint refused the connection"),
    errno.ECONNRESET: ("connect_reset", "the endpoint broke off the connection at once"),
    errno.ENETUNREACH: ("connect_unreachable", "there is no route to the endpoint"),
    errno.EHOSTUNREACH: ("connect_unreachable", "there is no route to the endpoint"),
    errno.ETIMEDOUT: ("connect_timeout", "no connection was made in time"),
}


def _explain(error: Exception) -> DeliveryError:
    """Return the failure for people: never the exception's own words, which name addresses."""
    stage, code, sentence = next(row[1:] for row in _EXPLANATIONS if isinstance(error, row[0]))
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        why = getattr(error.certificate_error, "verify_message", "")
        sentence = f"{sentence}: {why}" if why else sentence
    elif code == "connect_error" and isinstance(error, OSError):
        code, sentence = _CONNECT_CODES.get(error.errno or 0, (code, sentence))
    return DeliveryError(sentence, stage=stage, code=code)
