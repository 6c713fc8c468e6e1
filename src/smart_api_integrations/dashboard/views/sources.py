"""The ways in: mounted ones with their address, others with the variable that they wait for. Floor 8."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from smart_api_integrations.core.inbound_webhook import InboundWebhook
from smart_api_integrations.core.journal import EventSummary
from smart_api_integrations.dashboard.views import words
from smart_api_integrations.dashboard.views.measures import Moment, moment
from smart_api_integrations.dashboard.views.visible import visible
from smart_api_integrations.dashboard.views.words import Badge, Source

NEVER = Badge(tone="idle", icon="clock", word="Never verified")
VERIFIED = Badge(tone="ok", icon="shield-ok", word="Verified")


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


def unmounted_rows(unmounted: Mapping[tuple[str, str], str]) -> tuple[SourceRow, ...]:
    """Return the lines of the webhooks that wait for a variable, by name."""
    return tuple(
        SourceRow(source=words.source(provider, name), badge=words.NOT_MOUNTED, missing=visible(variable))
        for (provider, name), variable in sorted(unmounted.items())
    )
