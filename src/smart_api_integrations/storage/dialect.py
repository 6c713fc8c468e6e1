"""What one storage engine does in its own way; everything else is shared. Floor 3.

To add an engine, write one file with these methods and let ``open_journal`` know its scheme; then
``testing.StoreConformance`` says whether it keeps the promises of ``storage.protocols``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Table, TextClause

from smart_api_integrations.storage.bell import Bell
from smart_api_integrations.storage.bulk import Row
from smart_api_integrations.storage.lane import Failure
from smart_api_integrations.storage.outbox_protocol import Home

Move = tuple[str, str, int, int | None]
"""The id of leased work, and what follows: state, failures, due time in microseconds or None."""


Holder = tuple[str, int]
"""The event that a dedupe key belongs to, and since when, in microseconds."""


Counts = tuple[Table, Sequence[Row]]
"""A table of counters, and rows whose numbers are added to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenKeys:
    """What ``take_keys`` found and did.

    Attributes:
        held: Who had a key before.
        written: What was written for keys that were free.
    """

    held: Mapping[bytes, Holder]
    written: Mapping[bytes, Holder]


class Dialect(Protocol):
    """One database, spoken to in its engine's own words.

    Methods that take a ``Connection`` run in a lane, inside its transaction.
    """

    name: str
    reader_count: int
    bell: Bell | None

    def prepare(self) -> None:
        """Check what durability rests on and bring the schema up to date. Blocks.

        Raises:
            ConfigurationError: The database would lose events, or is newer than this program.
        """

    def connect_writer(self) -> Connection:
        """Return a connection whose every commit is synced to disk."""

    def connect_reader(self) -> Connection:
        """Return a connection that cannot write."""

    def judge(self, error: Exception) -> Failure:
        """Say what a failed transaction means."""

    def among(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        """Return the condition that *column*, of ids, is in the list that is passed as *name*.

        One statement for lists of any length, cheap for long ones.
        """

    def write_rows(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """Insert whole *rows*, of what the database stores, in the fastest way there is."""

    def add_counts(self, connection: Connection, counts: Sequence[Counts]) -> None:
        """Add the numbers of rows to those that their tables have under the same keys.

        Each table is named at most once, and each of its keys.
        """

    def move_work(self, connection: Connection, moves: Sequence[Move], *, now: int) -> None:
        """End the leases of work and give it a new state, failures, and due time; all at once."""

    def take_due(
        self, connection: Connection, lane: TextClause, wanted: Mapping[str, int], *, now: datetime
    ) -> Sequence[Any]:
        """Lock and return the oldest rows of ``work`` in *lane* that are due, so many of each target.

        Rows that another transaction has locked are passed over.
        """

    def lock_lines(self, connection: Connection, lines: Sequence[tuple[str, str]]) -> None:
        """Keep every other transaction from *lines* (target, ordering key), sorted, until this one ends."""

    def take_keys(self, connection: Connection, wanted: Mapping[bytes, Holder], *, expired: int) -> TakenKeys:
        """Find out whose the keys of *wanted* are already.

        Keys that were seen at *expired* or before are nobody's. An engine with several writers gives
        the free ones to those who want them in the same step, so that no other transaction can.
        """

    def remember(
        self, connection: Connection, holders: Mapping[bytes, Holder], names: Sequence[tuple[str, str]]
    ) -> None:
        """Give each key to its holder, whoever had it, and make new events known by their provider's id.

        In the transaction of ``take_keys``, and after it. *names* are pairs of the provider's id and ours.
        """

    def find_provider_id(self, connection: Connection, text: str) -> str | None:
        """Return our id of the newest event whose provider calls it *text*, or None."""

    def home(self, connection: Connection) -> Home:
        """Return which database this is, as callers' connections to it would say."""

    def warn_of_callers(self) -> None:
        """Say once, where it is so, what can go wrong when a caller's own connection writes."""

    def announce(self, connection: Connection) -> None:
        """Wake who waits for work, here and elsewhere, once this transaction is committed."""

    def after_commit(self, connection: Connection) -> None:
        """Do what ``announce`` promised, as far as it is done in this process."""

    def listen(self, wake: Callable[[], None]) -> None:
        """Begin to call *wake*, in any thread, whenever work became due here or elsewhere. Blocks."""

    def close(self) -> None:
        """Stop listening and let go of everything but the lanes' connections. Blocks. Idempotent."""

    def now(self) -> datetime:
        """Return the database's time."""
