"""The schema: migrations and tables say the same, plans follow indexes, newer schemas are refused."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect, pool, text

from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.storage import open_journal
from smart_api_integrations.storage.migrating import VERSION_TABLE
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.storage.secret_cipher import SecretCipher
from smart_api_integrations.storage.tables import metadata

POSTGRES = pytest.param("postgresql", marks=pytest.mark.postgres)
ENGINES = pytest.mark.parametrize("engine", ["sqlite", POSTGRES])
SEED_COLUMNS = {
    "webhooks": (
        "id url events secret active retry_count retry_delay timeout headers metadata created_at updated_at"
    ),
    "delivery_attempts": (
        "id webhook_id payload_id attempt_number status response_code response_body error_message timestamp"
        " duration_ms"
    ),
}


def journal_at(url: str) -> Journal:
    ids = count()
    return open_journal(
        url, new_id=lambda prefix: f"{prefix}{next(ids):026}", cipher=SecretCipher([b"k" * 32])
    )


@pytest.fixture
def url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    if engine == "sqlite":
        return f"sqlite:///{tmp_path}/webhooks.db"
    database: Any = request.getfixturevalue("empty_database")
    return str(database.url)


@pytest.fixture
async def connection(url: str) -> Any:
    journal = journal_at(url)
    await journal.open()
    await journal.close()
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=pool.NullPool)
    with engine.connect() as connection:
        yield connection


def _ours(engine: str) -> Any:
    def include(item: Any, name: str | None, kind: str, reflected: bool, compared_to: Any) -> bool:
        return name != VERSION_TABLE and item.info.get("engine", engine) == engine

    return include


@ENGINES
def test_all_migrations_make_the_tables(engine: str, connection: Connection) -> None:
    context = MigrationContext.configure(
        connection,
        opts={"include_object": _ours(engine), "compare_type": True, "version_table": VERSION_TABLE},
    )

    assert compare_metadata(context, metadata) == []


@ENGINES
def test_partial_indexes_are_the_ones_that_statements_use(engine: str, connection: Connection) -> None:
    reflected = {
        index["name"]: str(index["dialect_options"].get(f"{engine}_where", ""))
        for table in inspect(connection).get_table_names()
        for index in inspect(connection).get_indexes(table)
    }

    for table in metadata.tables.values():
        for index in table.indexes:
            where = index.dialect_options[engine].get("where")
            if where is None or index.info.get("engine", engine) != engine:
                continue
            found = reflected[index.name].replace("(", "").replace(")", "").replace("::text", "")
            assert found == str(where).replace("(", "").replace(")", ""), index.name


@ENGINES
def test_the_third_seeds_columns_are_there(engine: str, connection: Connection) -> None:
    for table, columns in SEED_COLUMNS.items():
        found = {column["name"] for column in inspect(connection).get_columns(table)}
        assert set(columns.split()) <= found


@ENGINES
async def test_a_schema_of_a_newer_release_is_refused(engine: str, connection: Connection, url: str) -> None:
    statement = text(f"UPDATE {VERSION_TABLE} SET version_num = :version")  # noqa: S608 - our own table
    (before,) = connection.scalars(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608
    connection.execute(statement, {"version": "9999"})
    connection.commit()

    with pytest.raises(ConfigurationError, match="9999"):
        await journal_at(url).open()

    connection.execute(statement, {"version": before})
    connection.commit()


LISTS = (
    (
        "work WHERE due_at IS NOT NULL AND in_line IS NULL AND failures = 0"
        " AND target = 't' AND due_at <= 5 ORDER BY due_at"
    ),
    "work WHERE due_at IS NOT NULL AND in_line IS NULL AND due_at <= 5 ORDER BY due_at",
    (
        "work WHERE ordering_key IS NOT NULL AND (due_at IS NOT NULL OR leased_until IS NOT NULL)"
        " AND ordering_key = 'k' AND target = 't' ORDER BY id"
    ),
    "work WHERE leased_until IS NOT NULL AND leased_until <= 5 ORDER BY leased_until",
    "work WHERE state = 'failed' AND id < 'x' ORDER BY id DESC",
    "work WHERE kind = 'delivery' AND target = 'x' AND id < 'y' ORDER BY id DESC",
    "events WHERE provider = 'x' ORDER BY id DESC",
    "events WHERE provider = 'x' AND event_type = 'y' ORDER BY id DESC",
    "messages WHERE event_id = 'x' ORDER BY id",
    "audit_log WHERE target = 'x' AND id < 'y' ORDER BY id DESC",
)


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("query", LISTS)
def test_no_list_and_no_claim_scans_or_sorts(engine: str, connection: Connection, query: str) -> None:
    statement = f"EXPLAIN QUERY PLAN SELECT * FROM {query} LIMIT 9"  # noqa: S608 - LISTS, above
    plan = [row[3] for row in connection.exec_driver_sql(statement)]

    assert not any("B-TREE" in step for step in plan), plan
    assert all("INDEX" in step for step in plan), plan
