"""Messages that wait, expire and are published once; schedules of endpoints. Frozen, as all are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the columns, and the table of keys."""
    op.add_column("messages", sa.Column("deliver_at", sa.BigInteger))
    op.add_column("messages", sa.Column("expires_at", sa.BigInteger))
    op.add_column("webhooks", sa.Column("retry_schedule", sa.Text))
    op.create_table(
        "idempotency_keys",
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("used_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_idempotency_keys_used", "idempotency_keys", ["used_at"])
