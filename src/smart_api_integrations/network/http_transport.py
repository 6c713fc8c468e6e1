"""The one HTTP client: every connection that the program opens is opened here. Floor 3.

Theory of operation:

1. The address guard sees a connection twice. ``CheckedResolver`` passes a name's addresses on only if every
   one of them may be called, and libcurl is told those addresses; the function that makes its sockets
   checks the very address that is about to be connected to, literals included. What fails leaves no packet.
   There is no way to a connection but through the second, so a name that changes its mind between check and
   use (DNS rebinding) gains nothing.
2. Nothing is taken from the environment: no proxy variables, no ``.netrc``, no cookies, no redirects.
3. One deadline covers all of it: resolving, connecting, TLS, the request, and the answer's last byte.
4. An answer is read up to ``TransportLimits.read_bytes`` and never decompressed; a longer one costs its
   connection.
5. A connection that the other side closed while it was idle is found out by using it. libcurl sends that
   request once more, on another connection: receivers deduplicate by id.
6. Every failure is a ``DeliveryError`` with a stage and a code; its message is for people and never says
   which address a name resolved to.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pycurl
from yarl import URL

from smart_api_integrations.core.outbound_request import Answer, OutboundRequest
from smart_api_integrations.errors import DeliveryError
from smart_api_integrations.network.address_guard import AddressGuard
from smart_api_integrations.network.curl_loop import CurlFailed, CurlLoop
from smart_api_integrations.network.resolver import REMEMBERED_SECONDS, CheckedResolver, Lookup, Resolved
from smart_api_integrations.network.transfer import Transfer, trust


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportLimits:
    """What one transport takes at most. The numbers' sources: smokescreen (5 s), Outpost (64 KiB).

    Attributes:
        resolve_seconds: For one name; a lookup that takes longer goes on in its thread, unheard.
        connect_seconds: For a connection, TCP and TLS together.
        addresses_per_family: How many of a name's IPv4 and of its IPv6 addresses are tried; all of them are
            checked.
        lookups: How many names are being resolved at once.
        idle_seconds: After so long without a request a connection is not used again.
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
        self._resolver = CheckedResolver(
            guard,
            lookup,
            seconds=self._limits.resolve_seconds,
            lookups=self._limits.lookups,
            addresses_per_family=self._limits.addresses_per_family,
        )
        self._ca_file = ca_file
        self._options: dict[int, Any] = {}
        self._curls: CurlLoop | None = None
        self._idle: list[Transfer] = []

    async def send(self, request: OutboundRequest, *, timeout: float) -> Answer:  # noqa: ASYNC109 - the whole deadline
        """Send *request* and return the answer, whatever its status, within *timeout* seconds.

        Raises:
            AddressBlocked: The address is one that may not be called; nothing was sent.
            DeliveryError: There was no complete answer.
        """
        curls = self._curls or self._open()
        target = _target(request.url)
        transfer = self._idle.pop() if self._idle else self._transfer()
        resolved: Resolved | None = None
        try:
            async with asyncio.timeout(timeout):
                resolved = await self._resolver.resolve(target.host, target.port)
                transfer.prepare(request, target.url, target.pinned_to(resolved))
                await curls.perform(transfer.curl)
        except TimeoutError as error:
            raise (_unresolved() if resolved is None else _too_late(transfer, target)) from error
        except CurlFailed as error:
            if not transfer.was_cut:
                raise transfer.blocked or _explain(error, transfer, target) from error
        except ValueError as error:
            message = "the request cannot be written as HTTP"
            raise DeliveryError(message, stage="send", code="invalid_request") from error
        finally:
            self._idle.append(transfer)
        return Answer(
            status=transfer.status,
            headers=transfer.headers(),
            body=transfer.kept,
            truncated=transfer.truncated,
            phases=transfer.phases(None if resolved is None else resolved.milliseconds),
        )

    async def close(self) -> None:
        """Close every connection. Idempotent."""
        curls, self._curls = self._curls, None
        if curls is not None:
            curls.close()
        for transfer in self._idle:
            transfer.curl.close()
        self._idle.clear()
        self._resolver.close()

    def _open(self) -> CurlLoop:
        limits = self._limits
        self._options = {**_ALWAYS, **trust(self._ca_file)}
        self._options[pycurl.CONNECTTIMEOUT_MS] = int(limits.connect_seconds * 1000)
        self._options[pycurl.MAXAGE_CONN] = int(limits.idle_seconds)
        self._curls = CurlLoop(
            connections=limits.connections, connections_per_host=limits.connections_per_host
        )
        return self._curls

    def _transfer(self) -> Transfer:
        return Transfer(
            self._open_socket,
            options=self._options,
            read_bytes=self._limits.read_bytes,
            keep_bytes=self._limits.keep_bytes,
        )

    def _open_socket(self, family: int, kind: int, protocol: int, address: str) -> socket.socket:
        self._guard.check(address)
        return _LentSocket(family, kind, protocol)


class _LentSocket(socket.socket):
    """A socket of which libcurl keeps a duplicate: ours is closed as soon as nobody holds it."""

    def __del__(self) -> None:
        self.close()


_ALWAYS: dict[int, Any] = {
    pycurl.NOSIGNAL: 1,
    pycurl.PROTOCOLS: pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS,
    pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,
    pycurl.HTTP09_ALLOWED: 0,
    pycurl.FOLLOWLOCATION: 0,
    pycurl.PROXY: "",  # also: none from the environment
    pycurl.NETRC: pycurl.NETRC_IGNORED,
    pycurl.PATH_AS_IS: 1,
    pycurl.SSL_VERIFYPEER: 1,
    pycurl.SSL_VERIFYHOST: 2,
    pycurl.SSLVERSION: pycurl.SSLVERSION_TLSv1_2,  # or later
    pycurl.DNS_CACHE_TIMEOUT: int(REMEMBERED_SECONDS),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """Where a URL leads: in ASCII, as libcurl is given it."""

    url: str
    host: str
    port: int
    is_encrypted: bool

    def pinned_to(self, resolved: Resolved) -> str | None:
        """Return what libcurl is told of the name; None where the host is an address."""
        if resolved.addresses == (self.host,):
            return None
        addresses = ",".join(f"[{one}]" if ":" in one else one for one in resolved.addresses)
        return f"{self.host}:{self.port}:{addresses}"


@lru_cache(maxsize=4096)  # an endpoint's URL comes again with each of its deliveries
def _target(url: str) -> _Target:
    try:
        parsed = URL(url)
        scheme, host, port = parsed.scheme, parsed.raw_host, parsed.port
    except ValueError as error:
        raise _invalid_url() from error
    if scheme not in {"http", "https"} or not host or not port or parsed.user == "":
        raise _invalid_url()
    return _Target(
        url=str(parsed.with_fragment(None)),
        host=host,
        port=port,
        is_encrypted=scheme == "https",
    )


def _invalid_url() -> DeliveryError:
    return DeliveryError("the endpoint's URL cannot be used", stage="send", code="invalid_url")


def _unresolved() -> DeliveryError:
    message = "the endpoint's name was not resolved in time"
    return DeliveryError(message, stage="resolve", code="dns_timeout")


def _too_late(transfer: Transfer, target: _Target) -> DeliveryError:
    if transfer.head_complete:
        message = "the endpoint's answer did not end in time"
        return DeliveryError(message, stage="response", code="response_too_slow")
    if not transfer.has_connected:
        return DeliveryError("no connection was made in time", stage="connect", code="connect_timeout")
    if target.is_encrypted and not transfer.has_encrypted:
        return DeliveryError("the TLS handshake did not end in time", stage="tls", code="connect_timeout")
    return DeliveryError("the endpoint did not answer in time", stage="response", code="timeout")


# https://curl.se/libcurl/c/libcurl-errors.html: stage, code, sentence.
_EXPLANATIONS: dict[int, tuple[str, str, str]] = {
    pycurl.E_URL_MALFORMAT: ("send", "invalid_url", "the endpoint's URL cannot be used"),
    pycurl.E_COULDNT_RESOLVE_HOST: ("resolve", "dns_error", "the endpoint's name could not be resolved"),
    pycurl.E_COULDNT_CONNECT: ("connect", "connect_error", "no connection could be made"),
    pycurl.E_PEER_FAILED_VERIFICATION: ("tls", "tls_error", "the endpoint's certificate is not valid"),
    pycurl.E_SSL_CONNECT_ERROR: ("tls", "tls_error", "the TLS handshake failed"),
    pycurl.E_GOT_NOTHING: ("response", "connection_closed", "the endpoint sent no answer"),
    pycurl.E_SEND_ERROR: ("response", "connection_reset", "the endpoint broke the connection"),
    pycurl.E_PARTIAL_FILE: ("response", "protocol_error", "the answer's body broke off"),
}
_NOT_HTTP = ("response", "protocol_error", "the answer is not HTTP")
_RESET = ("response", "connection_reset", "the endpoint broke the connection")
_CONNECT_CODES = {
    errno.ECONNREFUSED: ("connect_refused", "the endpoint refused the connection"),
    errno.ECONNRESET: ("connect_reset", "the endpoint broke off the connection at once"),
    errno.ENETUNREACH: ("connect_unreachable", "there is no route to the endpoint"),
    errno.EHOSTUNREACH: ("connect_unreachable", "there is no route to the endpoint"),
    errno.ETIMEDOUT: ("connect_timeout", "no connection was made in time"),
}


def _explain(error: CurlFailed, transfer: Transfer, target: _Target) -> DeliveryError:
    """Return the failure for people: never libcurl's own words, which name addresses."""
    if error.code == pycurl.E_OPERATION_TIMEDOUT:
        return _too_late(transfer, target)
    stage, code, sentence = _EXPLANATIONS.get(error.code, _NOT_HTTP)
    if error.code == pycurl.E_COULDNT_CONNECT:
        code, sentence = _CONNECT_CODES.get(transfer.system_error, (code, sentence))
    elif error.code == pycurl.E_RECV_ERROR and transfer.system_error:
        stage, code, sentence = _RESET
    return DeliveryError(sentence, stage=stage, code=code)
