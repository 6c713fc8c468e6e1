"""Secrets and key pairs that are made up where none are set: for trying out and for tests. Floor 3.

Where a provider signs with a private key of its own, a pair is made: the public half is configured as the
provider's would be, or stands for what would be fetched, and the private half signs the samples.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from secrets import token_hex

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
)

from smart_api_integrations.core.signatures import Secret
from smart_api_integrations.core.signatures.fetched_keys import FetchedKeyScheme, WantedKey
from smart_api_integrations.core.signatures.secrets import SecretForm
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.providers.catalogue import Source
from smart_api_integrations.providers.definitions import Definition

_RSA_BITS = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """A key pair that nobody else has.

    Attributes:
        private: The private key, in PEM.
        public: The public key, in DER.
        raw: Its bare bytes, where the algorithm's keys are written so.
    """

    private: str = field(repr=False)
    public: bytes
    raw: bytes | None = None

    def written(self, encoding: str) -> str:
        """Return the public key as a provider with this *encoding* shows it."""
        if encoding == "pem":
            text = Encoding.PEM
            return (
                load_der_public_key(self.public)
                .public_bytes(text, PublicFormat.SubjectPublicKeyInfo)
                .decode()
            )
        plain = self.public if self.raw is None or encoding == "spki_base64" else self.raw
        return plain.hex() if encoding == "hex" else b64encode(plain).decode()

    @property
    def secret(self) -> Secret:
        """The public key as one that was fetched."""
        return Secret(name="made key", text="", key=self.public, public=True)


def make_secrets(
    definitions: Iterable[Definition], environ: Mapping[str, str], *, secret: str
) -> Mapping[str, str]:
    """Return what the variables of *definitions* lack: *secret*, or a public key, or any text."""
    made: dict[str, str] = {}
    for definition in definitions:
        for form in definition.needs.forms[:1]:
            if not any(name in environ for name in form.names) and (text := _made(form, secret)) is not None:
                made[form.names[0]] = text
        for name in definition.needs.variables:
            if name not in environ:
                made.setdefault(name, f"made-for-{name.lower().replace('_', '-')}")
    return made


def made_signer(source: Source) -> str | None:
    """Return the private key that signs for *source*, where its public one was made here; else None."""
    if isinstance(source.webhook.scheme, FetchedKeyScheme):
        return key_pair(source.webhook.scheme.address.algorithms[0]).private
    form = source.definition.secret_form
    if form is None or not form.algorithms or not source.webhook.secrets:
        return None
    pair = key_pair(form.algorithms[0])
    return pair.private if source.webhook.secrets[0].text == pair.written(form.encoding).strip() else None


def stranger_of(source: Source) -> str:
    """Return something that signs as for *source* and that nobody believes."""
    form, scheme = source.definition.secret_form, source.webhook.scheme
    if isinstance(scheme, FetchedKeyScheme):
        return new_pair(scheme.address.algorithms[0]).private
    if form is not None and form.algorithms:
        return new_pair(form.algorithms[0]).private
    return token_hex(32)


async def find_made_key(wanted: WantedKey) -> tuple[Secret, ...]:
    """Return the made public key in the place of one that would be fetched; a gateway's ``FindKey``."""
    return (key_pair(wanted.address.algorithms[0]).secret,)


@lru_cache(maxsize=16)
def key_pair(algorithm: str) -> KeyPair:
    """Return the pair for *algorithm*, the same in the whole process: an RSA key takes long to make."""
    return new_pair(algorithm)


def new_pair(algorithm: str) -> KeyPair:
    """Return a pair for *algorithm* that there has not been before."""
    private: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    raw = None
    if algorithm == "ed25519":
        private = ed25519.Ed25519PrivateKey.generate()
        raw = private.public_key().public_bytes_raw()
    elif algorithm.startswith("ecdsa-p384"):
        private = ec.generate_private_key(ec.SECP384R1())
    elif algorithm.startswith("ecdsa"):
        private = ec.generate_private_key(ec.SECP256R1())
    else:
        private = rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
    return KeyPair(
        private=private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        public=private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        raw=raw,
    )


def _made(form: SecretForm, secret: str) -> str | None:
    if form.algorithms:
        return key_pair(form.algorithms[0]).written(form.encoding)
    try:
        form.decode(form.names[0], secret)
    except ConfigurationError:
        return None  # a key of another kind: whoever tries it out brings one
    return secret
