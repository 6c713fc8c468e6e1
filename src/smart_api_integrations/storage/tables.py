"""The journal's tables, as the newest migration leaves them. Floor 3.

Theory of operation:

1. ``work`` holds handlings and deliveries alike. Exactly what waits has ``due_at``; exactly what
   runs has ``leased_until``; what is over has neither. So the partial indexes below hold only what
   is open, and no claim, count or reap pays for what is finished. What waits behind earlier work of
   its ordering key has ``in_line`` too, and is in none of the indexes that claims go along.
2. Ids are ULIDs behind a prefix: their order is the order of time, lists are pages over ids.
3. The conditions of the partial indexes stand here once; statements use the very same ones, since
   a planner uses a partial index only for a condition that it recognises.
4. What only one engine needs says so in its ``info``.
5. ``webhooks`` and ``delivery_attempts`` have the third seed's columns and some more.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

from smart_api_integrations.storage.column_types import IsoMoment, JsonText, Moment, OutsideText, Seconds

metadata = MetaData()

# Ids are compared byte by byte everywhere; a database's own collation may not do so.
ID = Text().with_variant(Text(collation="C"), "postgresql")

DUE = text("due_at IS NOT NULL AND in_line IS NULL")
FRESH = text("due_at IS NOT NULL AND in_line IS NULL AND failures = 0")
RETRY = text("due_at IS NOT NULL AND in_line IS NULL AND failures > 0")
OPEN_IN_ORDER = text("ordering_key IS NOT NULL AND (due_at IS NOT NULL OR leased_until IS NOT NULL)")
IN_LINE = text("in_line IS NOT NULL")
LEASED = text("leased_until IS NOT NULL")
DEAD = text("state = 'failed'")
IS_DELIVERY = text("kind = 'delivery'")
OPEN_MEMBER = text(
    "issue IS NOT NULL AND (due_at IS NOT NULL OR leased_until IS NOT NULL OR state = 'failed')"
)
ON_SQLITE = {"engine": "sqlite"}
ON_POSTGRES = {"engine": "postgresql"}
HAS_PROVIDER_ID = text("event_id IS NOT NULL")


def _partial(name: str, *columns: str, table: Table, where: object) -> Index:
    return Index(name, *(table.c[column] for column in columns), sqlite_where=where, postgresql_where=where)


events = Table(
    "events",
    metadata,
    Column("id", ID, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("webhook_name", Text, nullable=False),
    Column("event_type", OutsideText),
    Column("action", OutsideText),
    Column("event_id", OutsideText),
    Column("method", Text, nullable=False),
    Column("path", OutsideText, nullable=False),
    Column("query", OutsideText, nullable=False),
    Column("remote_address", OutsideText),
    Column("received_at", Moment, nullable=False),
    Column("occurred_at", Moment),
    Column("duplicates", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("proof", JsonText, nullable=False),
    Column("dedupe_keys", LargeBinary, nullable=False),
    # The large ones last: a list that leaves them out never touches their pages.
    Column("headers", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("ix_events_provider", "provider", "id"),
    Index("ix_events_provider_type", "provider", "event_type", "id"),
)
# SQLite has ``provider_ids`` for it, see ``sqlite_tail``.
Index(
    "ix_events_provider_id",
    events.c.event_id,
    events.c.id,
    postgresql_where=HAS_PROVIDER_ID,
    info=ON_POSTGRES,
)

event_keys = Table(
    "event_keys",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("event_id", ID, nullable=False),
    Column("seen_at", Moment, nullable=False),
    sqlite_with_rowid=False,
)

recent_keys = Table(
    "recent_keys",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("event_id", ID, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("keys", LargeBinary, nullable=False),
    Column("provider_id", OutsideText),
    info=ON_SQLITE,
)

provider_ids = Table(
    "provider_ids",
    metadata,
    Column("provider_id", OutsideText, primary_key=True),
    Column("event_id", ID, primary_key=True),
    sqlite_with_rowid=False,
    info=ON_SQLITE,
)

messages = Table(
    "messages",
    metadata,
    Column("id", ID, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("event", OutsideText, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("event_id", ID),
    Column("handler", OutsideText),
    Column("hops", Integer, nullable=False),
    Column("operational", Integer),
    Column("deliver_at", Moment),
    Column("expires_at", Moment),
    Column("ordering_key", OutsideText),
    Column("endpoint_id", ID),
    Column("body", LargeBinary, nullable=False),
)
_partial("ix_messages_event", "event_id", "id", table=messages, where=HAS_PROVIDER_ID)

work = Table(
    "work",
    metadata,
    Column("id", ID, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject_id", ID, nullable=False),
    Column("target", ID, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt_count", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("due_at", Moment),
    Column("leased_until", Moment),
    Column("lease_owner", Text),
    Column("fence", BigInteger, nullable=False),
    Column("ordering_key", OutsideText),
    Column("in_line", Integer),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("issue", ID),
    Index("ix_work_subject", "subject_id"),
)
_partial("ix_work_due", "due_at", table=work, where=DUE)
_partial("ix_work_fresh", "target", "due_at", table=work, where=FRESH)
_partial("ix_work_retry", "target", "due_at", table=work, where=RETRY)
_partial("ix_work_line", "ordering_key", "target", "id", table=work, where=OPEN_IN_ORDER)
_partial("ix_work_in_line", "target", "due_at", table=work, where=IN_LINE)
_partial("ix_work_leases", "leased_until", table=work, where=LEASED)
_partial("ix_work_dead", "id", table=work, where=DEAD)
_partial("ix_work_deliveries", "target", "id", table=work, where=IS_DELIVERY)
_partial("ix_work_issue", "issue", "id", table=work, where=OPEN_MEMBER)


def _attempts(name: str, *, target: str, subject: str) -> Table:
    """Return a table of attempts; *target* and *subject* are what it calls those two columns."""
    return Table(
        name,
        metadata,
        Column("id", ID, primary_key=True),
        Column("tenant", Text, nullable=False),
        Column("work_id", ID, nullable=False),
        Column(target, ID, key="target", nullable=False),
        Column(subject, ID, key="subject_id", nullable=False),
        Column("attempt_number", Integer, key="number", nullable=False),
        Column("status", Text, nullable=False),
        Column("timestamp", IsoMoment, key="started_at", nullable=False),
        Column("duration_ms", Float, nullable=False),
        Column("error_code", Text),
        Column("error_message", OutsideText),
        Column("error_detail", OutsideText),
        Column("request_headers", JsonText),
        Column("response_code", Integer),
        Column("response_headers", JsonText),
        Column("response_body", OutsideText),
        Column("phases", JsonText),
        Column("result", OutsideText),
        Index(f"ix_{name}_work", "work_id"),
    )


delivery_attempts = _attempts("delivery_attempts", target="webhook_id", subject="payload_id")
handling_attempts = _attempts("handling_attempts", target="handler", subject="event_id")

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", ID, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("events", JsonText, nullable=False),
    Column("secret", Text, nullable=False),
    Column("old_secrets", JsonText),
    Column("auth", Text),
    Column("filter", Text),
    Column("transformation", Text),
    Column("active", Boolean, nullable=False),
    Column("disabled_reason", Text),
    Column("retry_schedule", JsonText),
    Column("retry_count", Integer),
    Column("retry_delay", Seconds),
    Column("timeout", Seconds, nullable=False),
    Column("rate_limit", Float),
    Column("concurrency", Integer),
    Column("headers", JsonText, nullable=False),
    Column("metadata", JsonText, nullable=False),
    Column("description", OutsideText, nullable=False),
    Column("created_at", IsoMoment, nullable=False),
    Column("updated_at", IsoMoment, nullable=False),
)

# One row, written anew by every change of an endpoint or a gate: publishers keep both parsed in memory and
# look here, in the transaction that publishes, whether what they hold is still so.
subscriptions_version = Table(
    "subscriptions_version",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", ID, nullable=False),
    Column("gates", ID),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("message_id", ID, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("used_at", Moment, nullable=False),
    Index("ix_idempotency_keys_used", "used_at"),
)

# What holds back the work of a target; one that nothing is the matter with has no row.
gates = Table(
    "gates",
    metadata,
    Column("target", ID, primary_key=True),
    Column("paused_at", Moment),
    Column("opens_at", Moment),
    Column("resume_rate", Float),
    Column("opened_at", Moment),
    Column("openings", Integer, nullable=False),
    Column("throttles", Integer, nullable=False),
    Column("failing_since", Moment),
    Column("failures", Integer, nullable=False),
    Column("warned", Integer, nullable=False),
    Index("ix_gates_opens", "opens_at"),
)

rejections = Table(
    "rejections",
    metadata,
    Column("id", ID, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("provider", OutsideText, nullable=False),
    Column("webhook_name", OutsideText, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", OutsideText, nullable=False),
    Column("status_code", Integer, nullable=False),
    Column("remote_address", OutsideText),
    Column("received_at", Moment, nullable=False),
    Column("facts", JsonText, nullable=False),
    Column("sampled", Integer, nullable=False),
)

# A shard is one open journal: it alone writes its rows, so counting never makes two processes wait
# for each other. Readers sum over the shards.
traffic = Table(
    "traffic",
    metadata,
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant", Text, primary_key=True),
    Column("measure", Text, primary_key=True),
    Column("shard", ID, primary_key=True),
    Column("n", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# By type, by answer, by duration; see ``tallies``.
tallies = Table(
    "tallies",
    metadata,
    Column("what", Text, primary_key=True),
    Column("subject", ID, primary_key=True),
    Column("slot", BigInteger, primary_key=True, autoincrement=False),
    Column("label", ID, primary_key=True),
    Column("tenant", Text, primary_key=True),
    Column("shard", ID, primary_key=True),
    Column("n", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Minute 0 holds an endpoint's whole life, so that asking for it costs nothing.
attempt_counts = Table(
    "attempt_counts",
    metadata,
    Column("webhook_id", ID, primary_key=True),
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("shard", ID, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("successful", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("duration_ms", Float, nullable=False),
    sqlite_with_rowid=False,
)

# Failures by their cause. As with the counters a journal writes rows of its own shard only.
issue_counts = Table(
    "issue_counts",
    metadata,
    Column("issue", ID, primary_key=True),
    Column("shard", ID, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("target", OutsideText, nullable=False),
    Column("error_code", OutsideText, nullable=False),
    Column("error_class", OutsideText, nullable=False),
    Column("response_code", Integer),
    Column("message", OutsideText, nullable=False),
    Column("first_id", ID, nullable=False),
    Column("last_id", ID, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("tries", BigInteger, nullable=False),
    Column("affected", BigInteger, nullable=False),
    Index("ix_issue_counts_last", "last_at"),
)

# What people said of an issue.
issue_marks = Table(
    "issue_marks",
    metadata,
    Column("issue", ID, primary_key=True),
    Column("resolved_at", Moment),
    Column("muted_until", Moment),
)

# Secrets that handshakes brought; one without a secret is awaited.
captured_keys = Table(
    "captured_keys",
    metadata,
    Column("id", ID, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("webhook_name", Text, nullable=False),
    Column("variable", Text, nullable=False),
    Column("awaited_until", Moment, nullable=False),
    Column("secret", Text),
    Column("captured_at", Moment),
    Column("remote_address", OutsideText),
    Index("ix_captured_keys_webhook", "provider", "webhook_name"),
)
