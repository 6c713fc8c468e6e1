"""What an endpoint asks of who calls it: a user with a password, or a bearer token. Floor 1.

Rules:

1. Credentials in a URL (``https://user:password@host``) are taken out of it before it is kept or shown.
2. They are sent as ``Authorization``, with every attempt (RFC 7617, RFC 6750), and never shown again.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from smart_api_integrations.core.masking import MASK
from smart_api_integrations.errors import InvalidInput

BASIC, BEARER = "basic", "bearer"
MAX_LENGTH = 1024

_FIELDS: Mapping[str, tuple[str, ...]] = {BASIC: ("username", "password"), BEARER: ("token",)}
_AUTHORITY = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<user>[^/?#]*)@(?P<rest>[^/?#]*.*)", re.DOTALL
)
_TOKEN = re.compile(r"[!-~]+")  # RFC 6750 allows less; what receivers make up is rarely of its alphabet
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What is sent as ``Authorization``.

    Attributes:
        kind: ``basic`` or ``bearer``.
        username: The user's name; empty for ``bearer``.
        secret: The password or the token. Not in the repr.
    """

    kind: str
    username: str = ""
    secret: str = field(repr=False)

    @property
    def authorization(self) -> str:
        """The header's value."""
        if self.kind == BEARER:
            return f"Bearer {self.secret}"
        return "Basic " + base64.b64encode(f"{self.username}:{self.secret}".encode()).decode()

    def shown(self) -> dict[str, str]:
        """Return what may be shown of them, in the form that ``read_credentials`` takes."""
        if self.kind == BEARER:
            return {"type": BEARER, "token": MASK}
        return {"type": BASIC, "username": self.username, "password": MASK}

    def kept(self) -> dict[str, str]:
        """Return them whole, as ``read_credentials`` takes them: to be encrypted, never to be shown."""
        if self.kind == BEARER:
            return {"type": BEARER, "token": self.secret}
        return {"type": BASIC, "username": self.username, "password": self.secret}


def read_credentials(given: Any) -> Credentials | None:
    """Return the credentials that *given* describes, or None for none.

    >>> read_credentials({"type": "basic", "username": "shop", "password": "hush"}).authorization
    'Basic c2hvcDpodXNo'

    Raises:
        InvalidInput: It describes none; no value of it is repeated.
    """
    if given is None or isinstance(given, Credentials):
        return given
    expected = "{type: basic, username, password} or {type: bearer, token}"
    kind = given.get("type") if isinstance(given, Mapping) else None
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise InvalidInput.at(field="auth", found="another form", expected=expected)
    values = {name: value for name, value in given.items() if name != "type" and value is not None}
    unknown = sorted(str(name) for name in values.keys() - set(_FIELDS[kind]))
    missing = [name for name in _FIELDS[kind] if name not in values]
    if unknown or missing:
        found = f"{unknown[0][:40]!r}" if unknown else f"no {missing[0]!r}"
        raise InvalidInput.at(field="auth", found=found, expected=expected)
    for name, value in values.items():
        _check(name, value)
    if kind == BEARER:
        return Credentials(kind=BEARER, secret=values["token"])
    return Credentials(kind=BASIC, username=values["username"], secret=values["password"])


def taken_out(url: Any) -> tuple[Any, Credentials | None]:
    """Return *url* without the user and password before its host, and these.

    >>> taken_out("https://shop:p%40ss@example.com/hook")[0]
    'https://example.com/hook'

    Raises:
        InvalidInput: They cannot be used.
    """
    match = _AUTHORITY.fullmatch(url) if isinstance(url, str) else None
    if match is None:
        return url, None
    name, _, password = match["user"].partition(":")
    if "@" in match["user"] or not name:
        found = "a user's name that cannot be read"
        raise InvalidInput.at(field="url", found=found, expected="https://host/path, and `auth` beside it")
    credentials = read_credentials({"type": BASIC, "username": unquote(name), "password": unquote(password)})
    return match["scheme"] + match["rest"], credentials


def _check(name: str, value: Any) -> None:
    if not isinstance(value, str) or len(value) > MAX_LENGTH:
        expected = f"text of at most {MAX_LENGTH} characters"
        raise InvalidInput.at(field=f"auth.{name}", found="something else", expected=expected)
    if MASK in value:
        expected = "the value itself, or no `auth` at all to keep what is there"
        raise InvalidInput.at(field=f"auth.{name}", found="the mask of a secret", expected=expected)
    if name == "token" and not _TOKEN.fullmatch(value):
        expected = "printable ASCII without a space"
        raise InvalidInput.at(field="auth.token", found="what no header can hold", expected=expected)
    if name == "username" and (not value or ":" in value):
        raise InvalidInput.at(
            field="auth.username", found="none, or a colon", expected="a name without a colon"
        )
    if _CONTROL.search(value):
        raise InvalidInput.at(field=f"auth.{name}", found="a control character", expected="printable text")
