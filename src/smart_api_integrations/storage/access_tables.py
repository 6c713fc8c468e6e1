"""The tables of API keys, sessions and the audit log; the rules of ``tables`` hold here too. Floor 3."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, Table, Text

from smart_api_integrations.storage.column_types import JsonText, Moment, OutsideText
from smart_api_integrations.storage.tables import ID, metadata

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", ID, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("name", OutsideText, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("role", Text),
    Column("scopes", JsonText, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("created_by", OutsideText, nullable=False),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
    Column("last_used_at", Moment),
    Column("replaced_by", ID),
    Index("ix_api_keys_digest", "digest", unique=True),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", ID, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("key_id", ID, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Index("ix_sessions_digest", "digest", unique=True),
    Index("ix_sessions_key", "key_id"),
    Index("ix_sessions_expires", "expires_at"),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", ID, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor_id", OutsideText, nullable=False),
    Column("actor_name", OutsideText, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", OutsideText, nullable=False),
    Column("remote_address", OutsideText),
    Column("details", JsonText, nullable=False),
    Index("ix_audit_log_actor_id", "actor_id", "id"),
    Index("ix_audit_log_action", "action", "id"),
    Index("ix_audit_log_target", "target", "id"),
)
