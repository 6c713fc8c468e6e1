"""Durations in buckets, so that a percentile costs a few counters and not every duration. Floor 1.

Each bucket is a fourth of a doubling wide, so what is read out of it is at most 9 % off.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

PER_DOUBLING = 4
LAST = 80  # 2 ** 20 milliseconds: a quarter of an hour, and everything longer


def bucket_of(milliseconds: float) -> int:
    """Return the bucket of a duration.

    >>> [bucket_of(value) for value in (0, 0.4, 1, 2, 100, 1e12)]
    [0, 0, 0, 4, 27, 80]
    """
    if milliseconds <= 1:
        return 0
    return min(math.ceil(PER_DOUBLING * math.log2(milliseconds)), LAST)


def quantile(buckets: Mapping[int, int], part: float) -> float | None:
    """Return the duration in milliseconds that *part* of all do not exceed; None where there are none.

    >>> round(quantile({bucket_of(100): 9, bucket_of(1000): 1}, 0.5))
    99
    """
    total = sum(buckets.values())
    if total <= 0:
        return None
    wanted, seen = part * total, 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        if seen >= wanted and buckets[bucket]:
            return _middle(bucket)
    return _middle(max(buckets))


def _middle(bucket: int) -> float:
    return 1.0 if bucket == 0 else math.pow(2.0, (bucket - 0.5) / PER_DOUBLING)
