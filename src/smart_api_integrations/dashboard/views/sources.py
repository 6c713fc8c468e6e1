"""The ways in: mounted ones with their address, others with the variable that they wait for. Floor 8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from smart_api_integrations.core.captured_key import CapturedKey
from smart_api_integrations.core.inbound_webhook import InboundWebhook
from smart_api_integrations.core.journal import EventSummary
from smart_api_integrations.dashboard.views import words
from smart_api_integrations.dashboard.views.measures import Moment, moment
from smart_api_integrations.dashboard.views.visible import visible
from smart_api_integrations.dashboard.views.words import Badge, Source

NEVER = Badge(tone="idle", icon="clock", word="Never verified")
AWAITED = Badge(tone="wait", icon="clock", word="Awaited")
CAPTURED = Badge(tone="ok", icon="shield-ok", word="Captured")
VERIFIED = Badge(tone="ok", icon="shield-ok", word="Verified")


@dataclass(frozen=True, slots=True, kw_only=True)
class HandshakeRow:
    """A webhook whose secret a handshake may bring: what is awaited, what came, and what to do.

    Attributes:
        is_awaited: Whether the next handshake may bring one.
        until: Until when.
        came: When each of those that are used came, and where from; the newest first.
        path: Where the form that awaits one is sent.
        command: The same on the command line.
    """

    source: Source
    badge: Badge
    variable: str
    is_awaited: bool
    until: Moment | None
    came: tuple[tuple[Moment, str], ...]
    url: str
    path: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """One way in: mounted with its address, or not with the variable that is missing."""

    source: Source
    badge: Badge
    last: Moment | None = None
    url: str = ""
    documentation: str = ""
    missing: str = ""
    handlers: int = 0


def way_in(webhook: InboundWebhook) -> str:
    """Return the path of a webhook: its own, else the one that every webhook has."""
    if webhook.path:
        return webhook.path
    tail = "" if webhook.name == "default" else f"/{webhook.name}"
    return f"/webhooks/{webhook.provider}{tail}"


def mounted_row(
    webhook: InboundWebhook, *, base: str, newest: EventSummary | None, handlers: int, now: datetime
) -> SourceRow:
    """Return the line of a mounted webhook; *newest* is its provider's newest event."""
    return SourceRow(
        source=words.source(webhook.provider, webhook.name),
        badge=NEVER if newest is None else VERIFIED,
        last=None if newest is None else moment(newest.received_at, now),
        url=base + way_in(webhook),
        documentation=webhook.documentation or "",
        handlers=handlers,
    )


def handshake_row(
    webhook: InboundWebhook, keys: Sequence[CapturedKey], *, variable: str, base: str, now: datetime
) -> HandshakeRow:
    """Return the line of a webhook whose secret a handshake may bring; *keys* are its own, newest first."""
    awaited = next((key for key in keys if key.is_awaited(now)), None)
    came = [(key.captured_at, key.remote_address) for key in keys if key.captured_at is not None]
    option = "" if webhook.name == "default" else f" --webhook {webhook.name}"
    return HandshakeRow(
        source=words.source(webhook.provider, webhook.name),
        badge=AWAITED if awaited else CAPTURED if came else words.NOT_MOUNTED,
        variable=variable,
        is_awaited=awaited is not None,
        until=None if awaited is None else moment(awaited.awaited_until, now),
        came=tuple((moment(at, now), visible(address or "an unknown address")) for at, address in came),
        url=base + way_in(webhook),
        path=f"/sources/{webhook.provider}/{webhook.name}/captured-keys",
        command=f"webhooks captured-keys await {webhook.provider}{option}",
    )


def unmounted_rows(unmounted: Mapping[tuple[str, str], str]) -> tuple[SourceRow, ...]:
    """Return the lines of the webhooks that wait for a variable, by name."""
    return tuple(
        SourceRow(source=words.source(provider, name), badge=words.NOT_MOUNTED, missing=visible(variable))
        for (provider, name), variable in sorted(unmounted.items())
    )
