"""The short hashes by which a store tells that an event came before. Floor 1.

Two keys, because the provider's id is mostly in a header that is not signed: by the id alone, whoever
captured one request could send it again under a fresh id; by the signed bytes alone, an honest retry
that is signed anew would count as new. A scheme that signs nothing gets no second key: identical
pings are real events.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

from smart_api_integrations.core.digests import Hash, digest_from

_KEY_BYTES = 16  # at 10^9 events in the window the chance of one wrong duplicate is below 10^-20


def dedupe_keys(
    *, tenant: str, provider: str, webhook_name: str, event_id: bytes | None, signed: bytes | None
) -> tuple[bytes, ...]:
    """Return an event's keys: one for its id, one for its signed bytes, each where there is one.

    Args:
        tenant: Keys of different tenants, providers and webhooks never meet.
        provider: Likewise.
        webhook_name: Likewise.
        event_id: The provider's id, whole: a shortened one would make two events the same.
        signed: The bytes under the signature, or None where nothing is signed.
    """
    by_id, by_text = _scopes(tenant, provider, webhook_name)
    keys = (digest_from(by_id, event_id)[:_KEY_BYTES],) if event_id else ()
    return keys if signed is None else (*keys, digest_from(by_text, signed)[:_KEY_BYTES])


@lru_cache(maxsize=1024)  # one for each webhook
def _scopes(tenant: str, provider: str, webhook_name: str) -> tuple[Hash, Hash]:
    scope = f"{tenant}\0{provider}\0{webhook_name}\0".encode()
    return sha256(scope + b"id\0"), sha256(scope + b"signed\0")
