"""Public keys that are fetched before a request can be verified: where from, and how they are read. Floor 1.

Rules:

1. Where a key may come from is configuration: a fixed https address, or one that the request names and whose
   host ``allow_hosts`` lists. A request without a signature in form has nothing fetched.
2. A certificate proves itself: it must be for a name that is expected, and its chain must end at an authority
   that the system trusts. ``chain: host`` waives that for providers whose file holds no chain: then the TLS
   connection to the listed host vouches.
3. A key of another kind than the algorithm's is no key, and neither is a private or a symmetric one.
4. Nothing here fetches: that is ``network.key_source``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import Certificate, load_pem_x509_certificates

from smart_api_integrations.core.allowed_hosts import HostPattern, is_allowed_url
from smart_api_integrations.core.references import items_at
from smart_api_integrations.core.request_view import NO_VARIABLES, RequestView
from smart_api_integrations.core.signatures.certificates import check_certificate
from smart_api_integrations.core.signatures.public_keys import read_public_key
from smart_api_integrations.core.signatures.scheme import Scheme, Verified
from smart_api_integrations.core.signatures.secrets import Secret
from smart_api_integrations.core.signatures.signature_field import read_or_refuse
from smart_api_integrations.core.templates import Template
from smart_api_integrations.core.webhook_schema import RawRequest
from smart_api_integrations.errors import SignatureMalformed, SignatureMismatch

_MOST_KEYS = 32
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedKeys:
    """What one address answered with.

    Attributes:
        by_id: The keys by the name that the provider gives them; a certificate's is "".
        until: When the last of them may be used.
    """

    by_id: Mapping[str, Secret]
    until: datetime = _NEVER

    def named(self, key_id: str | None) -> tuple[Secret, ...]:
        """Return the key of that name; all of them for a request that names none."""
        if key_id is None:
            return tuple(self.by_id.values())
        found = self.by_id.get(key_id)
        return () if found is None else (found,)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAddress:
    """Where a provider's keys are, as ``verification.key`` says it.

    Attributes:
        form: What is there, a key of ``FORMS``.
        url: Where it is.
        allow_hosts: The hosts that the URL may be of.
        algorithms: What every key must be of, by the names of ``public_keys.ALGORITHMS``.
        subjects: Whose certificate it must be; empty where the host alone vouches.
        post: What is posted to ask for one key; empty where all are got by ``GET``.
        key_id_field: The name under which the key's name is posted beside it.
        at: Where in the answer the key is.
        cache: How long an answer is used.
        refetch_min: How long after an answer one is not asked for again because of a name that it lacks.
    """

    form: str
    url: Template
    allow_hosts: tuple[HostPattern, ...]
    algorithms: tuple[str, ...]
    subjects: tuple[HostPattern, ...] = ()
    post: Mapping[str, Template] = field(default_factory=dict)
    key_id_field: str = "key_id"
    at: str = ""
    cache: timedelta = timedelta(hours=6)
    refetch_min: timedelta = timedelta(minutes=1)

    def wanted(self, view: RequestView, key_id: str | None) -> WantedKey:
        """Return what must be fetched for the request of *view*, which names the key *key_id*.

        Raises:
            SignatureMalformed: It names no address, or one that may not be called, or no key where keys
                are asked for by name.
        """
        url = (read_or_refuse(self.url, view, SignatureMalformed) or b"").decode("utf-8", "replace")
        if not is_allowed_url(url, self.allow_hosts):
            message = f"The address of the key, {self.url}, is none of a host that `allow_hosts` names."
            raise SignatureMalformed(message)
        if not self.post:
            return WantedKey(address=self, url=url, key_id=key_id)
        if key_id is None:
            message = "The token does not name the key that it is signed with (kid)."
            raise SignatureMalformed(message)
        fields = {name: template.text(view) for name, template in self.post.items()}
        asked = json.dumps({**fields, self.key_id_field: key_id}).encode()
        return WantedKey(address=self, url=url, key_id=key_id, body=asked)

    def read(self, answer: bytes, *, now: datetime, roots: Sequence[Certificate]) -> FetchedKeys:
        """Return the keys in what the address answered.

        Raises:
            ValueError: There is none, or a certificate is not to be believed; the message says why.
        """
        return FORMS[self.form](self, answer, now, roots)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedKey:
    """A key that a request must be verified with.

    Attributes:
        address: The configuration that it is wanted by.
        url: Where it is, allowed to be called.
        key_id: Its name, or None where the request names none.
        body: What is posted to ask for it; None for ``GET``.
    """

    address: KeyAddress
    url: str
    key_id: str | None = None
    body: bytes | None = field(default=None, repr=False)


class Keyed(Scheme, Protocol):
    """A scheme that can tell by which key a request says to be signed."""

    def key_id(self, view: RequestView) -> str | None:
        """Return the name of the key, or None where the request names none.

        Raises:
            VerificationFailed: The request carries no signature in form.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedKeyScheme:
    """A scheme whose keys are fetched.

    Attributes:
        scheme: How a request is verified, once the key is there.
        address: Where the key is.
    """

    scheme: Keyed
    address: KeyAddress

    @property
    def name(self) -> str:
        """The scheme's key in ``SCHEMES``."""
        return self.scheme.name

    def wanted(self, view: RequestView) -> WantedKey:
        """Return the key that the request of *view* must be verified with.

        Raises:
            VerificationFailed: It carries no signature in form, or its key is where none may be fetched.
        """
        return self.address.wanted(view, self.scheme.key_id(view))

    def verify(self, view: RequestView, *, now: datetime, secrets: Sequence[Secret]) -> Verified:
        """Return the proof, by the keys that were fetched.

        Raises:
            VerificationFailed: One of its subclasses, by what is wrong.
        """
        if not secrets:
            self.wanted(view)
            message = "The key that the request names was not fetched."
            raise SignatureMismatch(message)
        return self.scheme.verify(view, now=now, secrets=secrets)

    def sign(
        self,
        request: RawRequest,
        *,
        now: datetime,
        secrets: Sequence[Secret],
        message_id: str,
        variables: Mapping[str, str] = NO_VARIABLES,
    ) -> RawRequest:
        """Return *request* signed with the sender's private key.

        Raises:
            InvalidInput: There is none.
        """
        return self.scheme.sign(request, now=now, secrets=secrets, message_id=message_id, variables=variables)


def _certificate(
    address: KeyAddress, answer: bytes, now: datetime, roots: Sequence[Certificate]
) -> FetchedKeys:
    chain = load_pem_x509_certificates(answer)
    check_certificate(chain, subjects=address.subjects, roots=roots, now=now)
    written = chain[0].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = _key("", written, address.algorithms)
    return FetchedKeys(by_id={"": key}, until=chain[0].not_valid_after_utc)


def _jwks(address: KeyAddress, answer: bytes, _now: datetime, _roots: Sequence[Certificate]) -> FetchedKeys:
    parsed = json.loads(answer)
    listed = items_at(parsed, ".".join(filter(None, (address.at, "keys"))))
    found = {}
    for place, each in enumerate(listed[:_MOST_KEYS]):
        try:
            key = _of_jwk(each, address)
        except ValueError:
            continue  # a provider may list keys of other kinds, for other uses
        found[str(each.get("kid", place))] = key
    if not found:
        message = "the answer holds no key of the algorithm"
        raise ValueError(message)
    return FetchedKeys(by_id=found)


def _jwk(address: KeyAddress, answer: bytes, now: datetime, _roots: Sequence[Certificate]) -> FetchedKeys:
    listed = items_at(json.loads(answer), address.at)
    if len(listed) != 1 or not isinstance(listed[0], dict):
        message = "the answer holds no key"
        raise ValueError(message)
    # Plaid says when a key was retired: https://plaid.com/docs/api/webhooks/webhook-verification/
    retired = listed[0].get("expired_at")
    until = datetime.fromtimestamp(retired, UTC) if isinstance(retired, (int, float)) else _NEVER
    if now >= until:
        message = "the key was retired"
        raise ValueError(message)
    return FetchedKeys(by_id={str(listed[0].get("kid", "")): _of_jwk(listed[0], address)}, until=until)


FORMS: Mapping[str, Callable[[KeyAddress, bytes, datetime, Sequence[Certificate]], FetchedKeys]] = {
    "cert_url": _certificate,
    "jwks_url": _jwks,
    "jwk_url": _jwk,
}
"""What can be at an address, by the word in ``verification.key`` that names the address."""


def _of_jwk(described: Any, address: KeyAddress) -> Secret:
    if not isinstance(described, dict) or "d" in described or described.get("use", "sig") != "sig":
        message = "it is a private key, or none for signatures"
        raise ValueError(message)
    try:
        key = jwt.PyJWK(described).key
        written = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (jwt.PyJWTError, AttributeError, TypeError) as error:
        message = "it is no public key"
        raise ValueError(message) from error
    return _key(str(described.get("kid", "")), written, address.algorithms)


def _key(key_id: str, written: bytes, algorithms: tuple[str, ...]) -> Secret:
    for algorithm in algorithms:
        read_public_key(written, algorithm)
    name = f"key {key_id[:64]!r}" if key_id else "certificate"
    return Secret(name=name, text="", key=written, public=True)
