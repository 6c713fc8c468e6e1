"""What Alembic runs around the migrations: on the connection of whoever opens the journal. Floor 3."""

from __future__ import annotations

from alembic import context

from smart_api_integrations.storage.migrating import VERSION_TABLE
from smart_api_integrations.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
context.run_migrations()
