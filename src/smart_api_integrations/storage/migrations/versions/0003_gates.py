"""Gates: pauses, rates and breakers; claims that go from target to target. Frozen, as all migrations are."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
FREE = "due_at IS NOT NULL AND in_line IS NULL"


def upgrade() -> None:
    """Make the gates, and give the indexes of claims the target first."""
    op.create_table(
        "gates",
        sa.Column("target", ID, primary_key=True),
        sa.Column("paused_at", sa.BigInteger),
        sa.Column("opens_at", sa.BigInteger),
        sa.Column("resume_rate", sa.Float),
        sa.Column("opened_at", sa.BigInteger),
        _needed("openings", sa.Integer),
        _needed("throttles", sa.Integer),
        sa.Column("failing_since", sa.BigInteger),
        _needed("failures", sa.Integer),
        _needed("warned", sa.Integer),
    )
    op.create_index("ix_gates_opens", "gates", ["opens_at"])
    op.add_column("subscriptions_version", sa.Column("gates", ID))
    op.add_column("messages", sa.Column("operational", sa.Integer))
    op.add_column("webhooks", sa.Column("disabled_reason", sa.Text))
    op.add_column("webhooks", sa.Column("rate_limit", sa.Float))
    op.add_column("webhooks", sa.Column("concurrency", sa.Integer))
    for name in ("ix_work_fresh", "ix_work_retry"):
        op.drop_index(name, "work")
    _partial("ix_work_due", ["due_at"], FREE)
    _partial("ix_work_fresh", ["target", "due_at"], f"{FREE} AND failures = 0")
    _partial("ix_work_retry", ["target", "due_at"], f"{FREE} AND failures > 0")


def _needed(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _partial(name: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, "work", columns, sqlite_where=condition, postgresql_where=condition)
