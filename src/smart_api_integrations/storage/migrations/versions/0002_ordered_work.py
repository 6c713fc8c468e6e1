"""Ordering keys: work that waits behind earlier work of its key. Frozen, as all migrations are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

FREE = "due_at IS NOT NULL AND in_line IS NULL"


def upgrade() -> None:
    """Add the columns, and take what is in line out of the indexes that claims go along."""
    op.add_column("messages", sa.Column("ordering_key", sa.Text))
    op.add_column("work", sa.Column("ordering_key", sa.Text))
    op.add_column("work", sa.Column("in_line", sa.Integer))
    for name in ("ix_work_fresh", "ix_work_retry"):
        op.drop_index(name, "work")
    _partial("ix_work_fresh", ["due_at"], f"{FREE} AND failures = 0")
    _partial("ix_work_retry", ["due_at"], f"{FREE} AND failures > 0")
    _partial(
        "ix_work_line",
        ["ordering_key", "target", "id"],
        "ordering_key IS NOT NULL AND (due_at IS NOT NULL OR leased_until IS NOT NULL)",
    )
    _partial("ix_work_in_line", ["target", "due_at"], "in_line IS NOT NULL")


def _partial(name: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, "work", columns, sqlite_where=condition, postgresql_where=condition)
