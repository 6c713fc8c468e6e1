"""The catalogue of event types, and marks for sets that are kept in memory. Frozen, as all migrations are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "set_versions",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("version", ID, nullable=False),
    )
    op.create_table(
        "event_types",
        sa.Column("name", ID, primary_key=True),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("schema", sa.Text),
        sa.Column("archived", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("updated_at", sa.Text, nullable=False),
    )
