r"""Which URLs may be saved as an endpoint's: the grammar, with an answer that says what to change. Floor 3.

This is for people, not for safety: it catches at once what the address guard would block at every attempt.
The URL is parsed once, by the parser that the client uses, and what is not spelled in the one plain way is
refused, because two parsers may read it as two hosts (``http://a@b\@c``).
"""

from __future__ import annotations

import re
from typing import Any

from yarl import URL

from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.network.address_guard import AddressGuard

MAX_URL_LENGTH = 2048
MAX_HOST_LENGTH = 253  # RFC 1035, section 2.3.4, less the root

_PLAIN = re.compile(r"[!-\[\]-~]+")  # printable ASCII but space and backslash
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_DOTTED_QUAD = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}")

_WELL_KNOWN_PORTS = frozenset({80, 443})
_FIRST_FREE_PORT = 1024


def check_endpoint_url(url: str, guard: AddressGuard, *, allow_http: bool = False) -> None:
    """Return if *url* may be saved as an endpoint's.

    It is https, or http where *allow_http* says so or its host lies in the networks that *guard* was told
    to allow (``localhost`` counts as 127.0.0.1). Its port is 443, 80, or any from 1024 on; inside allowed
    networks any. A literal address must be one that may be called.

    Raises:
        InvalidInput: It may not; the message says what was found and what to write instead, and repeats
            no more of the URL than the part at fault (a URL may hold a secret).
    """
    authority = _authority(url)
    host, port = _host_and_port(authority)
    _check_host(host)
    _check_one_reading(url, host, port)
    literal = host.strip("[]") if _is_literal(host) else None
    inside = _is_inside(host, literal, guard)
    if url[:5].lower() == "http:" and not (inside or allow_http):
        raise InvalidInput.at(
            field="url",
            found="http:",
            expected="https: (or allow http for this endpoint; or a host in WEBHOOKS_ALLOWED_NETWORKS)",
        )
    if not inside and port is not None and port not in _WELL_KNOWN_PORTS and port < _FIRST_FREE_PORT:
        raise InvalidInput.at(field="url", found=f"port {port}", expected="443, 80, or a port from 1024 on")
    reason = None if literal is None else guard.refusal(literal)
    if reason is not None:
        expected = "a public address, or its network in WEBHOOKS_ALLOWED_NETWORKS"
        raise InvalidInput.at(
            field="url", found=f"an address that is never called ({reason})", expected=expected
        )


def _authority(url: Any) -> str:
    """Return what stands between ``//`` and the path, after the checks that need no parser."""
    if not isinstance(url, str) or not url:
        raise InvalidInput.at(field="url", found="nothing", expected="https://host/path")
    if len(url) > MAX_URL_LENGTH:
        raise InvalidInput.at(
            field="url", found=f"{len(url)} characters", expected=f"at most {MAX_URL_LENGTH}"
        )
    if not _PLAIN.fullmatch(url):
        expected = "plain ASCII: %XX in the path, the xn-- form for the host"
        raise InvalidInput.at(
            field="url",
            found="a space, control character, backslash or non-ASCII character",
            expected=expected,
        )
    scheme, mark, rest = url.partition("://")
    if not mark or scheme.lower() not in {"http", "https"}:
        raise InvalidInput.at(
            field="url", found=f"the scheme {url.partition(':')[0][:20]!r}", expected="https://"
        )
    if "#" in rest:
        raise InvalidInput.at(
            field="url", found="a fragment (#)", expected="a URL without one: it is never sent"
        )
    return re.split(r"[/?]", rest, maxsplit=1)[0]


def _host_and_port(authority: str) -> tuple[str, int | None]:
    if "@" in authority:
        expected = "a URL without them: give credentials as `auth`"
        raise InvalidInput.at(field="url", found="user name or password (@)", expected=expected)
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise InvalidInput.at(field="url", found=f"the host {authority[:80]!r}", expected="host or host:port")
    port = match["port"]
    if port is not None and not 0 < int(port) < 65536:
        raise InvalidInput.at(field="url", found=f"port {port}", expected="1 to 65535")
    return match["host"], None if port is None else int(port)


def _check_host(host: str) -> None:
    if len(host) > MAX_HOST_LENGTH:
        raise InvalidInput.at(
            field="url", found=f"a host of {len(host)} characters", expected=f"at most {MAX_HOST_LENGTH}"
        )
    if host.startswith("["):
        return
    labels = host.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        # https://url.spec.whatwg.org/#ends-in-a-number-checker: such a host is an address, never a name.
        if not _DOTTED_QUAD.fullmatch(host):
            raise InvalidInput.at(
                field="url", found=f"the address {host!r}", expected="four decimal numbers: 192.0.2.1"
            )
        return
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidInput.at(
            field="url",
            found=f"the host {host[:80]!r}",
            expected="labels of 1 to 63 letters, digits and hyphens",
        )


def _check_one_reading(url: str, host: str, port: int | None) -> None:
    """Refuse what the client's own parser reads in another way than the rules above."""
    try:
        parsed = URL(url)
    except ValueError as error:
        raise InvalidInput.at(
            field="url", found="a URL that cannot be parsed", expected="https://host/path"
        ) from error
    plain = host.strip("[]").lower()
    if not _is_literal(host) and parsed.raw_host != plain:
        raise InvalidInput.at(
            field="url", found=f"the host {host[:80]!r}", expected="the host in its plain form"
        )
    if port is not None and parsed.port != port:
        raise InvalidInput.at(field="url", found=f"port {port}", expected="host:port")


def _is_literal(host: str) -> bool:
    return host.startswith("[") or _DOTTED_QUAD.fullmatch(host) is not None


def _is_inside(host: str, literal: str | None, guard: AddressGuard) -> bool:
    # RFC 6761, section 6.3: localhost is loopback, whatever a name server says.
    if literal is None and host.removesuffix(".").lower() == "localhost":
        literal = "127.0.0.1"
    return literal is not None and guard.allows_by_hole(literal)
