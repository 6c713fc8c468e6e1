"""The tables of counters by source, of alerts, and of whose turn something is. Floor 3."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Table, Text, text

from smart_api_integrations.storage.column_types import JsonText, Moment, OutsideText
from smart_api_integrations.storage.tables import ID, metadata

ARRIVED = text("status = 'arrived'")
UNFINISHED = text("resolved_at IS NULL OR untold IS NOT NULL")

# Written like ``traffic``: each journal in rows of its own shard. What arrived is counted by the hour and by
# its type (``arrived``), everything else by five minutes.
source_counts = Table(
    "source_counts",
    metadata,
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("provider", Text, primary_key=True),
    Column("webhook_name", Text, primary_key=True),
    Column("event_type", Text, primary_key=True),
    Column("status", Text, primary_key=True),
    Column("shard", ID, primary_key=True),
    Column("n", BigInteger, nullable=False),
    Column("duration_ms", Float, nullable=False),
    sqlite_with_rowid=False,
)
Index(
    "ix_source_counts_arrived",
    source_counts.c.minute,
    sqlite_where=ARRIVED,
    postgresql_where=ARRIVED,
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", ID, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("subject", OutsideText, nullable=False),
    Column("severity", Text, nullable=False),
    Column("title", OutsideText, nullable=False),
    Column("message", OutsideText, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("notified_at", Moment),
    Column("untold", Text),
    Column("resolved_at", Moment),
    Column("told", JsonText, nullable=False),
)
Index("ix_alerts_unfinished", alerts.c.id, sqlite_where=UNFINISHED, postgresql_where=UNFINISHED)
Index("ix_alerts_resolved", alerts.c.resolved_at)

turns = Table(
    "turns",
    metadata,
    Column("task", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("until", Moment, nullable=False),
)
