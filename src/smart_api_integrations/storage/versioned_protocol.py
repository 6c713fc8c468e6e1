"""What the journal promises about small sets of records that everybody keeps in memory. Floor 3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

Record = TypeVar("Record")


class VersionedStore(Protocol[Record]):
    """One set of records, each under a key."""

    async def all(self) -> Sequence[Record]:
        """Return every record, by key."""

    async def get(self, key: str) -> Record | None:
        """Return the record of *key*, or None."""

    async def put(self, record: Record) -> None:
        """Keep *record* in the place of the one with its key, if there is one."""

    async def remove(self, key: str) -> None:
        """Delete one.

        Raises:
            NotFound: There is none of this key.
        """

    async def version(self) -> str:
        """Return a mark that is another one after every change, of any process."""
