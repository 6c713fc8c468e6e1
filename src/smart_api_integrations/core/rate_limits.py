"""Counting requests against a limit: a bucket for a webhook, a window for each address. Floor 1.

Time is passed in, as seconds of a clock that only goes forward. What is counted here is this process's own;
where several processes share a count, that comes on top (``receive.shared_limits``).
"""

from __future__ import annotations

import ipaddress
import math

WINDOW_SECONDS = 60.0
MOST_ADDRESSES = 20_000
"""Addresses that are remembered; with more, the one that was first is forgotten first."""


class TokenBucket:
    """So many requests at once, and so many more a minute."""

    __slots__ = ("_capacity", "_per_second", "_seen", "_tokens")

    def __init__(self, *, per_minute: int, burst: int | None) -> None:
        """Let *burst* requests in at once, else *per_minute*; and *per_minute* in the long run."""
        self._capacity = float(per_minute if burst is None else burst)
        self._per_second = per_minute / 60
        self._tokens = self._capacity
        self._seen = -math.inf

    def take(self, now: float) -> float:
        """Take a token and return 0; or return the seconds until there is one."""
        if now > self._seen:
            refilled = self._tokens + (now - self._seen) * self._per_second
            self._tokens = min(self._capacity, refilled)
            self._seen = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._per_second

    def give_back(self) -> None:
        """Return a token whose request was none that counts."""
        self._tokens = min(self._capacity, self._tokens + 1)


class Windows:
    """How often each address did something within its current minute."""

    def __init__(self, most: int = MOST_ADDRESSES) -> None:
        """Remember *most* addresses."""
        self._most = most
        self._windows: dict[str, tuple[float, int]] = {}

    def __len__(self) -> int:
        """Count the addresses that are remembered."""
        return len(self._windows)

    def hit(self, key: str, now: float) -> int:
        """Count once more, and return how often it was within the minute that began with the first time."""
        began, count = self._windows.get(key, (now, 0))
        if now - began >= WINDOW_SECONDS:
            del self._windows[key]  # so that the oldest window is always the first
            began, count = now, 0
        self._windows[key] = (began, count + 1)
        if len(self._windows) > self._most:
            del self._windows[next(iter(self._windows))]
        return count + 1

    def count(self, key: str, now: float) -> int:
        """Return how often it was, without counting."""
        began, count = self._windows.get(key, (now, 0))
        return count if now - began < WINDOW_SECONDS else 0

    def seconds_left(self, key: str, now: float) -> float:
        """Return how long the current minute of *key* still is."""
        began, _ = self._windows.get(key, (now, 0))
        return max(0.0, began + WINDOW_SECONDS - now)


def address_key(address: str | None) -> str:
    """Return whom an address stands for: itself in IPv4, its /64 in IPv6, of which one sender has them all.

    >>> address_key("2001:db8::1:2:3"), address_key("::ffff:192.0.2.7"), address_key("192.0.2.7")
    ('2001:db8::', '192.0.2.7', '192.0.2.7')
    """
    if address is None or ":" not in address:
        return address or "-"
    try:
        found = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return "-"
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Address(int(found) >> 64 << 64))
