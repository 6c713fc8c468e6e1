"""Issues: failures gathered by their cause. Frozen, as all migrations are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
OPEN_MEMBER = "issue IS NOT NULL AND (due_at IS NOT NULL OR leased_until IS NOT NULL OR state = 'failed')"


def upgrade() -> None:
    """Make the counts and the marks, and let work name its issue."""
    op.create_table(
        "issue_counts",
        sa.Column("issue", ID, primary_key=True),
        sa.Column("shard", ID, primary_key=True),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("error_code", sa.Text, nullable=False),
        sa.Column("error_class", sa.Text, nullable=False),
        sa.Column("response_code", sa.Integer),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("first_id", ID, nullable=False),
        sa.Column("last_id", ID, nullable=False),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.BigInteger, nullable=False),
        sa.Column("affected", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_issue_counts_last", "issue_counts", ["last_at"])
    op.create_table(
        "issue_marks",
        sa.Column("issue", ID, primary_key=True),
        sa.Column("resolved_at", sa.BigInteger),
        sa.Column("muted_until", sa.BigInteger),
    )
    op.add_column("work", sa.Column("issue", ID))
    condition = sa.text(OPEN_MEMBER)
    op.create_index(
        "ix_work_issue", "work", ["issue", "id"], sqlite_where=condition, postgresql_where=condition
    )
