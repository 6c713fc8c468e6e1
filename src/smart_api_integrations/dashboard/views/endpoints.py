"""Endpoints as a list and as a page: their state with its reason, and what their attempts say. Floor 8."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from smart_api_integrations.core.credentials import BASIC
from smart_api_integrations.core.ed25519_keys import is_private_key, public_key
from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.gate import Gate
from smart_api_integrations.core.journal import Attempt, AttemptStatistics, AttemptStatus
from smart_api_integrations.core.masking import MASK, is_sensitive, masked_secret
from smart_api_integrations.dashboard.views import words
from smart_api_integrations.dashboard.views.gates import GateView
from smart_api_integrations.dashboard.views.measures import (
    UNKNOWN,
    Moment,
    clock,
    duration,
    moment,
    number,
    plural,
    share,
    span,
)
from smart_api_integrations.dashboard.views.payload import headers_view, text_view
from smart_api_integrations.dashboard.views.visible import visible
from smart_api_integrations.dashboard.views.wire import Wire, wire
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
    waiting: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerStep:
    """One of the three states of a breaker, and what it says of it."""

    icon: str
    name: str
    said: str
    is_now: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What became of a test.

    Attributes:
        title: The result as a sentence.
        took: How long it took.
        chip: The answer's status, or that there was none.
        error: What went wrong; empty where nothing did.
        body: The answer's body, for people.
        headers: The answer's headers.
        sent: The headers that we sent.
    """

    tone: str
    icon: str
    title: str
    took: str
    chip: str
    error: str
    body: str
    headers: tuple[tuple[str, str], ...]
    sent: tuple[tuple[str, str], ...]
    wire: Wire | None


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
    secrets: tuple[tuple[str, str], ...]
    gate: GateView
    breaker: tuple[BreakerStep, ...]
    off_title: str
    off_text: str
    host: str


def endpoint_state(endpoint: Endpoint, day: AttemptStatistics, gate: GateView) -> tuple[Badge, str]:
    """Return the state of an endpoint by what holds it back and its attempts of a day, and why it is so."""
    if not endpoint.active:
        why = _OFF[endpoint.disabled_reason][0]
        return (words.SWITCHED_OFF if endpoint.disabled_reason is None else words.DISABLED), why
    if gate.badge is not None:
        return gate.badge, gate.title
    if not day.total_attempts:
        return words.ACTIVE, "nothing sent in 24 h"
    rate = day.successful / day.total_attempts
    if rate < FAILING_BELOW:
        return words.FAILING, f"{plural(day.failed, 'failed attempt')} in 24 h"
    if rate < DEGRADED_BELOW:
        return words.DEGRADED, f"{plural(day.failed, 'failed attempt')} in 24 h"
    return words.ACTIVE, ""


def endpoint_row(endpoint: Endpoint, day: AttemptStatistics, gate: GateView) -> EndpointRow:
    """Return the line of one endpoint."""
    badge, why = endpoint_state(endpoint, day, gate)
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
        waiting=gate.waiting,
    )


def endpoint_page(
    endpoint: Endpoint,
    *,
    day: AttemptStatistics,
    whole: AttemptStatistics,
    now: datetime,
    gate: GateView,
    breaker: Gate | None,
) -> EndpointPage:
    """Return the page of one endpoint; *breaker* is the gate itself, for its breaker."""
    off_title, off_text = _OFF[endpoint.disabled_reason]
    return EndpointPage(
        row=endpoint_row(endpoint, day, gate),
        created=moment(endpoint.created_at, now),
        is_active=endpoint.active,
        day=day,
        whole=whole,
        whole_delivered=share(whole.successful, whole.total_attempts),
        settings=_settings(endpoint),
        headers=tuple(
            (visible(name), MASK if is_sensitive(name) else visible(value))
            for name, value in endpoint.headers.items()
        ),
        secrets=_secrets(endpoint, now),
        gate=gate,
        breaker=_breaker(breaker, now),
        off_title=f"{off_title[:1].upper()}{off_title[1:]}",
        off_text=off_text,
        host=words.address(endpoint).partition("/")[0],
    )


_NOTHING_NEW = (
    "It gets no new messages. What is published meanwhile is not kept for it; deliveries that were made "
    "before go on."
)
_WAITS = "What waits for it waits on, and is delivered or skipped when you switch it on again."
# What switched an endpoint off, in short and in a sentence.
_OFF: Mapping[str | None, tuple[str, str]] = {
    None: ("switched off by a person", _NOTHING_NEW),
    "gone": (
        "switched off: it said that it is gone",
        f"It answered 410, so nothing more is sent to it. {_WAITS}",
    ),
    "failing": (
        "switched off: it did nothing but fail for five days",
        f"Nothing more is sent to it. {_WAITS}",
    ),
}


def _breaker(gate: Gate | None, now: datetime) -> tuple[BreakerStep, ...]:
    is_open = gate is not None and gate.opened_at is not None
    probes = is_open and gate is not None and (gate.opens_at is None or gate.opens_at <= now)
    held = f"held since {clock(gate.opened_at).text}" if gate and gate.opened_at else "nothing is sent"
    probe = f"one probe at {clock(gate.opens_at).text}" if is_open and gate and gate.opens_at else "one probe"
    return (
        BreakerStep(icon="ok", name="Closed", said="everything is sent", is_now=not is_open),
        BreakerStep(icon="pause", name="Open", said=held, is_now=is_open and not probes),
        BreakerStep(icon="run", name="Half open", said=probe, is_now=bool(probes)),
    )


def trial(attempt: Attempt) -> Trial:
    """Return what became of a test."""
    good = attempt.status == AttemptStatus.SUCCEEDED
    code = attempt.response_code
    took = duration(attempt.duration_ms)
    answered = f"It answered {code}" if code is not None else "It did not answer"
    return Trial(
        tone="ok" if good else "bad",
        icon="ok" if good else "fail",
        title=f"{answered}, in {took}" if good else f"{answered}: this would not be delivered",
        took=took,
        chip="no answer" if code is None else str(code),
        error="" if good else visible(attempt.error_message or ""),
        body=text_view(attempt.response_body or ""),
        headers=headers_view((attempt.response_headers or {}).items()),
        sent=headers_view((attempt.request_headers or {}).items()),
        wire=wire(attempt.phases, scale=max(attempt.duration_ms, 1.0)),
    )


def _secrets(endpoint: Endpoint, now: datetime) -> tuple[tuple[str, str], ...]:
    return (
        ("Secret", _secret(endpoint.secret)),
        *(
            ("Old secret", f"{_secret(old.secret)}, signs until {old.expires_at:%Y-%m-%d %H:%M} UTC")
            for old in endpoint.grace_at(now)
        ),
        ("Signed as", _signed_as(endpoint.secret)),
        ("Authorization", _authorization(endpoint)),
    )


def _settings(endpoint: Endpoint) -> tuple[tuple[str, str], ...]:
    return (
        ("Types", visible(", ".join(endpoint.events))),
        *((("Filter", visible(endpoint.filter)),) if endpoint.filter else ()),
        *((("Transformation", visible(endpoint.transformation)),) if endpoint.transformation else ()),
        ("Schedule", _schedule(endpoint)),
        ("Limits", _limits(endpoint)),
        ("Tenant", visible(endpoint.tenant)),
    )


def _limits(endpoint: Endpoint) -> str:
    limits = [] if endpoint.rate_limit is None else [f"{endpoint.rate_limit:g} a second"]
    limits += [] if endpoint.concurrency is None else [f"{endpoint.concurrency} at once"]
    return ", ".join([*limits, f"{span(endpoint.timeout)} for one attempt"])


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
