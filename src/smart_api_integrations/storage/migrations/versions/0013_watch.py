"""Counters by source, alerts, and whose turn it is to watch. Frozen, as all migrations are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ARRIVED = sa.text("status = 'arrived'")
UNFINISHED = sa.text("resolved_at IS NULL OR untold IS NOT NULL")


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "source_counts",
        sa.Column("minute", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("provider", sa.Text, primary_key=True),
        sa.Column("webhook_name", sa.Text, primary_key=True),
        sa.Column("event_type", sa.Text, primary_key=True),
        sa.Column("status", sa.Text, primary_key=True),
        sa.Column("shard", ID, primary_key=True),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.Column("duration_ms", sa.Float, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_source_counts_arrived",
        "source_counts",
        ["minute"],
        sqlite_where=ARRIVED,
        postgresql_where=ARRIVED,
    )
    op.create_table(
        "alerts",
        sa.Column("id", ID, primary_key=True),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("notified_at", sa.BigInteger),
        sa.Column("untold", sa.Text),
        sa.Column("resolved_at", sa.BigInteger),
        sa.Column("told", sa.Text, nullable=False),
    )
    op.create_index(
        "ix_alerts_unfinished", "alerts", ["id"], sqlite_where=UNFINISHED, postgresql_where=UNFINISHED
    )
    op.create_index("ix_alerts_resolved", "alerts", ["resolved_at"])
    op.create_table(
        "turns",
        sa.Column("task", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
    )
