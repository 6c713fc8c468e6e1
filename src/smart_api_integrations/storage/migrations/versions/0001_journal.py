"""The journal's first tables. Frozen: a later change is a later migration."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SECONDS = sa.Numeric(18, 6)


def upgrade() -> None:
    """Make every table and index of release 0.1."""
    _make_events()
    _make_messages()
    _make_work()
    _make_attempts("delivery_attempts", target="webhook_id", subject="payload_id")
    _make_attempts("handling_attempts", target="handler", subject="event_id")
    _make_endpoints()
    _make_rejections()
    _make_counters()
    if op.get_bind().dialect.name == "postgresql":
        _partial("ix_events_provider_id", "events", ["event_id", "id"], "event_id IS NOT NULL")
        _compress_quickly()
    else:
        _make_tails()


def _needed(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


def _make_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", ID, primary_key=True),
        _needed("tenant", sa.Text),
        _needed("provider", sa.Text),
        _needed("webhook_name", sa.Text),
        sa.Column("event_type", sa.Text),
        sa.Column("action", sa.Text),
        sa.Column("event_id", sa.Text),
        _needed("method", sa.Text),
        _needed("path", sa.Text),
        _needed("query", sa.Text),
        sa.Column("remote_address", sa.Text),
        _needed("received_at", sa.BigInteger),
        sa.Column("occurred_at", sa.BigInteger),
        _needed("duplicates", sa.Integer),
        _needed("size", sa.Integer),
        _needed("proof", sa.Text),
        _needed("dedupe_keys", sa.LargeBinary),
        _needed("headers", sa.LargeBinary),
        _needed("body", sa.LargeBinary),
    )
    op.create_index("ix_events_provider", "events", ["provider", "id"])
    op.create_index("ix_events_provider_type", "events", ["provider", "event_type", "id"])
    op.create_table(
        "event_keys",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        _needed("event_id", ID),
        _needed("seen_at", sa.BigInteger),
        sqlite_with_rowid=False,
    )


def _make_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", ID, primary_key=True),
        _needed("tenant", sa.Text),
        _needed("event", sa.Text),
        _needed("created_at", sa.BigInteger),
        sa.Column("event_id", ID),
        sa.Column("handler", sa.Text),
        _needed("hops", sa.Integer),
        _needed("body", sa.LargeBinary),
    )
    _partial("ix_messages_event", "messages", ["event_id", "id"], "event_id IS NOT NULL")


def _make_work() -> None:
    op.create_table(
        "work",
        sa.Column("id", ID, primary_key=True),
        _needed("tenant", sa.Text),
        _needed("kind", sa.Text),
        _needed("subject_id", ID),
        _needed("target", ID),
        _needed("state", sa.Text),
        _needed("attempt_count", sa.Integer),
        _needed("failures", sa.Integer),
        _needed("max_attempts", sa.Integer),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("leased_until", sa.BigInteger),
        sa.Column("lease_owner", sa.Text),
        _needed("fence", sa.BigInteger),
        _needed("created_at", sa.BigInteger),
        _needed("updated_at", sa.BigInteger),
    )
    op.create_index("ix_work_subject", "work", ["subject_id"])
    _partial("ix_work_fresh", "work", ["due_at"], "due_at IS NOT NULL AND failures = 0")
    _partial("ix_work_retry", "work", ["due_at"], "due_at IS NOT NULL AND failures > 0")
    _partial("ix_work_leases", "work", ["leased_until"], "leased_until IS NOT NULL")
    _partial("ix_work_dead", "work", ["id"], "state = 'failed'")
    _partial("ix_work_deliveries", "work", ["target", "id"], "kind = 'delivery'")


def _make_attempts(name: str, *, target: str, subject: str) -> None:
    op.create_table(
        name,
        sa.Column("id", ID, primary_key=True),
        _needed("tenant", sa.Text),
        _needed("work_id", ID),
        _needed(target, ID),
        _needed(subject, ID),
        _needed("attempt_number", sa.Integer),
        _needed("status", sa.Text),
        _needed("timestamp", sa.Text),
        _needed("duration_ms", sa.Float),
        sa.Column("error_code", sa.Text),
        sa.Column("error_message", sa.Text),
        sa.Column("error_detail", sa.Text),
        sa.Column("request_headers", sa.Text),
        sa.Column("response_code", sa.Integer),
        sa.Column("response_headers", sa.Text),
        sa.Column("response_body", sa.Text),
        sa.Column("phases", sa.Text),
        sa.Column("result", sa.Text),
    )
    op.create_index(f"ix_{name}_work", name, ["work_id"])


def _make_endpoints() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", ID, primary_key=True),
        _needed("tenant", sa.Text),
        _needed("url", sa.Text),
        _needed("events", sa.Text),
        _needed("secret", sa.Text),
        _needed("active", sa.Boolean),
        sa.Column("retry_count", sa.Integer),
        sa.Column("retry_delay", SECONDS),
        _needed("timeout", SECONDS),
        _needed("headers", sa.Text),
        _needed("metadata", sa.Text),
        _needed("description", sa.Text),
        _needed("created_at", sa.Text),
        _needed("updated_at", sa.Text),
    )
    version = op.create_table(
        "subscriptions_version",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        _needed("version", ID),
    )
    op.bulk_insert(version, [{"id": 1, "version": "ver_0"}])


def _make_rejections() -> None:
    op.create_table(
        "rejections",
        sa.Column("id", ID, primary_key=True),
        _needed("tenant", sa.Text),
        _needed("provider", sa.Text),
        _needed("webhook_name", sa.Text),
        _needed("reason", sa.Text),
        _needed("detail", sa.Text),
        _needed("status_code", sa.Integer),
        sa.Column("remote_address", sa.Text),
        _needed("received_at", sa.BigInteger),
        _needed("facts", sa.Text),
        _needed("sampled", sa.Integer),
    )


def _make_counters() -> None:
    op.create_table(
        "traffic",
        sa.Column("minute", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column("measure", sa.Text, primary_key=True),
        sa.Column("shard", ID, primary_key=True),
        _needed("n", sa.BigInteger),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "attempt_counts",
        sa.Column("webhook_id", ID, primary_key=True),
        sa.Column("minute", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("shard", ID, primary_key=True),
        _needed("tenant", sa.Text),
        _needed("attempts", sa.BigInteger),
        _needed("successful", sa.BigInteger),
        _needed("failed", sa.BigInteger),
        _needed("duration_ms", sa.Float),
        sqlite_with_rowid=False,
    )


def _make_tails() -> None:
    op.create_table(
        "recent_keys",
        sa.Column("seq", sa.Integer, primary_key=True),
        _needed("event_id", ID),
        _needed("seen_at", sa.BigInteger),
        _needed("keys", sa.LargeBinary),
        sa.Column("provider_id", sa.Text),
    )
    op.create_table(
        "provider_ids",
        sa.Column("provider_id", sa.Text, primary_key=True),
        sa.Column("event_id", ID, primary_key=True),
        sqlite_with_rowid=False,
    )


def _compress_quickly() -> None:
    """Let PostgreSQL compress bodies with lz4 where it can: pglz costs a third of all inserts."""
    can = op.get_bind().scalar(
        sa.text("SELECT 'lz4' = ANY(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'")
    )
    if can:
        for table, column in (("events", "body"), ("events", "headers"), ("messages", "body")):
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET COMPRESSION lz4")
