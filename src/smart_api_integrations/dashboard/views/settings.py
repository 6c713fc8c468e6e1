"""Settings, keys and the audit log as they are shown: no secret among them. Floor 8."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from smart_api_integrations.core.access import ApiKey, AuditEntry
from smart_api_integrations.core.masking import MASK, masked_url
from smart_api_integrations.dashboard.views.measures import UNKNOWN, Moment, moment
from smart_api_integrations.dashboard.views.visible import shortened, visible
from smart_api_integrations.dashboard.views.words import Badge
from smart_api_integrations.settings import ENVIRONMENT_PREFIX, Settings

LONGEST_DETAIL = 200
STATES: Mapping[str, Badge] = {
    "active": Badge(tone="ok", icon="ok", word="Active"),
    "revoked": Badge(tone="idle", icon="x", word="Revoked"),
    "expired": Badge(tone="idle", icon="clock", word="Expired"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """One setting: its value, where that comes from, and what sets it."""

    name: str
    variable: str
    value: str
    source: str
    text: str
    is_set: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """One API key."""

    id: str
    name: str
    prefix: str
    badge: Badge
    granted: str
    created: Moment
    used: Moment | None
    expires: Moment | None
    is_active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One line of the audit log."""

    id: str
    at: Moment
    who: str
    action: str
    target: str
    sender: str
    details: str


def setting_rows(settings: Settings, sources: Mapping[str, str]) -> tuple[SettingRow, ...]:
    """Return every setting by name; *sources* say where the value of those that are set comes from."""
    return tuple(
        SettingRow(
            name=name,
            variable=ENVIRONMENT_PREFIX + name.upper(),
            value=_shown(name, getattr(settings, name)),
            source=sources.get(name, "default"),
            text=visible(field.description or ""),
            is_set=name in sources,
        )
        for name, field in sorted(Settings.model_fields.items())
    )


def _shown(name: str, value: Any) -> str:
    if hasattr(value, "get_secret_value"):
        return MASK
    if isinstance(value, (tuple, list, frozenset)):
        return ", ".join(_shown(name, each) for each in value) or UNKNOWN
    if value is None or value == "":
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return visible(
        masked_url(text) if name.endswith("_url") and "://" in text and "sqlite" not in text else text
    )


def key_row(key: ApiKey, *, now: datetime) -> KeyRow:
    """Return the line of one key."""
    state = key.state(now=now)
    granted = str(key.role) if key.role is not None else ", ".join(sorted(key.scopes))
    return KeyRow(
        id=key.id,
        name=visible(key.name),
        prefix=visible(key.prefix),
        badge=STATES[state],
        granted=granted,
        created=moment(key.created_at, now),
        used=None if key.last_used_at is None else moment(key.last_used_at, now),
        expires=None if key.expires_at is None else moment(key.expires_at, now),
        is_active=state == "active",
    )


def audit_row(entry: AuditEntry, *, now: datetime) -> AuditRow:
    """Return one line of the audit log."""
    details = ", ".join(f"{name}: {value}" for name, value in entry.details.items())
    return AuditRow(
        id=entry.id,
        at=moment(entry.at, now),
        who=visible(entry.actor_name),
        action=visible(entry.action),
        target=visible(entry.target),
        sender=visible(entry.remote_address or UNKNOWN),
        details=shortened(visible(details), LONGEST_DETAIL),
    )
