"""Hashing and signing what came in, without a change of threads in between. Floor 1.

``hashlib`` lets other threads run while it hashes 2,048 bytes or more
(https://docs.python.org/3/library/hashlib.html), and ``hmac.digest`` always does. For the few kilobytes of
a webhook the hash takes two microseconds, but the thread that is let in (a lane that commits) gives the
interpreter back when it pleases, and either finds its cache cold: measured under load, that was a fifth of
the CPU time of an accepted event. So what is short is hashed in pieces below that size.
"""

from __future__ import annotations

import hmac
from functools import lru_cache
from typing import Protocol

PIECE = 2047
LONGEST_HELD = 64 * 1024
"""Bytes beyond which others may run meanwhile: hashing them takes longer than changing threads."""


class Hash(Protocol):
    """A hash that goes on, as ``hashlib`` and ``hmac`` make them."""

    def update(self, data: bytes, /) -> None:
        """Hash *data* too."""

    def copy(self) -> Hash:
        """Return another one that has hashed the same."""

    def digest(self) -> bytes:
        """Return the digest so far."""


def hmac_digest(key: bytes, message: bytes, algorithm: str) -> bytes:
    """Return the HMAC of *message*, as ``hmac.digest`` does."""
    return digest_from(_keyed(key, algorithm), message)


def digest_from(begun: Hash, message: bytes) -> bytes:
    """Return the digest of what *begun* has hashed so far and *message*; *begun* stays as it is."""
    hashed = begun.copy()
    _update(hashed, message)
    return hashed.digest()


def _update(hashed: Hash, message: bytes) -> None:
    if not PIECE < len(message) <= LONGEST_HELD:
        hashed.update(message)
        return
    for start in range(0, len(message), PIECE):
        hashed.update(message[start : start + PIECE])


@lru_cache(maxsize=64)  # the keys are in memory as it is; to key anew costs as much as to hash 2 KB
def _keyed(key: bytes, algorithm: str) -> hmac.HMAC:
    return hmac.new(key, digestmod=algorithm)
