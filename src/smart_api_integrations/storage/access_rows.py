"""Keys, sessions and lines of the audit log, as rows and back. Floor 3."""

from __future__ import annotations

from typing import Any

from smart_api_integrations.core.access import ApiKey, AuditEntry, Role, Scope, Session


def key_row(key: ApiKey) -> dict[str, Any]:
    """Return *key* as a row."""
    return {
        "id": key.id,
        "tenant": key.tenant,
        "name": key.name,
        "prefix": key.prefix,
        "digest": key.digest,
        "role": key.role,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at,
        "created_by": key.created_by,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
        "replaced_by": key.replaced_by,
    }


def key_from(row: Any) -> ApiKey:
    """Return the key that a row holds; a scope that this release does not know allows nothing."""
    values = dict(row._asdict())
    known = {str(scope): scope for scope in Scope}
    values["scopes"] = frozenset(known[scope] for scope in values["scopes"] if scope in known)
    values["role"] = next((role for role in Role if role == values["role"]), None)
    values["digest"] = bytes(values["digest"])
    return ApiKey(**values)


def session_row(session: Session) -> dict[str, Any]:
    """Return *session* as a row."""
    return {
        "id": session.id,
        "digest": session.digest,
        "key_id": session.key_id,
        "created_at": session.created_at,
        "expires_at": session.expires_at,
    }


def session_from(row: Any) -> Session:
    """Return the session that a row holds."""
    return Session(**{**row._asdict(), "digest": bytes(row.digest)})


def audit_row(entry: AuditEntry) -> dict[str, Any]:
    """Return a line of the audit log as a row."""
    return {
        "id": entry.id,
        "tenant": entry.tenant,
        "at": entry.at,
        "actor_id": entry.actor_id,
        "actor_name": entry.actor_name,
        "action": entry.action,
        "target": entry.target,
        "remote_address": entry.remote_address,
        "details": dict(entry.details),
    }


def audit_from(row: Any) -> AuditEntry:
    """Return the line that a row holds."""
    return AuditEntry(**row._asdict())
