"""Replay jobs, and what each of them made due. Frozen, as all migrations are."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "replays",
        sa.Column("id", ID, primary_key=True),
        _needed("tenant", sa.Text),
        _needed("filter", sa.Text),
        _needed("state", sa.Text),
        _needed("rate", sa.Float),
        _needed("note", sa.Text),
        _needed("by", sa.Text),
        _needed("total", sa.BigInteger),
        _needed("is_exact", sa.Boolean),
        _needed("done", sa.BigInteger),
        _needed("skipped", sa.BigInteger),
        _needed("cursor", ID),
        _needed("fence", sa.BigInteger),
        sa.Column("leased_until", sa.BigInteger),
        sa.Column("lease_owner", sa.Text),
        _needed("created_at", sa.BigInteger),
        _needed("updated_at", sa.BigInteger),
        sa.Column("finished_at", sa.BigInteger),
    )
    running = sa.text("state = 'running'")
    op.create_index("ix_replays_running", "replays", ["id"], sqlite_where=running, postgresql_where=running)
    op.create_table(
        "replay_items",
        sa.Column("replay_id", ID, primary_key=True),
        sa.Column("work_id", ID, primary_key=True),
        sqlite_with_rowid=False,
    )


def _needed(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
