"""Where a database's schema is, read without changing anything. Floor 3."""

from __future__ import annotations

from pathlib import Path

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, exc, pool

from smart_api_integrations.errors import NotFound, StorageUnavailable
from smart_api_integrations.storage.database_url import database_url
from smart_api_integrations.storage.migrating import FOLDER, VERSION_TABLE


def schema_status(url: str) -> tuple[str | None, str | None]:
    """Return the revision of the database that *url* names, None for an empty one, and this program's newest.

    Raises:
        NotFound: There is no such SQLite file; none is made.
        StorageUnavailable: The database cannot be reached.
    """
    parsed = database_url(url)
    if parsed.drivername.startswith("sqlite"):
        if not Path(parsed.database or "").is_file():
            message = f"There is no database at {parsed.database}"
            raise NotFound(message)
        parsed = parsed.set(drivername="sqlite", query={})
    else:
        parsed = parsed.set(drivername="postgresql+psycopg")
    engine = create_engine(parsed, poolclass=pool.NullPool, hide_parameters=True)
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
            return context.get_current_revision(), ScriptDirectory(str(FOLDER)).get_current_head()
    except exc.SQLAlchemyError as error:
        message = f"The database cannot be reached ({type(error).__name__})"
        raise StorageUnavailable(message) from error
