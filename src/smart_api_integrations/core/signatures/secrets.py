"""The keys of a webhook: decoded once, newest first, never shown. Floor 1.

A webhook may prove itself in several ways (``any_of``, ``all_of``), each with keys of its own: a key
carries the ``part`` of the verification that it belongs to, ``""`` where there is but one.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from smart_api_integrations.core.signatures.public_keys import algorithm_of_pem, read_public_key
from smart_api_integrations.errors import ConfigurationError, SecretMissing

SHORTEST_SAFE = 16
"""Bytes below which a secret can be guessed from one captured request."""

_PEM = "-----BEGIN "
_PUBLIC = ("whpk_", "-----BEGIN PUBLIC KEY", "-----BEGIN RSA PUBLIC KEY", "-----BEGIN CERTIFICATE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """One secret, or one public key, of a webhook.

    Attributes:
        name: The variable that holds it: what a proof names, so that an old one can be retired.
        text: What the variable holds.
        key: The bytes that sign, or the public key as it is written; never empty.
        part: Which part of the verification it belongs to.
        public: Whether it is a public key: nobody can guess it, and it need not be hidden.
    """

    name: str
    text: str = field(repr=False)
    key: bytes = field(repr=False)
    part: str = ""
    public: bool = False

    def __post_init__(self) -> None:
        """Refuse a key that everybody knows.

        Raises:
            SecretMissing: The key is empty.
        """
        if not self.key:
            message = f"{self.name} is empty: set it to the webhook's signing secret."
            raise SecretMissing(message)

    @property
    def is_short(self) -> bool:
        """Whether it can be guessed from one captured request."""
        return not self.public and len(self.key) < SHORTEST_SAFE


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretForm:
    """How a provider writes its secrets down.

    Attributes:
        names: The variables that may hold one, newest first. ``NAME_OLD`` is looked for beside each
            ``NAME``, so that a rotation needs no change to the file.
        prefix: Taken away where it is there: ``whsec_``.
        encoding: A key of ``ENCODINGS``.
        algorithms: The algorithms whose public key it must be; empty where it is a shared secret.
        takes_pem: Whether a public key in PEM may stand in the place of a shared secret; what is done with it
            is then decided by what it is, so neither is ever taken for the other.
        part: Which part of the verification it is for.
    """

    names: tuple[str, ...]
    prefix: str = ""
    encoding: str = "utf8"
    algorithms: tuple[str, ...] = ()
    takes_pem: bool = False
    part: str = ""

    def read(self, environ: Mapping[str, str]) -> tuple[Secret, ...]:
        """Return the secrets that *environ* holds, newest first; empty where none is set.

        Raises:
            SecretMissing: A variable is set but blank, or still a placeholder.
            ConfigurationError: A secret is not in the encoding that the provider documents.
        """
        current = [self.decode(name, environ[name]) for name in self.names if name in environ]
        old = [f"{name}_OLD" for name in self.names if f"{name}_OLD" not in self.names]
        retired = [self.decode(name, environ[name]) for name in old if environ.get(name, "").strip()]
        return (*current, *retired) if current else ()

    def decode(self, name: str, text: str) -> Secret:
        """Make a secret of what the variable *name* holds.

        Raises:
            SecretMissing: It is blank or still a placeholder.
            ConfigurationError: It is not in the encoding that the provider documents, or no key of the
                algorithm's, or a public key where a secret belongs.
        """
        text = text.strip()
        self._refuse_what_is_none(name, text)
        key = self._bytes(name, text)
        public = bool(self.algorithms) or text.startswith(_PEM)
        try:
            if public and not self.algorithms and self.takes_pem:
                algorithm_of_pem(key)
            for algorithm in self.algorithms if key else ():
                read_public_key(key, algorithm)
        except ValueError as error:
            message = f"{name} cannot be used: {error}. Copy the public key from the provider's settings."
            raise ConfigurationError(message) from error
        return Secret(name=name, text=text, key=key, part=self.part, public=public)

    def decode_signer(self, name: str, text: str) -> Secret:
        """Make a secret of what the *sender* signs with: of a key pair, its private half.

        Raises:
            SecretMissing: It is blank.
            ConfigurationError: It is not in the encoding that the provider documents.
        """
        if not self.algorithms:
            return self.decode(name, text)
        text = text.strip()
        key = self._bytes(name, text)
        return Secret(name=name, text=text, key=key, part=self.part)

    def _refuse_what_is_none(self, name: str, text: str) -> None:
        if text.startswith("${") and text.endswith("}"):
            message = f"{name} is an unresolved placeholder: set it to the webhook's signing secret."
            raise SecretMissing(message)
        if not self.algorithms and not self.takes_pem and text.startswith(_PUBLIC):
            message = (
                f"{name} holds a public key: whoever has it could sign with it. "
                "Set it to the webhook's signing secret, or describe the scheme as asymmetric."
            )
            raise ConfigurationError(message)

    def _bytes(self, name: str, text: str) -> bytes:
        written_out = (self.algorithms or self.takes_pem) and text.startswith(_PEM)
        try:
            return ENCODINGS["pem" if written_out else self.encoding](text.removeprefix(self.prefix))
        except ValueError as error:
            message = (
                f"{name} does not hold {self.encoding}: copy the whole secret from the provider's settings."
            )
            raise ConfigurationError(message) from error


def _base64(text: str) -> bytes:
    return b64decode(text + "=" * (-len(text) % 4), validate=True)  # some providers leave the padding out


def _base64url(text: str) -> bytes:
    if set(text) & {"+", "/"}:
        message = "it is base64 of the other alphabet"
        raise ValueError(message)
    return _base64(text.rstrip("=").replace("-", "+").replace("_", "/"))


def _pem(text: str) -> bytes:
    # an environment file has no lines: the usual way out is a backslash and an n
    return text.replace("\\n", "\n").encode()


def _whsec(text: str) -> bytes:
    # a secret of Standard Webhooks, or one of the time before it
    return _base64(text.removeprefix("whsec_")) if text.startswith("whsec_") else text.encode()


ENCODINGS: Mapping[str, Callable[[str], bytes]] = {
    "utf8": str.encode,
    "whsec": _whsec,
    "base64": _base64,
    "base64url": _base64url,
    "hex": binascii.unhexlify,
    "pem": _pem,
    "spki_base64": _base64,
}
"""How secrets and keys are written. ``pem`` and ``spki_base64`` are for public keys, ``base64`` and
``hex`` for both: of a public key they are its bare bytes or its DER."""
