"""The shell around the API and the dashboard: who may ask, from which page, and the headers. Floor 9.

The ways in do not pass through here: a provider has no key and names any host.

Rules:

1. Without a key the server trusts whoever sits at this machine and nobody else: it must be bound to
   loopback, and a request must come from there, must name a loopback host (a web page whose name
   resolves to 127.0.0.1 names its own host, which is DNS rebinding) and must not have come through a
   proxy or a tunnel, whose far end is anybody.
2. With keys ``/api`` takes ``Authorization: Bearer <key>``, the dashboard HTTP Basic with a key as the
   password. Keys are compared as SHA-256 digests, all of them, in constant time.
3. A browser sends what it remembers with requests that another site made. So where no bearer key was
   shown, a request that changes something must come from our own pages: ``Sec-Fetch-Site`` says so, or
   ``Origin`` where a browser sends none (https://web.dev/articles/fetch-metadata). Other sites may link
   to a page but not load anything.
4. A body has a stated length, and a largest one.
5. Where HTTPS is required, a trusted proxy must say that the request came to it so; answers then tell
   browsers to come back no other way (HSTS).
6. Every answer carries the headers of ``HEADERS``, refusals and failures too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smart_api_integrations.core.page_policy import HEADERS
from smart_api_integrations.core.source_addresses import Network, came_over_https

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_PROXY_HEADERS = (
    *("forwarded", "via", "x-real-ip", "true-client-ip", "cf-connecting-ip", "cf-ray"),
    *("x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-forwarded-server"),
)
_DEFAULT_PORTS: Mapping[str, int] = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRules:
    """Who may use the API and the dashboard.

    Attributes:
        keys: The API keys' SHA-256 digests; empty where none is configured.
        is_loopback: Whether the server is bound to this machine alone.
        public_url: How the server is reached from outside, where that is configured.
        max_body_bytes: The largest body of a request.
        https_from: The proxies that must have got a request over HTTPS; None where that is not asked.
    """

    keys: tuple[bytes, ...]
    is_loopback: bool
    public_url: str | None
    max_body_bytes: int
    https_from: tuple[Network, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request goes no further, as an RFC 9457 problem."""

    status: int
    title: str
    code: str
    detail: str
    hint: str
    challenge: str | None = None

    def response(self) -> Response:
        """Return the answer to send."""
        body = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "hint": self.hint,
        }
        headers = {"WWW-Authenticate": self.challenge} if self.challenge else {}
        return Response(
            json.dumps(body), status_code=self.status, headers=headers, media_type="application/problem+json"
        )


NOT_LOOPBACK = Refusal(
    status=403,
    title="Forbidden",
    code="key_needed",
    detail="Without an API key the API and the dashboard are open to this machine only.",
    hint="Set WEBHOOKS_API_KEYS and restart the server; or open it at 127.0.0.1.",
)
CROSS_SITE = Refusal(
    status=403,
    title="Forbidden",
    code="cross_site",
    detail="The request was made by a page of another site.",
    hint="Make it from the dashboard itself, or with an API key from a program.",
)
KEY_WRONG_API = Refusal(
    status=401,
    title="Unauthorized",
    code="unauthorized",
    detail="The request carries no API key that is known here.",
    hint="Send `Authorization: Bearer <key>` with a key of WEBHOOKS_API_KEYS.",
    challenge='Bearer realm="webhooks"',
)
KEY_WRONG_PAGE = Refusal(
    status=401,
    title="Unauthorized",
    code="unauthorized",
    detail="The dashboard needs an API key as the password; the user name does not matter.",
    hint="Use a key of WEBHOOKS_API_KEYS.",
    challenge='Basic realm="webhooks", charset="UTF-8"',
)
LENGTH_NEEDED = Refusal(
    status=411,
    title="Length Required",
    code="length_required",
    detail="The request's body has no stated length.",
    hint="Send Content-Length instead of a chunked body.",
)
BODY_TOO_LARGE = Refusal(
    status=413,
    title="Content Too Large",
    code="body_too_large",
    detail="The request's body is larger than WEBHOOKS_MAX_BODY_BYTES.",
    hint="Send less at once, or raise the setting.",
)


HTTPS_NEEDED = Refusal(
    status=403,
    title="Forbidden",
    code="https_required",
    detail="The API and the dashboard are reached over HTTPS only.",
    hint="Use https: in the address. The proxy must send X-Forwarded-Proto.",
)
HSTS = "max-age=31536000"
"""A year, of this host alone: what else stands under its domain is not ours to decide."""


def digest(key: str) -> bytes:
    """Return what is kept of an API key to recognise it."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


class SecurityShell:
    """ASGI middleware that keeps the rules above before *app*."""

    def __init__(self, app: ASGIApp, rules: AccessRules) -> None:
        """Stand before *app* and keep *rules*."""
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or let it through; add the headers either way."""
        if scope["type"] != "http":
            return  # no page of ours opens a socket: the server closes it
        refusal = refusal_of(scope, self._rules)
        app = self._app if refusal is None else refusal.response()
        await app(scope, receive, with_headers(send, hsts=self._rules.https_from is not None))


def with_headers(send: Send, *, hsts: bool = False) -> Send:
    """Return a *send* that adds the security headers to every answer, with *hsts* that one too."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
            if hsts:
                headers.setdefault("Strict-Transport-Security", HSTS)
        await send(message)

    return send_with_headers


def refusal_of(scope: Scope, rules: AccessRules) -> Refusal | None:
    """Return why the request of *scope* goes no further, or None where it may."""
    headers = Headers(scope=scope)
    if rules.https_from is not None and not _is_https(scope, headers, rules.https_from):
        return HTTPS_NEEDED
    for_programs = is_api(scope["path"])
    refusal = _who(scope, headers, rules)
    if refusal is None and not (rules.keys and for_programs):
        refusal = _where_from(scope["method"], headers, rules.public_url)
    return refusal or _how_much(scope["method"], headers, rules.max_body_bytes)


def _is_https(scope: Scope, headers: Headers, proxies: tuple[Network, ...]) -> bool:
    client = scope.get("client")
    return came_over_https(client[0] if client else None, headers.getlist("x-forwarded-proto"), proxies)


def is_api(path: str) -> bool:
    """Tell whether *path* is the API's, or its description; everything else is for people."""
    return path.startswith("/api/") or path in {"/api", "/openapi.json"}


def _who(scope: Scope, headers: Headers, rules: AccessRules) -> Refusal | None:
    for_programs = is_api(scope["path"])
    if not rules.keys:
        peer = (scope.get("client") or ("",))[0]  # the server may listen elsewhere than the rules know
        at_home = rules.is_loopback and _is_loopback(peer) and _names_loopback(headers.get("host", ""))
        return None if at_home and not any(name in headers for name in _PROXY_HEADERS) else NOT_LOOPBACK
    shown = _bearer(headers) if for_programs else _password(headers)
    if shown is not None and _known(digest(shown), rules.keys):
        return None
    return KEY_WRONG_API if for_programs else KEY_WRONG_PAGE


def _known(shown: bytes, keys: Iterable[bytes]) -> bool:
    matches = [hmac.compare_digest(shown, key) for key in keys]
    return any(matches)


def _bearer(headers: Headers) -> str | None:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else None


def _password(headers: Headers) -> str | None:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(value.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return decoded.partition(":")[2]


def _where_from(method: str, headers: Headers, public_url: str | None) -> Refusal | None:
    site = headers.get("sec-fetch-site")
    if method in SAFE_METHODS:
        loads = site == "cross-site" and headers.get("sec-fetch-mode") != "navigate"
        return CROSS_SITE if loads else None
    if site is not None:
        return None if site == "same-origin" else CROSS_SITE
    origin = headers.get("origin")
    if origin is None:
        return None  # a program, not a browser: browsers name the origin of what changes something
    ours = {_authority(f"{scheme}://{headers.get('host', '')}", scheme) for scheme in _DEFAULT_PORTS}
    if public_url is not None:
        ours.add(_authority(public_url))
    return None if _authority(origin) in ours else CROSS_SITE


def _authority(url: str, scheme: str | None = None) -> tuple[str, str, int | None] | None:
    """Return scheme, host and port of a URL; None, which nothing equals, where it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (scheme or parts.scheme, parts.hostname, port) if parts.hostname else None


def _names_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or _is_loopback(name)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _how_much(method: str, headers: Headers, limit: int) -> Refusal | None:
    if method in SAFE_METHODS:
        return None
    if "transfer-encoding" in headers:
        return LENGTH_NEEDED
    stated = headers.get("content-length", "0")
    return BODY_TOO_LARGE if not stated.isdigit() or int(stated) > limit else None
