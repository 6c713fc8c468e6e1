"""Key pairs that sign deliveries so that receivers hold no secret: Standard Webhooks' ``v1a``. Floor 1.

A private key is ``whsk_`` and base64 of 32 bytes (the seed of RFC 8032) or 64 (the seed and the public key,
as libsodium keeps them); its public key is ``whpk_`` and base64 of 32 bytes.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from smart_api_integrations.errors import InvalidInput

PRIVATE, PUBLIC = "whsk_", "whpk_"
SEED_BYTES = 32


def is_private_key(secret: str) -> bool:
    """Tell whether *secret* is marked as a private key; it may still be a broken one."""
    return secret.startswith(PRIVATE)


def sign(secret: str, content: bytes) -> bytes:
    """Return the Ed25519 signature of *content*, 64 bytes.

    Raises:
        InvalidInput: The secret is no private key.
    """
    return _key(secret).sign(content)


def public_key(secret: str) -> str:
    """Return what a receiver verifies the signatures of *secret* with, ``whpk_…``.

    Raises:
        InvalidInput: The secret is no private key.
    """
    return PUBLIC + base64.b64encode(_key(secret).public_key().public_bytes_raw()).decode()


def new_private_key(random_bytes: Callable[[int], bytes]) -> str:
    """Return a fresh private key with its public half, ``whsk_`` and 64 bytes in base64."""
    seed = random_bytes(SEED_BYTES)
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return PRIVATE + base64.b64encode(seed + public).decode()


@lru_cache(maxsize=1024)
def _key(secret: str) -> Ed25519PrivateKey:
    try:
        raw = base64.b64decode(secret.removeprefix(PRIVATE), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not is_private_key(secret) or len(raw) not in {SEED_BYTES, 2 * SEED_BYTES}:
        raise _refusal(found="no base64 of 32 or 64 bytes after 'whsk_'")
    key = Ed25519PrivateKey.from_private_bytes(raw[:SEED_BYTES])
    if raw[SEED_BYTES:] not in {b"", key.public_key().public_bytes_raw()}:
        raise _refusal(found="a private key beside a public key that is not its own")
    return key


def _refusal(*, found: str) -> InvalidInput:
    expected = "whsk_ and base64 of an Ed25519 private key, or other text"
    return InvalidInput.at(field="secret", found=found, expected=expected)
