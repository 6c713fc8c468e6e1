"""Messages that callers' own transactions leave to be published. Frozen, as all migrations are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "webhooks_outbox",
        sa.Column("id", ID, primary_key=True),
        sa.Column("envelope", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
