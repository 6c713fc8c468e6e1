"""``scheme: hmac``: a keyed hash. Floor 1."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smart_api_integrations.core.digests import hmac_digest
from smart_api_integrations.core.signatures.secrets import Secret

ALGORITHMS: Mapping[str, int] = {
    name: hashlib.new(name).digest_size for name in ("sha1", "sha256", "sha384", "sha512")
}
"""The algorithms, each with the length of its digest in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HmacMathematics:
    """HMAC: the one who checks computes what the sender computed."""

    name: str = "hmac"

    @property
    def sizes(self) -> Mapping[str, int | None]:
        """The length of each algorithm's digest."""
        return ALGORITHMS

    def match(
        self, algorithm: str, signed: bytes, candidates: Sequence[bytes], secrets: Sequence[Secret]
    ) -> int | None:
        """Return the place of the secret whose digest is among *candidates*; the time tells nothing."""
        for index, secret in enumerate(secrets):
            digest = hmac_digest(secret.key, signed, algorithm)
            for candidate in candidates:
                if hmac.compare_digest(digest, candidate):
                    return index
        return None

    def make(self, algorithm: str, signed: bytes, secret: Secret) -> bytes:
        """Return the digest."""
        return hmac_digest(secret.key, signed, algorithm)
