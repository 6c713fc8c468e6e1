"""Tables beside the journal's that sending needs: small sets, and the outbox. Floor 3."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, LargeBinary, Table, Text

from smart_api_integrations.storage.column_types import IsoMoment, JsonText, OutsideText
from smart_api_integrations.storage.tables import ID, metadata

# Marks of the small sets that everybody keeps in memory, see ``versioned``.
set_versions = Table(
    "set_versions",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", ID, nullable=False),
)

event_types = Table(
    "event_types",
    metadata,
    Column("name", ID, primary_key=True),
    Column("description", OutsideText, nullable=False),
    Column("schema", JsonText),
    Column("archived", Boolean, nullable=False),
    Column("created_at", IsoMoment, nullable=False),
    Column("updated_at", IsoMoment, nullable=False),
)

forward_rules = Table(
    "forward_rules",
    metadata,
    Column("id", ID, primary_key=True),
    Column("source", Text, nullable=False),
    Column("events", JsonText, nullable=False),
    Column("filter", Text),
    Column("transformation", Text),
    Column("message_type", Text, nullable=False),
    Column("endpoint_id", ID),
    Column("tenant", Text, nullable=False),
    Column("description", OutsideText, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", IsoMoment, nullable=False),
    Column("updated_at", IsoMoment, nullable=False),
)

# What callers' own transactions leave to be published; emptied as soon as a worker sees it.
outbox = Table(
    "webhooks_outbox",
    metadata,
    Column("id", ID, primary_key=True),
    Column("envelope", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
