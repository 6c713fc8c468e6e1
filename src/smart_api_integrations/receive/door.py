"""Guarding the door: how often a webhook and an address may knock, and how much may be half inside. Floor 4.

Rules:

1. A webhook with a ``rate_limit`` has a bucket. A ``POST`` takes a token before its body is read, and gives
   it back if it turns out not to be an event: who cannot sign cannot use up what is meant for who can.
2. Requests that did not verify are counted by address. Beyond ``per_ip`` in a minute such a request is
   answered 429 and no longer logged line by line. Beyond ``flood`` a body has to come at once, and the
   connection ends with the answer.
3. A request that verifies meets only its webhook's own limit. Many senders share an address (a
   provider's, a proxy's), so none may shut out the others; and it pays nothing for the counting.
4. What several processes share is counted beside this, and only sharpens it. Where it is lost, this holds.
5. The bytes of bodies that are still arriving are bounded for all senders together, and the number of slow
   bodies (``receive.incoming``) by address.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from smart_api_integrations.core.inbound_webhook import InboundWebhook, RateLimit
from smart_api_integrations.core.rate_limits import TokenBucket, Windows, address_key
from smart_api_integrations.errors import RequestRejected, TooBusy, TooManyRequests

FLOOD_BODY_SECONDS = 1.0
SHARED_BY_ADDRESS = "address"
_FOR_WEBHOOK = "The webhook takes no more requests for now: its `rate_limit` is reached."
_FOR_ADDRESS = "Too many requests from this address did not verify."


class SharedCounts(Protocol):
    """Counts that several processes share; without them each process counts alone."""

    async def has_room(self, kind: str, key: str, *, per_minute: int) -> bool:
        """Tell whether *key* has not reached its limit; True where nobody knows."""

    def add(self, kind: str, key: str, *, per_minute: int) -> None:
        """Count once more, later and elsewhere; never waits and never fails."""

    def is_full(self, kind: str, key: str) -> bool:
        """Tell whether the last ``add`` for *key* found it full, within this minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorRules:
    """What the door is told.

    Attributes:
        clock: Seconds that only go forward.
        per_ip: Unverified requests of one address in a minute; 0 for any number.
        flood: Likewise, for the second step.
        body_seconds: How long a body may take to arrive.
        unverified_bytes: The most bytes of bodies that are still arriving, of all senders together.
        slow_bodies: The most slow bodies of one address at a time.
    """

    clock: Callable[[], float]
    per_ip: int = 100
    flood: int = 500
    body_seconds: float = 10.0
    unverified_bytes: int = 256 * 2**20
    slow_bodies: int = 20


class Door:
    """Decides who may come in, and counts who should not have."""

    def __init__(self, rules: DoorRules, shared: SharedCounts | None = None) -> None:
        """Keep *rules*; *shared* is counted besides where there is such a thing."""
        self._rules = rules
        self._shared = shared
        self._strikes = Windows()
        self._buckets: dict[tuple[str, str], TokenBucket] = {}
        self._arriving = 0
        self._slow: Counter[str] = Counter()

    async def take_token(self, webhook: InboundWebhook, limit: RateLimit) -> None:
        """Let one request of *webhook* in.

        Raises:
            TooManyRequests: Its limit is reached.
        """
        wait = self._bucket(webhook, limit).take(self._rules.clock())
        if wait:
            raise TooManyRequests(_FOR_WEBHOOK, retry_after=math.ceil(wait))
        if self._shared is not None and not await self._shared.has_room(
            *_shared_key(webhook), per_minute=limit.requests_per_minute
        ):
            raise TooManyRequests(_FOR_WEBHOOK, retry_after=60)

    def count_event(self, webhook: InboundWebhook, limit: RateLimit) -> None:
        """Tell the other processes of an event that was let in."""
        if self._shared is not None:
            self._shared.add(*_shared_key(webhook), per_minute=limit.requests_per_minute)

    def give_back(self, webhook: InboundWebhook, limit: RateLimit) -> None:
        """Return the token of a request that was no event."""
        self._bucket(webhook, limit).give_back()

    def strike(self, remote_address: str | None, rejection: RequestRejected) -> RequestRejected:
        """Count a request that did not verify; return what it is to be answered."""
        rules = self._rules
        if not (rules.per_ip or rules.flood):
            return rejection
        key, now = address_key(remote_address), rules.clock()
        limit = min(limit for limit in (rules.per_ip, rules.flood) if limit)
        over = self._strikes.hit(key, now) > limit
        if self._shared is not None:
            self._shared.add(SHARED_BY_ADDRESS, key, per_minute=limit)
            over = over or self._shared.is_full(SHARED_BY_ADDRESS, key)
        if not over:
            return rejection
        return TooManyRequests(_FOR_ADDRESS, retry_after=math.ceil(self._strikes.seconds_left(key, now)))

    def is_flooded_by(self, remote_address: str | None) -> bool:
        """Tell whether so many of an address's requests did not verify that its connections are cut short."""
        flood = self._rules.flood
        if not flood or not len(self._strikes):
            return False
        return self._strikes.count(address_key(remote_address), self._rules.clock()) > flood

    def body_seconds(self, remote_address: str | None) -> float:
        """Return how long a body from an address may take to arrive."""
        seconds = self._rules.body_seconds
        return min(seconds, FLOOD_BODY_SECONDS) if self.is_flooded_by(remote_address) else seconds

    def arriving(self, more: int) -> None:
        """Note *more* bytes of bodies that are not complete; negative where they are.

        Raises:
            TooBusy: There are too many already.
        """
        self._arriving += more
        if more > 0 and self._arriving > self._rules.unverified_bytes:
            raise TooBusy

    def slow_body(self, remote_address: str | None) -> CountedSlowBody:
        """Return what counts a body from an address, should it turn out to be slow."""
        return CountedSlowBody(self._slow, address_key(remote_address), self._rules.slow_bodies)

    def _bucket(self, webhook: InboundWebhook, limit: RateLimit) -> TokenBucket:
        key = (webhook.provider, webhook.name)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = TokenBucket(per_minute=limit.requests_per_minute, burst=limit.burst_limit)
            self._buckets[key] = bucket
        return bucket


class CountedSlowBody:
    """One body that may be slow; see ``receive.incoming.SlowBody``."""

    def __init__(self, counts: Counter[str], key: str, most: int) -> None:
        """Count in *counts* under *key*, up to *most*."""
        self._counts = counts
        self._key = key
        self._most = most
        self._is_counted = False

    def begin(self) -> bool:
        """Count it; return whether the address may have it."""
        if self._counts[self._key] >= self._most:
            return False
        self._counts[self._key] += 1
        self._is_counted = True
        return True

    def end(self) -> None:
        """Count it no more."""
        if self._is_counted:
            self._is_counted = False
            self._counts[self._key] -= 1
            if not self._counts[self._key]:
                del self._counts[self._key]


def _shared_key(webhook: InboundWebhook) -> tuple[str, str]:
    return "webhook", f"{webhook.provider}/{webhook.name}"
