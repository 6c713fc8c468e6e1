"""Marks: where a journal stands, so that two looks at it tell what changed between them. Floor 1.

A mark is made of the counters that the journal keeps anyway, summed from some minute on, and of the versions
of what people change. So noticing a change costs whoever writes nothing, and a mark that was made by one
process can be held against the store by any other one: that is how a stream of changes is taken up again
where it was cut.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

COUNTED = (
    "accepted",
    "duplicate",
    "rejected",
    "handled",
    "handling_failed",
    "delivered",
    "delivery_failed",
)
"""The measures of ``TrafficPoint`` that a mark counts, in the order of its token."""

_TOKEN = re.compile(r"([0-9]{1,12})((?:-[0-9]{1,15}){7})-([0-9a-f]{8})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Where a journal stands.

    Attributes:
        since: The minute that is counted from, in minutes since 1970.
        counts: How much of each of ``COUNTED`` there was from then on.
        version: A checksum of what people change: endpoints and gates.
    """

    since: int
    counts: tuple[int, ...]
    version: str

    @property
    def token(self) -> str:
        """The mark as one word, for ``Last-Event-ID``.

        >>> Mark(since=29, counts=(3, 0, 1, 2, 0, 0, 0), version="0badcafe").token
        '29-3-0-1-2-0-0-0-0badcafe'
        """
        return "-".join((str(self.since), *map(str, self.counts), self.version))

    @classmethod
    def parse(cls, token: str) -> Self | None:
        """Return the mark that *token* spells; None where it spells none: it comes from outside."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            return None
        counts = tuple(int(number) for number in match[2][1:].split("-"))
        return cls(since=int(match[1]), counts=counts, version=match[3])


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What changed between two looks.

    Attributes:
        counts: How much more there is of each of ``COUNTED``.
        settings: Whether an endpoint or a gate changed.
        unknown: The two looks cannot be compared: anything may have changed.
    """

    counts: tuple[int, ...] = (0,) * len(COUNTED)
    settings: bool = False
    unknown: bool = False

    def __bool__(self) -> bool:
        """Tell whether there is anything to say."""
        return self.settings or self.unknown or any(self.counts)

    def __add__(self, later: Change) -> Change:
        """Return both in one, as whoever was slow to read hears them."""
        return Change(
            counts=tuple(map(sum, zip(self.counts, later.counts, strict=True))),
            settings=self.settings or later.settings,
            unknown=self.unknown or later.unknown,
        )

    def count(self, name: str) -> int:
        """Return how much more there is of one of ``COUNTED``."""
        return self.counts[COUNTED.index(name)]


def change_between(earlier: Mark, later: Mark) -> Change:
    """Return what changed between two marks.

    Counts that went down, or were counted from different minutes, cannot be compared.
    """
    grown = tuple(now - before for before, now in zip(earlier.counts, later.counts, strict=True))
    if earlier.since != later.since or min(grown) < 0:
        return Change(unknown=True)
    return Change(counts=grown, settings=earlier.version != later.version)


def version_of(versions: Iterable[str | None]) -> str:
    """Return one short checksum of several versions."""
    return f"{zlib.crc32(' '.join(version or '-' for version in versions).encode()):08x}"
