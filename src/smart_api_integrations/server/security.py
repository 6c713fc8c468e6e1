"""The shell around the API and the dashboard: who may ask, from which page, and the headers. Floor 9.

The ways in do not pass through here: a provider has no key and names any host.

Rules:

1. Without a key the server trusts whoever sits at this machine and nobody else: it must be bound to
   loopback, and a request must come from there, must name a loopback host (a web page whose name
   resolves to 127.0.0.1 names its own host, which is DNS rebinding) and must not have come through a
   proxy or a tunnel, whose far end is anybody.
2. With keys a program sends ``Authorization: Bearer <key>`` (or HTTP Basic with a key as the password), and a
   person signs in with one and gets a session's cookie. ``doorkeeper`` tells who that is.
3. A browser sends what it remembers with requests that another site made. So where no bearer key was
   shown, a request that changes something must come from our own pages: ``Sec-Fetch-Site`` says so, or
   ``Origin`` where a browser sends none (https://web.dev/articles/fetch-metadata). With a session's cookie
   one of the two must be there; so no form needs a token. Other sites may link to a page but not load
   anything.
4. Where ``WEBHOOKS_ALLOWED_HOSTS`` is set, nothing else is answered under another name.
5. A body has a stated length, and a largest one.
6. Where HTTPS is required, a trusted proxy must say that the request came to it so; answers then tell
   browsers to come back no other way (HSTS).
7. Every answer carries the headers of ``core.page_policy``, refusals and failures too.
8. What a principal may do is decided further in, by scopes: ``api.permissions``, ``dashboard.permissions``.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smart_api_integrations.core.access import Principal
from smart_api_integrations.core.page_policy import HEADERS
from smart_api_integrations.core.source_addresses import Network, came_over_https, client_address
from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.server.doorkeeper import Gatekeeper, Verdict, is_bearer
from smart_api_integrations.server.refusals import (
    BODY_TOO_LARGE,
    CROSS_SITE,
    HOST_UNKNOWN,
    HTTPS_NEEDED,
    KEY_WRONG_PAGE,
    LENGTH_NEEDED,
    STORE_AWAY,
    Refusal,
)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN_PATHS = ("/login", "/logout", "/static/")
"""What has to be reached to sign in and out."""
_PROXY_HEADERS = (
    *("forwarded", "via", "x-real-ip", "true-client-ip", "cf-connecting-ip", "cf-ray"),
    *("x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-forwarded-server"),
)
_DEFAULT_PORTS: Mapping[str, int] = {"http": 80, "https": 443}
HSTS = "max-age=31536000"
"""A year, of this host alone: what else stands under its domain is not ours to decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRules:
    """From where the API and the dashboard may be used.

    Attributes:
        is_loopback: Whether the server is bound to this machine alone.
        public_url: How the server is reached from outside, where that is configured.
        max_body_bytes: The largest body of a request.
        https_from: The proxies that must have got a request over HTTPS; None where that is not asked.
        trusted_proxies: The peers whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed.
        allowed_hosts: The only host names that are answered; empty for any.
    """

    is_loopback: bool
    public_url: str | None
    max_body_bytes: int
    https_from: tuple[Network, ...] | None = None
    trusted_proxies: tuple[Network, ...] = ()
    allowed_hosts: frozenset[str] = frozenset()


class SecurityShell:
    """ASGI middleware that keeps the rules above before *app*."""

    def __init__(self, app: ASGIApp, rules: AccessRules, gatekeeper: Gatekeeper) -> None:
        """Stand before *app*, keep *rules*, and ask *gatekeeper* who asks."""
        self._app = app
        self._rules = rules
        self._gatekeeper = gatekeeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or let it through; add the headers either way."""
        if scope["type"] != "http":
            return  # no page of ours opens a socket: the server closes it
        headers = Headers(scope=scope)
        answered = with_headers(send, hsts=self._rules.https_from is not None)
        address = _address(scope, headers, self._rules)
        verdict = await self._judge(scope, headers, address)
        if isinstance(verdict, Refusal):
            await _refused(verdict, scope, headers)(scope, receive, answered)
            return
        state = {
            **scope.get("state", {}),
            "principal": verdict,
            "remote_address": address,
            "is_https": _is_https(scope, headers, self._rules),
        }
        await self._app({**scope, "state": state}, receive, answered)

    async def _judge(self, scope: Scope, headers: Headers, address: str | None) -> Verdict | None:
        """Return who asks (None at the pages where nobody has to be known), or why they may not."""
        rules, path = self._rules, inner_path(scope)
        refusal = refusal_of_the_way(scope, headers, rules)
        if refusal is not None:
            return refusal
        who: Verdict | None = None
        if not path.startswith(OPEN_PATHS):
            try:
                who = await self._gatekeeper.admit(
                    scope, is_api=is_api(path), at_home=is_at_home(scope, headers, rules), address=address
                )
            except StorageUnavailable:
                return STORE_AWAY
        if isinstance(who, Refusal):
            return who
        return refusal_of_the_page(scope["method"], headers, rules, who) or who


def inner_path(scope: Scope) -> str:
    """Return the path under the prefix that the application is mounted at."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path[len(root) :] if root and path.startswith(root) else path


def is_api(path: str) -> bool:
    """Tell whether *path* is for programs: the API, its description, metrics; all else is for people."""
    return path.startswith("/api/") or path in {"/api", "/openapi.json", "/metrics"}


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


def refusal_of_the_way(scope: Scope, headers: Headers, rules: AccessRules) -> Refusal | None:
    """Return why a request is refused whoever sent it: not over HTTPS, or under a name that is not ours."""
    if rules.https_from is not None and not _came_over_https(scope, headers, rules.https_from):
        return HTTPS_NEEDED
    if rules.allowed_hosts and _host_name(headers.get("host", "")) not in rules.allowed_hosts:
        return HOST_UNKNOWN
    return None


def refusal_of_the_page(
    method: str, headers: Headers, rules: AccessRules, who: Principal | None
) -> Refusal | None:
    """Return why a request is refused although its sender is known: another site made it, or its body."""
    must_tell = who is None or who.by_cookie
    if must_tell or not is_bearer(headers):
        refusal = _where_from(method, headers, rules.public_url, must_tell=must_tell)
        if refusal is not None:
            return refusal
    return _how_much(method, headers, rules.max_body_bytes)


def is_at_home(scope: Scope, headers: Headers, rules: AccessRules) -> bool:
    """Tell whether a request certainly came from this machine, and was meant for it."""
    peer = (scope.get("client") or ("",))[0]  # the server may listen elsewhere than the rules know
    at_home = rules.is_loopback and _is_loopback(peer) and _names_loopback(headers.get("host", ""))
    return at_home and not any(name in headers for name in _PROXY_HEADERS)


def _refused(refusal: Refusal, scope: Scope, headers: Headers) -> ASGIApp:
    """Return the answer to what is refused: who opens a page in a browser is sent to sign in."""
    wants_page = scope["method"] == "GET" and "text/html" in headers.get("accept", "")
    if refusal is not KEY_WRONG_PAGE or not wants_page or "authorization" in headers:
        return refusal.response()
    wanted = inner_path(scope) + (
        f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
    )
    return RedirectResponse(
        f"{scope.get('root_path', '')}/login?next={quote(wanted, safe='')}", status_code=303
    )


def _address(scope: Scope, headers: Headers, rules: AccessRules) -> str | None:
    client = scope.get("client")
    return client_address(client[0] if client else None, headers.items(), trusted=rules.trusted_proxies)


def _is_https(scope: Scope, headers: Headers, rules: AccessRules) -> bool:
    return scope.get("scheme") == "https" or _came_over_https(scope, headers, rules.trusted_proxies)


def _came_over_https(scope: Scope, headers: Headers, proxies: tuple[Network, ...]) -> bool:
    client = scope.get("client")
    return came_over_https(client[0] if client else None, headers.getlist("x-forwarded-proto"), proxies)


def _where_from(method: str, headers: Headers, public_url: str | None, *, must_tell: bool) -> Refusal | None:
    site = headers.get("sec-fetch-site")
    if method in SAFE_METHODS:
        loads = site == "cross-site" and headers.get("sec-fetch-mode") != "navigate"
        return CROSS_SITE if loads else None
    if site is not None:
        return None if site == "same-origin" else CROSS_SITE
    origin = headers.get("origin")
    if origin is None:  # a program, not a browser: browsers name the origin of what changes something
        return CROSS_SITE if must_tell else None
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


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _names_loopback(host: str) -> bool:
    name = _host_name(host)
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
