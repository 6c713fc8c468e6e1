"""PostgreSQL keeps every promise of the journal."""

from __future__ import annotations

from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from smart_api_integrations.storage import open_journal
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.testing.store_conformance import StoreConformance


@pytest.mark.postgres
class TestPostgresStore(StoreConformance):
    wakes_other_processes = True

    @pytest.fixture(autouse=True)
    def take(self, empty_database: Any) -> None:
        self.database = empty_database

    def make_store(self, tmp_path: Path) -> Journal:
        return open_journal(self.database.url, **self.options())

    def callers(self) -> AbstractContextManager[Any]:
        return closing(psycopg.connect(self.database.url))

    def interrupt(self) -> AbstractContextManager[None]:
        return self.database.away()
