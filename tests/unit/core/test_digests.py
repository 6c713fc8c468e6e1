"""Promises about hashing in pieces: nobody can tell."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from smart_api_integrations.core.digests import LONGEST_HELD, PIECE, digest_from, hmac_digest

SIZES = [0, 1, PIECE, PIECE + 1, 2 * PIECE + 1, LONGEST_HELD, LONGEST_HELD + 1]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_the_hmac_is_the_standard_librarys(algorithm: str, size: int) -> None:
    message = bytes(number % 251 for number in range(size))

    assert hmac_digest(b"key", message, algorithm) == hmac.digest(b"key", message, algorithm)


@pytest.mark.parametrize("size", SIZES)
def test_the_hash_is_the_standard_librarys(size: int) -> None:
    message = bytes(number % 251 for number in range(size))

    begun = hashlib.sha256(b"scope")

    assert digest_from(begun, message) == hashlib.sha256(b"scope" + message).digest()
    assert begun.digest() == hashlib.sha256(b"scope").digest()


def test_one_key_never_signs_for_another() -> None:
    assert hmac_digest(b"a", b"message", "sha256") != hmac_digest(b"b", b"message", "sha256")
