"""Rules that forward received events, and messages for one endpoint alone. Frozen, as all migrations are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table, and add the column."""
    op.create_table(
        "forward_rules",
        sa.Column("id", ID, primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("events", sa.Text, nullable=False),
        sa.Column("filter", sa.Text),
        sa.Column("transformation", sa.Text),
        sa.Column("message_type", sa.Text, nullable=False),
        sa.Column("endpoint_id", ID),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("updated_at", sa.Text, nullable=False),
    )
    op.add_column("messages", sa.Column("endpoint_id", ID))
