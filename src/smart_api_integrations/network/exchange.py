"""The moments of one request, noted where they pass: the phases that an attempt shows. Floor 3.

The client tells of a new connection's parts to nobody, so each part that is ours notes its own moment in the
exchange of the request that it works for: the resolver, the socket factory, the TLS context, the body. A
request that reuses a connection passes none of the first three, and so has none of their phases.
"""

from __future__ import annotations

import ssl
from contextvars import ContextVar
from time import perf_counter
from typing import Any

from smart_api_integrations.errors import AddressBlocked


class Exchange:
    """The moments of one request, in seconds of ``perf_counter``; 0 where one has not come."""

    __slots__ = ("answered", "blocked", "dns", "dns_done", "sent", "socket", "tls", "tls_done")

    def __init__(self) -> None:
        """Begin with nothing noted."""
        self.dns = self.dns_done = self.socket = self.tls = self.tls_done = self.sent = self.answered = 0.0
        self.blocked: AddressBlocked | None = None

    @property
    def reused(self) -> bool:
        """True while no connection was opened for this request."""
        return not self.socket

    def phases(self, now: float) -> dict[str, float]:
        """Return the milliseconds of each phase; a new connection's phases only where there was one."""
        phases: dict[str, float] = {}
        if self.dns:
            phases["dns"] = _milliseconds(self.dns, self.dns_done)
        if self.socket:
            phases["tcp"] = _milliseconds(self.socket, self.tls or self.sent)
        if self.tls:
            phases["tls"] = _milliseconds(self.tls, self.tls_done or self.sent)
        phases["ttfb"] = _milliseconds(self.sent, self.answered)
        phases["body"] = _milliseconds(self.answered, now)
        return phases


EXCHANGE: ContextVar[Exchange | None] = ContextVar("exchange", default=None)
"""The exchange of the request that the current task sends, for what has no other way to know it."""


class _NotingTls(ssl.SSLObject):
    """A TLS connection that notes when its handshake is done."""

    exchange: Exchange | None = None

    def do_handshake(self) -> None:
        super().do_handshake()  # raises until the handshake is complete
        if self.exchange is not None:
            self.exchange.tls_done = perf_counter()


class _NotingContext(ssl.SSLContext):
    """A TLS context that notes when a handshake begins: the TCP connection stands."""

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        wrapped = super().wrap_bio(*args, **kwargs)
        exchange = EXCHANGE.get()
        if exchange is not None and isinstance(wrapped, _NotingTls):
            exchange.tls = perf_counter()
            wrapped.exchange = exchange
        return wrapped


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Return the context of our connections: certificate and name verified, TLS 1.2 or later."""
    context = _NotingContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslobject_class = _NotingTls
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_default_certs()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _milliseconds(start: float, end: float) -> float:
    return round((end - start) * 1000, 3)
