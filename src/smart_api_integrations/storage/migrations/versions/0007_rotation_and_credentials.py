"""Endpoints whose replaced secrets go on signing, and that ask for credentials. Frozen, as all are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; both hold ciphertext."""
    op.add_column("webhooks", sa.Column("old_secrets", sa.Text))
    op.add_column("webhooks", sa.Column("auth", sa.Text))
