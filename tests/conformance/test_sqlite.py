"""SQLite keeps every promise of the journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from smart_api_integrations.storage import open_journal
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.store_conformance import StoreConformance


class TestSqliteStore(StoreConformance):
    def make_store(self, tmp_path: Path) -> Journal:
        return open_journal(f"sqlite:///{tmp_path}/webhooks.db?timeout=3", **self.options())

    def callers(self) -> AbstractContextManager[sqlite3.Connection]:
        return closing(sqlite3.connect(self.tmp_path / "webhooks.db"))

    @contextmanager
    def interrupt(self) -> Iterator[None]:
        with closing(sqlite3.connect(self.tmp_path / "webhooks.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
