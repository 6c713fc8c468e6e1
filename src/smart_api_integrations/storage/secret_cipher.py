"""Endpoint secrets at rest: AES-256-GCM, several keys, newest first. Floor 3.

A stored secret is ``v1.<key id>.<base64url of nonce and ciphertext>``. The row's id is bound in as
associated data: a ciphertext copied to another row does not open.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from smart_api_integrations.errors import ConfigurationError

SETTING = "WEBHOOKS_ENCRYPTION_KEYS"
KEY_BYTES = 32
NONCE_BYTES = 12  # NIST SP 800-38D §5.2.1.1 recommends 96 bits
SHORTEST_PASSPHRASE = 16


class SecretCipher:
    """Encrypts with the newest key, decrypts with whichever key a secret names. Thread-safe."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Take 32-byte *keys*, newest first.

        Raises:
            ConfigurationError: There is no key, or one has another length.
        """
        if not keys:
            message = f"{SETTING} holds no key: set at least one"
            raise ConfigurationError(message)
        if any(len(key) != KEY_BYTES for key in keys):
            message = f"Each key in {SETTING} must have {KEY_BYTES} bytes"
            raise ConfigurationError(message)
        self._newest = _key_id(keys[0])
        self._ciphers = {_key_id(key): AESGCM(key) for key in keys}

    def encrypt(self, secret: str, *, row_id: str) -> str:
        """Return *secret* as text that only this row and these keys can open."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self._newest].encrypt(nonce, secret.encode(), row_id.encode())
        return f"v1.{self._newest}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def is_newest(self, stored: str) -> bool:
        """Tell whether *stored* is encrypted under the newest key."""
        return stored.startswith(f"v1.{self._newest}.")

    def sealed_anew(self, stored: str, *, row_id: str) -> str:
        """Return *stored* under the newest key; raises as ``decrypt``."""
        return self.encrypt(self.decrypt(stored, row_id=row_id), row_id=row_id)

    def decrypt(self, stored: str, *, row_id: str) -> str:
        """Return the secret that *stored* holds.

        Raises:
            ConfigurationError: No configured key opens it.
        """
        version, _, rest = stored.partition(".")
        key_id, _, text = rest.partition(".")
        cipher = self._ciphers.get(key_id)
        if version != "v1" or cipher is None:
            message = (
                f"The secret of {row_id} was encrypted with a key that {SETTING} does not hold: "
                "add the older key after the newest one"
            )
            raise ConfigurationError(message)
        try:
            sealed = base64.urlsafe_b64decode(text)
            return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], row_id.encode()).decode()
        except (InvalidTag, ValueError) as error:
            message = (
                f"The secret of {row_id} does not open with its key in {SETTING}: "
                "the row was changed or copied from another one; set the secret anew"
            )
            raise ConfigurationError(message) from error


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"key id" + key).hexdigest()[:8]


def keys_from_text(text: str) -> list[bytes]:
    """Return the keys in a comma-separated setting, in its order.

    A key is 32 bytes in hex, base64 or base64url, or else any phrase of 16 characters and more,
    which is stretched to 32 bytes by HKDF; make keys with ``openssl rand -base64 32``.

    Raises:
        ConfigurationError: A key is too short, or there is none.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        message = f"{SETTING} holds no key: set at least one"
        raise ConfigurationError(message)
    return [_key_from(word) for word in words]


def _key_from(word: str) -> bytes:
    if re.fullmatch(r"[0-9a-fA-F]{64}", word):
        return bytes.fromhex(word)
    if re.fullmatch(r"[A-Za-z0-9+/_-]{43}=?", word):
        try:
            return base64.urlsafe_b64decode(word.rstrip("=").replace("+", "-").replace("/", "_") + "=")
        except binascii.Error:
            pass
    if len(word) < SHORTEST_PASSPHRASE:
        message = (
            f"A key in {SETTING} is shorter than {SHORTEST_PASSPHRASE} characters: "
            "make one with `openssl rand -base64 32`"
        )
        raise ConfigurationError(message)
    return _stretched(word)


def _stretched(phrase: str) -> bytes:
    derive = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"smart-api-integrations secrets")
    return derive.derive(phrase.encode())


def key_file_beside(database: Path) -> list[bytes]:
    """Return the keys of the file beside *database*, which is made (0600) where there is none.

    Safe when several processes start at once: all of them end up with the same key.

    Raises:
        ConfigurationError: The file cannot be read or made, or holds no key.
    """
    path = database.with_name(database.name + ".key")
    try:
        if not path.exists():
            _make_key_file(path)
        return keys_from_text(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        message = (
            f"The key file {path.name} beside the database cannot be used: "
            f"make its folder writable, or set {SETTING}"
        )
        raise ConfigurationError(message) from error


def _make_key_file(path: Path) -> None:
    """Write a new key whole or not at all: a link, unlike a rename, never replaces another's file."""
    handle, draft = tempfile.mkstemp(prefix=path.name, dir=path.parent)  # made with mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(base64.urlsafe_b64encode(os.urandom(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        Path(draft).unlink()
