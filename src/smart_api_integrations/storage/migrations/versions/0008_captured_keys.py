"""Captured keys: secrets that handshakes bring. Frozen, as all migrations are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make their table."""
    op.create_table(
        "captured_keys",
        sa.Column("id", ID, primary_key=True),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("webhook_name", sa.Text, nullable=False),
        sa.Column("variable", sa.Text, nullable=False),
        sa.Column("awaited_until", sa.BigInteger, nullable=False),
        sa.Column("secret", sa.Text),
        sa.Column("captured_at", sa.BigInteger),
        sa.Column("remote_address", sa.Text),
    )
    op.create_index("ix_captured_keys_webhook", "captured_keys", ["provider", "webhook_name"])
