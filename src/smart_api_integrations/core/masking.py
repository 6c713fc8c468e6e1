"""What may be shown of a value that is a secret, or that carries one. Floor 1.

Pages and API answers show headers, URLs and secrets only through these functions. They show enough to
tell two values apart and never enough to use one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote_plus, urlsplit

MASK = "••••"

_SENSITIVE = re.compile(
    r"authorization|cookie|signature|hmac|secret|token|password|credential|api-?key|access-?key|auth-?key|x-auth",
    re.IGNORECASE,
)

_SENSITIVE_PARAMETER = re.compile(r"code|key|pass|pwd|sas|sig|auth|jwt", re.IGNORECASE)

# From this length on the two ends of a value tell it apart and give too little of it away to matter.
_ENOUGH = 20
_LOOKS_LIKE_A_KEY = 20
_LOOKS_LIKE_AN_ACCOUNT = 9


def is_sensitive(header: str) -> bool:
    """Tell whether a header of this name carries a credential or a signature.

    >>> is_sensitive("X-Hub-Signature-256"), is_sensitive("Content-Type")
    (True, False)
    """
    return _SENSITIVE.search(header) is not None


def masked_header(name: str, value: str) -> str:
    """Return a header's value as it may be shown: cut where the name says that it is sensitive.

    >>> masked_header("X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a")
    'sha256=757107…4b8a'
    >>> masked_header("Authorization", "Basic dXNlcjpwYXNz")
    'Basic ••••'
    """
    if not is_sensitive(name):
        return value
    label, separator, rest = _labelled(value)
    return label + separator + _ends(rest)


def masked_secret(secret: str) -> str:
    """Return what names a secret without giving it away.

    >>> masked_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), masked_secret("hunter2")
    ('whsec_…LaSw', '••••')
    """
    prefix = secret[: secret.find("_") + 1] if secret.startswith(("whsec_", "whsk_")) else ""
    rest = secret.removeprefix(prefix)
    return f"{prefix}…{rest[-4:]}" if len(rest) >= _ENOUGH else prefix + MASK


def masked_url(url: str) -> str:
    """Return a URL without credentials, query values and parts of the path that look like a key.

    >>> masked_url("https://user:pass@hooks.slack.com/services/T02AB12CD/B07XY34ZQ/k3YsT0nEoFmAnYmOrE12?x=1")
    'https://hooks.slack.com/services/T02A…/B07X…/••••?x=••••'
    """
    try:
        parts = urlsplit(url)
        host = _host(parts)
    except ValueError:
        return MASK
    path = "/".join(_segment(segment) for segment in parts.path.split("/"))
    query = "&".join(f"{name}={MASK}" for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    if parts.query and not query:
        query = MASK
    return f"{parts.scheme}://{host}{path}" + (f"?{query}" if query else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One part of a query string, as it was sent.

    Attributes:
        name: Its decoded name.
        label: What stands before the value, with the ``=``.
        value: The value, still encoded; empty where there is no ``=``.
        is_secret: Whether the value must not be shown.
    """

    name: str
    label: str
    value: str = field(repr=False)
    is_secret: bool


def parameters(query: str, *, secret: Collection[str] = ()) -> Iterator[Parameter]:
    """Part *query* at its ``&``; joined again, labels and values are the same text.

    Args:
        query: A query string without its ``?``.
        secret: Names that the webhook reads a token from, beside those that are well known: ``code``,
            ``key``, ``sig``, ``access_token`` and whatever a header could not show.
    """
    for piece in query.split("&") if query else ():
        label, separator, value = piece.partition("=")
        name = unquote_plus(label)
        known = name in secret or is_sensitive(name) or _SENSITIVE_PARAMETER.fullmatch(name) is not None
        yield Parameter(name=name, label=label + separator, value=value, is_secret=known and bool(value))


def masked_query(query: str, *, secret: Collection[str] = ()) -> str:
    """Return a query string as it may be shown; *secret* are the names that its webhook keeps a token in.

    >>> masked_query("code=aBcD&topic=orders"), masked_query("k=1&topic=orders", secret={"k"})
    ('code=••••&topic=orders', 'k=••••&topic=orders')
    """
    return "&".join(
        each.label + (MASK if each.is_secret else each.value) for each in parameters(query, secret=secret)
    )


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    return host if parts.port is None else f"{host}:{parts.port}"


def _segment(segment: str) -> str:
    if len(segment) >= _LOOKS_LIKE_A_KEY and not re.fullmatch(r"[a-z]+(?:[-_.][a-z]+)+", segment):
        return MASK
    shouted = segment.isdigit() or (segment.upper() == segment and any(char.isdigit() for char in segment))
    if len(segment) >= _LOOKS_LIKE_AN_ACCOUNT and shouted:
        return segment[:4] + "…"
    return segment


def _labelled(value: str) -> tuple[str, str, str]:
    """Part ``sha256=…``, ``Bearer …`` or ``v1,…`` into its label, the mark between and the rest."""
    match = re.match(r"([A-Za-z][A-Za-z0-9_-]{0,15})([=, ]+)(.+)", value, re.DOTALL)
    return ("", "", value) if match is None else (match[1], match[2], match[3])


def _ends(value: str) -> str:
    return f"{value[:6]}…{value[-4:]}" if len(value) >= _ENOUGH else MASK
