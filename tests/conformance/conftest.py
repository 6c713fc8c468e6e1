"""A PostgreSQL database of one test class's own, emptied for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg
import pytest

pytest.register_assert_rewrite("smart_api_integrations.testing.journal_cases")

_EMPTY = """
DO $$ DECLARE names text; BEGIN
  SELECT string_agg(format('%I', tablename), ', ') INTO names FROM pg_tables
    WHERE schemaname = 'public' AND tablename <> 'smart_api_integrations_version'
      AND tablename <> 'subscriptions_version';
  IF names IS NOT NULL THEN EXECUTE 'TRUNCATE ' || names; END IF;
  IF to_regclass('subscriptions_version') IS NOT NULL THEN
    -- Ids begin anew with every test: one of an earlier test must not look like a change that was seen.
    UPDATE subscriptions_version SET version = 'ver_' || gen_random_uuid(), gates = NULL;
  END IF;
END $$
"""


@dataclass(frozen=True)
class Database:
    """One database of a server that others may use as well."""

    server: str
    name: str

    @property
    def url(self) -> str:
        return urlsplit(self.server)._replace(path=f"/{self.name}").geturl()

    def run(self, *statements: str) -> None:
        with psycopg.connect(self.server, autocommit=True) as admin:
            for statement in statements:
                admin.execute(statement.encode())

    @contextmanager
    def away(self) -> Iterator[None]:
        """Cut every connection, and let nobody in."""
        self.run(
            f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS false",
            f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{self.name}'",  # noqa: S608
        )
        try:
            yield
        finally:
            self.run(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS true")

    def empty(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(_EMPTY)


@pytest.fixture(scope="class")
def class_database(request: pytest.FixtureRequest, postgres_url: str) -> Iterator[Database]:
    """Make a database, and drop it behind the class."""
    if request.node.get_closest_marker("postgres") is None:
        pytest.fail("mark the class with pytest.mark.postgres")
    database = Database(server=postgres_url, name=f"conformance_{os.getpid()}")
    database.run(f"CREATE DATABASE {database.name}")
    yield database
    database.run(f"DROP DATABASE {database.name} WITH (FORCE)")


@pytest.fixture
def empty_database(class_database: Database) -> Database:
    """Return the class's database with its tables emptied."""
    class_database.empty()
    return class_database
