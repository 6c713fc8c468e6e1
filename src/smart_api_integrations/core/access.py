"""Who may do what: scopes, the roles that name sets of them, and the records of keys and sessions. Floor 1.

Rules:

1. What may be done is decided by scopes alone; a role is a name for a set of them, in ``ROLES``.
2. A key is a random value of 256 bits. What is kept of it is its SHA-256: nobody can guess a value of that
   size, so a hash that is slow on purpose would only slow down every request, and unlike one with a salt this
   one can be looked up (OWASP, Password Storage Cheat Sheet, is about what people choose themselves).
3. A key ends when it is revoked or its time is over. While it is replaced, both work until the old one ends.
4. A session is a key's, and ends with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from smart_api_integrations.core.endpoint import DEFAULT_TENANT
from smart_api_integrations.errors import InvalidInput

Word = TypeVar("Word", bound=StrEnum)

KEY_PREFIX = "whk_"
SHOWN = len(KEY_PREFIX) + 8
"""How many characters of a key are kept and shown, so that people can tell keys apart."""
LONGEST_NAME = 100
LONGEST_LIFE = timedelta(days=3650)
LONGEST_OVERLAP = timedelta(days=30)
DEFAULT_OVERLAP = timedelta(hours=24)


class Scope(StrEnum):
    """One thing that a key may be allowed to do."""

    READ_EVENTS = "read:events"
    READ_PAYLOADS = "read:payloads"
    REPLAY = "replay"
    SEND_EVENTS = "send:events"
    WRITE_ENDPOINTS = "write:endpoints"
    ADMIN = "admin"


SCOPES: Mapping[Scope, str] = {
    Scope.READ_EVENTS: "See events, messages, deliveries, endpoints and statistics, without their contents.",
    Scope.READ_PAYLOADS: "See bodies, queries, answers and what handlers returned.",
    Scope.REPLAY: "Do finished or dead work again, or discard it.",
    Scope.SEND_EVENTS: "Trigger events.",
    Scope.WRITE_ENDPOINTS: "Add, change, test, pause and delete endpoints.",
    Scope.ADMIN: "Everything, with API keys, settings and the audit log.",
}


class Role(StrEnum):
    """A named set of scopes."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


ROLES: Mapping[Role, frozenset[Scope]] = {
    Role.VIEWER: frozenset({Scope.READ_EVENTS}),
    Role.OPERATOR: frozenset(Scope) - {Scope.ADMIN},
    Role.ADMIN: frozenset(Scope),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks, and what they may do.

    Attributes:
        id: ``key_…``, ``settings:…`` for a key of the settings, ``local`` for whoever sits at this machine.
        name: What people call it; no secret.
        role: The role's name, where the scopes are a role's.
        by_cookie: A browser showed a session, which it does for any page that asks it to.
    """

    id: str
    name: str
    scopes: frozenset[Scope]
    role: Role | None = None
    by_cookie: bool = False

    def may(self, scope: Scope) -> bool:
        """Tell whether it may do what *scope* says; ``admin`` may everything."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


LOCAL = Principal(id="local", name="this machine", scopes=ROLES[Role.ADMIN], role=Role.ADMIN)
"""Whoever sits at a machine on which no key is configured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is kept of an API key.

    Attributes:
        id: ``key_`` and a ULID.
        digest: The SHA-256 of the key itself, which is kept nowhere.
        prefix: Its first characters.
        created_by: The id of the principal that made it.
        replaced_by: The id of the key that was made in its place.
    """

    id: str
    tenant: str = DEFAULT_TENANT
    name: str
    prefix: str
    digest: bytes = field(repr=False)
    role: Role | None = None
    scopes: frozenset[Scope]
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    replaced_by: str | None = None

    def state(self, *, now: datetime) -> str:
        """Return ``active``, ``revoked`` or ``expired``."""
        if self.revoked_at is not None:
            return "revoked"
        return "active" if self.expires_at is None or now < self.expires_at else "expired"

    def principal(self, *, by_cookie: bool = False) -> Principal:
        """Return who shows this key."""
        return Principal(id=self.id, name=self.name, scopes=self.scopes, role=self.role, by_cookie=by_cookie)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser that signed in with a key.

    Attributes:
        digest: The SHA-256 of what its cookie holds.
        key_id: The key that it signed in with, as ``Principal.id``; without it the session is nothing.
    """

    id: str
    digest: bytes = field(repr=False)
    key_id: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line of the audit log: who did what to what, when and from where.

    Attributes:
        action: A stable word: ``endpoint.update``, ``payload.view``.
        target: The id of what it was done to; empty where there is none.
        details: What else is worth knowing; never a secret, never a body.
    """

    id: str
    tenant: str = DEFAULT_TENANT
    at: datetime
    actor_id: str
    actor_name: str
    action: str
    target: str = ""
    remote_address: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which lines of the audit log are asked for; what is None does not matter.

    Attributes:
        since: Not before this time.
        until: Before this time.
    """

    actor_id: str | None = None
    action: str | None = None
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def digest(value: str) -> bytes:
    """Return what is kept of a key, or of a session's cookie, to recognise it."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).digest()


def settings_key_id(value: bytes) -> str:
    """Return the id of a key of the settings, from its digest; nobody finds the key by it.

    >>> settings_key_id(digest("whk_example"))
    'settings:35f103b0eac9'
    """
    return f"settings:{value.hex()[:12]}"


def granted(role: str | None, scopes: Collection[str]) -> tuple[Role | None, frozenset[Scope]]:
    """Return the role and the scopes of a new key that was asked for by the name of either.

    Raises:
        InvalidInput: Neither or both are named, or one is unknown.
    """
    if (role is None) == (not scopes):
        found = "both a role and scopes" if scopes else "neither a role nor scopes"
        raise InvalidInput.at(field="role", found=found, expected="one of the two")
    if role is None:
        return None, frozenset(_known(Scope, word, field="scopes") for word in scopes)
    named = _known(Role, role, field="role")
    return named, ROLES[named]


def _known(words: type[Word], asked: str, *, field: str) -> Word:
    try:
        return words(asked)
    except ValueError:
        expected = "one of " + ", ".join(str(word) for word in words)
        raise InvalidInput.at(field=field, found=repr(asked[:64]), expected=expected) from None
