"""Databases of both engines for whoever asks for ``database_url``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running_server import fresh_postgres


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path, postgres_url: str) -> Iterator[str]:
    """Return the URL of a new, empty database; each test that takes it runs once for each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/webhooks.db"
    else:
        with fresh_postgres(postgres_url) as url:
            yield url
