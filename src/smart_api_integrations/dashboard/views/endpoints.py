"""Endpoints as a list and as a page: their state with its reason, and what their attempts say. Floor 8."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from smart_api_integrations.core.credentials import BASIC
from smart_api_integrations.core.ed25519_keys import is_private_key, public_key
from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.journal import AttemptStatistics
from smart_api_integrations.core.masking import MASK, is_sensitive, masked_secret
from smart_api_integrations.dashboard.views import words
from smart_api_integrations.dashboard.views.measures import (
    UNKNOWN,
    Moment,
    duration,
    moment,
    number,
    plural,
    share,
    span,
)
from smart_api_integrations.dashboard.views.visible import visible
from smart_api_integrations.dashboard.views.words import Badge

# Of the attempts of the last day: below the first an endpoint fails, below the second it is degraded.
FAILING_BELOW = 0.5
DEGRADED_BELOW = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRow:
    """One line of the list of endpoints, over the last day."""

    id: str
    address: str
    patterns: str
    description: str
    badge: Badge
    why: str
    delivered: str
    attempts: str
    mean: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointPage:
    """Everything on the page of an endpoint but its deliveries."""

    row: EndpointRow
    created: Moment
    is_active: bool
    day: AttemptStatistics
    whole: AttemptStatistics
    whole_delivered: str
    settings: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]


def endpoint_state(endpoint: Endpoint, day: AttemptStatistics) -> tuple[Badge, str]:
    """Return the state of an endpoint by its attempts of the last day, and why it is so."""
    if not endpoint.active:
        return words.SWITCHED_OFF, "gets nothing new"
    if not day.total_attempts:
        return words.ACTIVE, "nothing sent in 24 h"
    rate = day.successful / day.total_attempts
    if rate < FAILING_BELOW:
        return words.FAILING, f"{plural(day.failed, 'failed attempt')} in 24 h"
    if rate < DEGRADED_BELOW:
        return words.DEGRADED, f"{plural(day.failed, 'failed attempt')} in 24 h"
    return words.ACTIVE, ""


def endpoint_row(endpoint: Endpoint, day: AttemptStatistics) -> EndpointRow:
    """Return the line of one endpoint."""
    badge, why = endpoint_state(endpoint, day)
    delivered = share(day.successful, day.total_attempts)
    return EndpointRow(
        id=endpoint.id,
        address=visible(words.address(endpoint)),
        patterns=visible(", ".join(endpoint.events)),
        description=visible(endpoint.description),
        badge=badge,
        why=why,
        delivered=delivered,
        attempts=number(day.total_attempts),
        mean=duration(day.avg_duration_ms) if day.total_attempts else UNKNOWN,
    )


def endpoint_page(
    endpoint: Endpoint, *, day: AttemptStatistics, whole: AttemptStatistics, now: datetime
) -> EndpointPage:
    """Return the page of one endpoint."""
    return EndpointPage(
        row=endpoint_row(endpoint, day),
        created=moment(endpoint.created_at, now),
        is_active=endpoint.active,
        day=day,
        whole=whole,
        whole_delivered=share(whole.successful, whole.total_attempts),
        settings=_settings(endpoint, now),
        headers=tuple(
            (visible(name), MASK if is_sensitive(name) else visible(value))
            for name, value in endpoint.headers.items()
        ),
    )


def _settings(endpoint: Endpoint, now: datetime) -> tuple[tuple[str, str], ...]:
    return (
        ("Types", visible(", ".join(endpoint.events))),
        *((("Filter", visible(endpoint.filter)),) if endpoint.filter else ()),
        *((("Transformation", visible(endpoint.transformation)),) if endpoint.transformation else ()),
        ("Secret", _secret(endpoint.secret)),
        *(
            ("Old secret", f"{_secret(old.secret)}, signs until {old.expires_at:%Y-%m-%d %H:%M} UTC")
            for old in endpoint.grace_at(now)
        ),
        ("Signed as", _signed_as(endpoint.secret)),
        ("Authorization", _authorization(endpoint)),
        ("Schedule", _schedule(endpoint)),
        ("Time limit", f"{span(endpoint.timeout)} for one attempt"),
        ("Tenant", visible(endpoint.tenant)),
    )


def _secret(secret: str) -> str:
    """Return what names a secret; of a key pair also the half that receivers verify with."""
    public = f", public key {public_key(secret)}" if is_private_key(secret) else ""
    return masked_secret(secret) + public


def _signed_as(secret: str) -> str:
    if is_private_key(secret):
        return "Standard Webhooks with Ed25519 (v1a)"
    return "Standard Webhooks, and X-Webhook-Signature"


def _authorization(endpoint: Endpoint) -> str:
    if endpoint.auth is None:
        return "none"
    if endpoint.auth.kind == BASIC:
        return f"Basic, {visible(endpoint.auth.username)} with {MASK}"
    return f"Bearer {MASK}"


def _schedule(endpoint: Endpoint) -> str:
    waits = endpoint.schedule.waits
    if not waits:
        return "one attempt, then dead letter"
    shown = ", ".join(span(wait, parts=1) if wait >= timedelta(seconds=1) else "at once" for wait in waits)
    return f"{shown}, then dead letter"
