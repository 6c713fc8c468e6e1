"""What a vendor's own library says of a request, as one row of a family's table.

A row is the whole test: ``tests/integration/test_vendor_libraries.py`` finds every table in this folder
and holds our verdict against each row's, both ways. A provider's ``checked_against`` names the rows'
libraries. Where a vendor has no library that verifies, ``library`` is ``documentation``, and the row is
computed anew from the vendor's page, from nothing that the package itself contains.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from nacl.signing import SigningKey

from smart_api_integrations.core.signatures import Secret
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.providers.catalogue import Source

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
PUBLIC_URL = "https://hooks.example.com"
DOCUMENTATION = "documentation"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def with_key(source: Source, fetched: bytes | None) -> Source:
    """Return the source with the key that its provider publishes, as if it had been fetched."""
    if fetched is None:
        return source
    key = Secret(name="fetched", text=fetched.decode(), key=fetched, public=True)
    return replace(source, webhook=replace(source.webhook, secrets=(key,)))


def pem_pair(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> tuple[str, bytes]:
    """Return a private key and its public one, in PEM."""
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return private, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class FixedDatetime(datetime):
    """A clock that stands at ``NOW``, for libraries that read ``datetime.now``."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """Return ``NOW``."""
        return NOW.astimezone(tz)


FIXED_TIME = SimpleNamespace(time=lambda: float(SECONDS))
"""Stands in a library for the module ``time``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Oracle:
    """One library's verdict on one provider's requests.

    Attributes:
        provider: Whose requests.
        library: What pronounces the verdict, by the name under which it is installed, or ``documentation``.
        environ: The secrets, as our catalogue reads them.
        other_environ: The same variables with other secrets, of the same form.
        signs: Makes a request with this body at ``NOW``, signed under ``environ``.
        accepts: The library's verdict, under ``environ`` and at ``NOW``.
        webhook: The provider's webhook.
        case: Tells the rows of one provider apart.
        bodies: What is signed; the first is what hostile variants are made of.
        clocks: Where the library reads the time: as ``module:name``, and what to put there.
        covers_body: Whether a change anywhere in the body must be refused.
        any_body: Whether any JSON object may be the body; not so where it is a form or carries the signature.
        ours: Whether what we sign can be shown to the library.
        signer: What we sign with in its stead, where that is no secret of ours: the private key.
        other_signer: Likewise, for the other secrets.
        fetched: The public key, in PEM, that the provider's own address answers with, where it is fetched.
        other_fetched: Likewise, for the other secrets.
        any_event: Whether a small body of any type is an event of the provider's.
    """

    provider: str
    library: str
    environ: Mapping[str, str]
    other_environ: Mapping[str, str]
    signs: Callable[[bytes], RawRequest]
    accepts: Callable[[RawRequest], bool]
    webhook: str = "default"
    case: str = ""
    bodies: tuple[bytes, ...] = (
        b'{"type":"x","id":"1"}',
        '{"type":"x","note":"Zürich {timestamp} $& ✓"}'.encode(),
    )
    clocks: Mapping[str, Any] = field(default_factory=dict)
    covers_body: bool = True
    any_body: bool = True
    ours: bool = True
    signer: str | None = None
    other_signer: str | None = None
    fetched: bytes | None = None
    other_fetched: bytes | None = None
    any_event: bool = True

    def __str__(self) -> str:
        """Name the row in a list of tests."""
        return f"{self.provider}{' ' * bool(self.case)}{self.case}: {self.library}"


def posted(body: bytes, headers: Mapping[str, str], *, content_type: str = JSON, **parts: Any) -> RawRequest:
    """Return the POST that carries *body* and *headers*."""
    return RawRequest(headers=Headers({"Content-Type": content_type, **headers}), body=body, **parts)


def key_of(label: str) -> SigningKey:
    """Return an Ed25519 key pair that is always the same for a label."""
    return SigningKey(hashlib.sha256(label.encode()).digest())


def header(request: RawRequest, name: str) -> str:
    """Return a header's one value, or "" where it is absent."""
    return request.headers.get(name, "")


def refuses(
    *errors: type[Exception],
) -> Callable[[Callable[[RawRequest], Any]], Callable[[RawRequest], bool]]:
    """Make a verdict of a check that raises *errors*, or returns False, for what it refuses."""

    def verdict_of(check: Callable[[RawRequest], Any]) -> Callable[[RawRequest], bool]:
        def accepts(request: RawRequest) -> bool:
            try:
                return check(request) is not False
            except errors:
                return False

        return accepts

    return verdict_of


def digest(secret: str | bytes, text: bytes, algorithm: str = "sha256") -> bytes:
    """Return the HMAC as the vendors' pages compute it."""
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.new(key, text, getattr(hashlib, algorithm)).digest()


def in_base64(data: bytes) -> str:
    """Return *data* in standard base64."""
    return base64.b64encode(data).decode()


def documented(
    provider: str,
    variable: str,
    headers_of: Callable[[str, bytes], Mapping[str, str]],
    *,
    secrets: tuple[str, str] | None = None,
    **options: Any,
) -> Oracle:
    """Return the row of a provider whose page alone says how it signs.

    Args:
        provider: Whose requests.
        variable: Where the secret is.
        headers_of: The signing headers that a secret and a body have at ``NOW``, as the page computes them.
        secrets: The secret and another one, where any text will not do.
        options: What else the row says.
    """
    secret, other = secrets or (f"sample-secret-of-{provider}", f"another-secret-of-{provider}")

    def accepts(request: RawRequest) -> bool:
        wanted = headers_of(secret, request.body)
        return all(header(request, name) == value for name, value in wanted.items())

    return Oracle(
        provider=provider,
        library=DOCUMENTATION,
        environ={variable: secret},
        other_environ={variable: other},
        signs=lambda body: posted(body, headers_of(secret, body)),
        accepts=accepts,
        **options,
    )
