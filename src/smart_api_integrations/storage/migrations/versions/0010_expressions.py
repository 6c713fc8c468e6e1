"""Endpoints that filter and transform what they get. Frozen, as all migrations are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns: CEL expressions."""
    op.add_column("webhooks", sa.Column("filter", sa.Text))
    op.add_column("webhooks", sa.Column("transformation", sa.Text))
