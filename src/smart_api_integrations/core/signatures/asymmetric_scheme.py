"""``scheme: asymmetric``: the sender signs with a private key, we hold the public one. Floor 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smart_api_integrations.core.signatures.public_keys import (
    ALGORITHMS,
    make_signature,
    matches,
    read_public_key,
)
from smart_api_integrations.core.signatures.secrets import Secret

_SIZES: Mapping[str, int | None] = {name: algorithm.size for name, algorithm in ALGORITHMS.items()}
MOST_CHECKS = 16
"""Verifications of one request: each costs up to a hundred times an HMAC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AsymmetricMathematics:
    """Public-key signatures."""

    name: str = "asymmetric"

    @property
    def sizes(self) -> Mapping[str, int | None]:
        """The length of each algorithm's signatures; None where it varies."""
        return _SIZES

    def match(
        self, algorithm: str, signed: bytes, candidates: Sequence[bytes], secrets: Sequence[Secret]
    ) -> int | None:
        """Return the place of the public key under which a candidate verifies."""
        checks = ((index, candidate) for index in range(len(secrets)) for candidate in candidates)
        for (index, candidate), _ in zip(checks, range(MOST_CHECKS), strict=False):
            key = read_public_key(secrets[index].key, algorithm)
            if matches(key, candidate, signed, algorithm):
                return index
        return None

    def make(self, algorithm: str, signed: bytes, secret: Secret) -> bytes:
        """Return the signature by the private key that *secret* holds.

        Raises:
            ValueError: It holds none.
        """
        if secret.public:  # a bare one could be taken for a private one
            message = "it is the public key"
            raise ValueError(message)
        return make_signature(secret.key, signed, algorithm)
