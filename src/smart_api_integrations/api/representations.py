"""The journal's records as JSON values, secrets masked. Floor 8."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from smart_api_integrations.core.access import ApiKey, AuditEntry
from smart_api_integrations.core.alerts import SourceStatistics, added
from smart_api_integrations.core.ed25519_keys import is_private_key, public_key
from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.gate import Gate
from smart_api_integrations.core.journal import (
    Attempt,
    AttemptStatus,
    EventSummary,
    Message,
    Proof,
    ReceivedEvent,
    Rejection,
    Trace,
    Work,
)
from smart_api_integrations.core.lifecycle import event_state
from smart_api_integrations.core.masking import (
    MASK,
    is_sensitive,
    masked_header,
    masked_query,
    masked_secret,
    masked_url,
)
from smart_api_integrations.core.webhook import Handler
from smart_api_integrations.core.withholding import WITHHELD_BODY


def time(value: datetime | None) -> str | None:
    """Return an RFC 3339 time in UTC, or None."""
    return None if value is None else value.isoformat().replace("+00:00", "Z")


def body(content: bytes) -> dict[str, str | None]:
    """Return exact bytes as text where they are UTF-8, else as base64; ``body_encoding`` says which.

    Both are None where whoever asks may not see it.
    """
    if content == WITHHELD_BODY:
        return {"body": None, "body_encoding": None}
    try:
        return {"body": content.decode("utf-8"), "body_encoding": "utf-8"}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(content).decode("ascii"), "body_encoding": "base64"}


def headers(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return headers in order, repeated ones repeated, sensitive ones cut."""
    return [[name, masked_header(name, value)] for name, value in pairs]


def summary(event: EventSummary) -> dict[str, Any]:
    """Return one line of the list of received events."""
    return {
        "id": event.id,
        "provider": event.provider,
        "webhook_name": event.webhook_name,
        "event_type": event.event_type,
        "action": event.action,
        "event_id": event.event_id,
        "state": event_state(event.handlings),
        "size": event.size,
        "duplicates": event.duplicates,
        "received_at": time(event.received_at),
        "handlings": list(event.handlings),
        "deliveries": list(event.deliveries),
    }


def summary_of(event: ReceivedEvent, found: Trace) -> dict[str, Any]:
    """Return the line of the list for an event that was read whole."""
    handlings = [entry.state for entry in found.handlings]
    return {
        "id": event.id,
        "provider": event.provider,
        "webhook_name": event.webhook_name,
        "event_type": event.event_type,
        "action": event.action,
        "event_id": event.event_id,
        "state": event_state(handlings),
        "size": len(event.body),
        "duplicates": event.duplicates,
        "received_at": time(event.received_at),
        "handlings": handlings,
        "deliveries": [entry.state for entry in found.deliveries],
    }


def received(event: ReceivedEvent, *, secret: Collection[str] = ()) -> dict[str, Any]:
    """Return one received event with its headers and its body; *secret* parameters are masked too."""
    return {
        "id": event.id,
        "provider": event.provider,
        "webhook_name": event.webhook_name,
        "event_type": event.event_type,
        "action": event.action,
        "event_id": event.event_id,
        "method": event.method,
        "path": event.path,
        "query": masked_query(event.query, secret=secret),
        "remote_address": event.remote_address,
        "received_at": time(event.received_at),
        "occurred_at": time(event.occurred_at),
        "duplicates": event.duplicates,
        "proof": _proof(event.proof),
        "headers": headers(event.headers),
        **body(event.body),
    }


def _proof(proof: Proof) -> dict[str, Any]:
    return {
        "scheme": proof.scheme,
        "algorithm": proof.algorithm,
        "secret_name": proof.secret_name,
        "secret_index": proof.secret_index,
        "secrets_tried": proof.secrets_tried,
        "timestamp": time(proof.timestamp),
        "tolerance_seconds": None if proof.tolerance is None else proof.tolerance.total_seconds(),
    }


def message(record: Message) -> dict[str, Any]:
    """Return one message with its body."""
    return {
        "id": record.id,
        "event": record.event,
        "event_id": record.event_id,
        "handler": record.handler,
        "created_at": time(record.created_at),
        **body(record.body),
    }


def message_line(record: Message) -> dict[str, Any]:
    """Return one line of the list of messages."""
    whole = message(record)
    del whole["body"], whole["body_encoding"]
    return whole | {"size": len(record.body)}


def handler(record: Handler) -> dict[str, Any]:
    """Return one registered handler."""
    provider, webhook_name, _ = (*record.name.split(":", 2), "", "")[:3]
    return {
        "name": record.name,
        "provider": provider,
        "webhook_name": webhook_name,
        "pattern": record.pattern,
        "retry_schedule": [wait.total_seconds() for wait in record.schedule.waits],
        "timeout": None if record.timeout is None else record.timeout.total_seconds(),
        "concurrency": record.concurrency,
        "ordered": record.ordering_key is not None,
    }


def work(record: Work) -> dict[str, Any]:
    """Return what handlings and deliveries have in common."""
    return {
        "id": record.id,
        "kind": record.kind,
        "target": record.target,
        "subject_id": record.subject_id,
        "status": record.state,
        "attempt_count": record.attempt_count,
        "failures": record.failures,
        "max_attempts": record.max_attempts,
        "next_attempt_at": time(record.due_at),
        "created_at": time(record.created_at),
        "updated_at": time(record.updated_at),
    }


def delivery(record: Work) -> dict[str, Any]:
    """Return one delivery under the third seed's names."""
    return work(record) | {"webhook_id": record.target, "payload_id": record.subject_id}


def attempt(record: Attempt) -> dict[str, Any]:
    """Return one attempt: the columns of the third seed's ``delivery_attempts`` and what we add."""
    return {
        "id": record.id,
        "attempt_number": record.number,
        "status": record.status,
        "timestamp": time(record.started_at),
        "duration_ms": record.duration_ms,
        "response_code": record.response_code,
        "response_headers": _masked(record.response_headers),
        "response_body": record.response_body,
        "request_headers": _masked(record.request_headers),
        "error_code": record.error_code,
        "error_message": record.error_message,
        "error_detail": record.error_detail,
        "phases": None if record.phases is None else dict(record.phases),
        "result": record.result,
    }


def test_of(endpoint: Endpoint, event: str, record: Attempt) -> dict[str, Any]:
    """Return how the test of an endpoint went."""
    shown = attempt(record)
    del shown["id"], shown["result"], shown["attempt_number"]
    return {
        "success": record.status == AttemptStatus.SUCCEEDED,
        "url": masked_url(endpoint.url),
        "event": event,
        "payload_id": record.subject_id,
        **shown,
    }


def attempts_of(record: Work, attempts: Sequence[Attempt]) -> list[dict[str, Any]]:
    """Return the attempts of one piece of work, in order."""
    own = (entry for entry in attempts if entry.work_id == record.id)
    return [attempt(entry) for entry in sorted(own, key=lambda entry: entry.number)]


def trace(record: Trace) -> dict[str, Any]:
    """Return everything that one event led to."""
    return {
        "handlings": [
            work(entry) | {"attempts": attempts_of(entry, record.attempts)} for entry in record.handlings
        ],
        "messages": [message(entry) for entry in record.messages],
        "deliveries": [
            delivery(entry)
            | {"url": _url(record, entry.target), "attempts": attempts_of(entry, record.attempts)}
            for entry in record.deliveries
        ],
    }


def rejection(record: Rejection) -> dict[str, Any]:
    """Return one line of the log of rejections."""
    return {
        "id": record.id,
        "provider": record.provider,
        "webhook_name": record.webhook_name,
        "reason": record.reason,
        "detail": record.detail,
        "status_code": record.status_code,
        "remote_address": record.remote_address,
        "received_at": time(record.received_at),
        "facts": dict(record.facts),
        "sampled": record.sampled,
    }


def webhook(endpoint: Endpoint, *, reveal: bool = False) -> dict[str, Any]:
    """Return one endpoint under the third seed's names; its secret only with *reveal*, at creation."""
    wait, schedule = endpoint.retry_delay, endpoint.retry_schedule
    return {
        "id": endpoint.id,
        "tenant": endpoint.tenant,
        "url": endpoint.url if reveal else masked_url(endpoint.url),
        "events": list(endpoint.events),
        "secret": endpoint.secret if reveal else masked_secret(endpoint.secret),
        "public_key": _public_key(endpoint.secret),
        "old_secrets": [
            {
                "secret": masked_secret(old.secret),
                "public_key": _public_key(old.secret),
                "expires_at": time(old.expires_at),
            }
            for old in endpoint.grace_at(datetime.now(UTC))
        ],
        "auth": None if endpoint.auth is None else endpoint.auth.shown(),
        "filter": endpoint.filter,
        "transformation": endpoint.transformation,
        "active": endpoint.active,
        "disabled_reason": endpoint.disabled_reason,
        "retry_schedule": None if schedule is None else [wait.total_seconds() for wait in schedule.waits],
        "retry_count": endpoint.retry_count,
        "retry_delay": None if wait is None else wait.total_seconds(),
        "timeout": endpoint.timeout.total_seconds(),
        "rate_limit": endpoint.rate_limit,
        "concurrency": endpoint.concurrency,
        "headers": {name: MASK if is_sensitive(name) else value for name, value in endpoint.headers.items()},
        "metadata": dict(endpoint.metadata),
        "description": endpoint.description,
        "created_at": time(endpoint.created_at),
        "updated_at": time(endpoint.updated_at),
    }


def _public_key(secret: str) -> str | None:
    return public_key(secret) if is_private_key(secret) else None


def gate(before: Gate | None, *, waiting: int, now: datetime) -> dict[str, Any]:
    """Return what holds back an endpoint, and how much waits for it."""
    known = before or Gate(target="")
    is_shut = known.opens_at is not None and known.opens_at > now
    circuit = "closed" if known.opened_at is None else "open" if is_shut else "half_open"
    return {
        "paused_at": time(known.paused_at),
        "circuit": circuit,
        "opens_at": time(known.opens_at) if is_shut else None,
        "resume_rate": known.resume_rate,
        "failing_since": time(known.failing_since),
        "waiting": waiting,
    }


def api_key(key: ApiKey, *, now: datetime) -> dict[str, Any]:
    """Return what may be told of an API key at any time."""
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "role": key.role,
        "scopes": sorted(key.scopes),
        "state": key.state(now=now),
        "created_at": time(key.created_at),
        "created_by": key.created_by,
        "expires_at": time(key.expires_at),
        "revoked_at": time(key.revoked_at),
        "last_used_at": time(key.last_used_at),
        "replaced_by": key.replaced_by,
    }


def audit_entry(entry: AuditEntry) -> dict[str, Any]:
    """Return one line of the audit log."""
    return {
        "id": entry.id,
        "at": time(entry.at),
        "actor_id": entry.actor_id,
        "actor_name": entry.actor_name,
        "action": entry.action,
        "target": entry.target,
        "remote_address": entry.remote_address,
        "details": dict(entry.details),
    }


def _masked(pairs: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if pairs is None else {name: masked_header(name, value) for name, value in pairs.items()}


def _url(record: Trace, endpoint_id: str) -> str | None:
    endpoint = record.endpoints.get(endpoint_id)
    return None if endpoint is None else masked_url(endpoint.url)


def source_statistics(statistics: Iterable[SourceStatistics]) -> dict[str, dict[str, Any]]:
    """Return the fourth seed's statistics: counts and mean times by provider and status."""
    merged: dict[str, dict[str, SourceStatistics]] = {}
    for each in statistics:
        of_provider = merged.setdefault(each.provider, {})
        before = of_provider.get(each.status)
        of_provider[each.status] = each if before is None else added(before, each)
    return {
        provider: {
            status: {"count": each.count, "avg_processing_time": each.avg_seconds}
            for status, each in by_status.items()
        }
        for provider, by_status in merged.items()
    }
