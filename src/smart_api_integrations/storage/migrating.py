"""Bringing the schema up to date, whenever a journal is opened. Floor 3."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from smart_api_integrations.errors import ConfigurationError

FOLDER = Path(__file__).parent / "migrations"
VERSION_TABLE = "smart_api_integrations_version"


def upgrade(connection: Connection) -> None:
    """Bring the schema up to date, in the caller's transaction.

    Raises:
        ConfigurationError: The schema is newer than this program.
    """
    scripts = ScriptDirectory(str(FOLDER))
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    current, newest = context.get_current_revision(), scripts.get_current_head()
    if current == newest:
        return
    known = {script.revision for script in scripts.walk_revisions()}
    if current is not None and current not in known:
        message = (
            f"The database's schema is at {current}, which this program does not know (it knows up to "
            f"{newest}): install the newer release that wrote it"
        )
        raise ConfigurationError(message)
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
