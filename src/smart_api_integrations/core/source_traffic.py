"""What came for one source, in slices of time. Floor 1."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTraffic:
    """The counts of one source, ``provider:name``, the oldest slice first.

    Attributes:
        accepted: Events that verified and were kept; repeats are not counted again.
        rejected: Requests that were refused.
    """

    accepted: tuple[int, ...]
    rejected: tuple[int, ...]

    @property
    def total_accepted(self) -> int:
        """How many events were kept in all slices.

        >>> SourceTraffic(accepted=(1, 0, 2), rejected=(0, 0, 0)).total_accepted
        3
        """
        return sum(self.accepted)

    @property
    def total_rejected(self) -> int:
        """How many requests were refused in all slices."""
        return sum(self.rejected)
