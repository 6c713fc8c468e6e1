"""The tables of replay jobs, as the newest migration leaves them. Floor 3."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Table, Text, text

from smart_api_integrations.storage.column_types import JsonText, Moment, OutsideText
from smart_api_integrations.storage.tables import ID, metadata

RUNS = text("state = 'running'")

replays = Table(
    "replays",
    metadata,
    Column("id", ID, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("filter", JsonText, nullable=False),
    Column("state", Text, nullable=False),
    Column("rate", Float, nullable=False),
    Column("note", OutsideText, nullable=False),
    Column("by", OutsideText, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("is_exact", Boolean, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("skipped", BigInteger, nullable=False),
    Column("cursor", ID, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("leased_until", Moment),
    Column("lease_owner", Text),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("finished_at", Moment),
)
Index("ix_replays_running", replays.c.id, sqlite_where=RUNS, postgresql_where=RUNS)


replay_items = Table(
    "replay_items",
    metadata,
    Column("replay_id", ID, primary_key=True),
    Column("work_id", ID, primary_key=True),
    sqlite_with_rowid=False,
)
