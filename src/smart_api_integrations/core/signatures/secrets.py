"""The keys of a webhook: decoded once, newest first, never shown. Floor 1."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from smart_api_integrations.errors import ConfigurationError, SecretMissing

SHORTEST_SAFE = 16
"""Bytes below which a secret can be guessed from one captured request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """One secret of a webhook.

    Attributes:
        name: The variable that holds it: what a proof names, so that an old one can be retired.
        text: What the variable holds.
        key: The bytes that sign; never empty.
    """

    name: str
    text: str = field(repr=False)
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse a key that everybody knows.

        Raises:
            SecretMissing: The key is empty.
        """
        if not self.key:
            message = f"{self.name} is empty: set it to the webhook's signing secret."
            raise SecretMissing(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretForm:
    """How a provider writes its secrets down.

    Attributes:
        names: The variables that may hold one, newest first. ``NAME_OLD`` is looked for beside each
            ``NAME``, so that a rotation needs no change to the file.
        prefix: Taken away where it is there: ``whsec_``.
        encoding: A key of ``ENCODINGS``.
    """

    names: tuple[str, ...]
    prefix: str = ""
    encoding: str = "utf8"

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
            ConfigurationError: It is not in the encoding that the provider documents.
        """
        text = text.strip()
        if text.startswith("${") and text.endswith("}"):
            message = f"{name} is an unresolved placeholder: set it to the webhook's signing secret."
            raise SecretMissing(message)
        try:
            key = ENCODINGS[self.encoding](text.removeprefix(self.prefix))
        except ValueError as error:
            message = (
                f"{name} does not hold {self.encoding}: copy the whole secret from the provider's settings."
            )
            raise ConfigurationError(message) from error
        return Secret(name=name, text=text, key=key)


def _base64(text: str) -> bytes:
    return b64decode(text + "=" * (-len(text) % 4), validate=True)  # some providers leave the padding out


ENCODINGS: Mapping[str, Callable[[str], bytes]] = {
    "utf8": str.encode,
    "base64": _base64,
    "hex": binascii.unhexlify,
}
