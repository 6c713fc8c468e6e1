"""Counts by type, by answer and by duration. Frozen, as all migrations are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "tallies",
        sa.Column("what", sa.Text, primary_key=True),
        sa.Column("subject", ID, primary_key=True),
        sa.Column("slot", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("label", ID, primary_key=True),
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column("shard", ID, primary_key=True),
        sa.Column("n", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
