"""Sources whose secret a handshake may bring: what is awaited, what came, what to do. Floor 8."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from smart_api_integrations.core.captured_key import CapturedKey
from smart_api_integrations.core.inbound_webhook import InboundWebhook
from smart_api_integrations.dashboard.views import words
from smart_api_integrations.dashboard.views.measures import Moment, moment
from smart_api_integrations.dashboard.views.sources import way_in
from smart_api_integrations.dashboard.views.visible import visible
from smart_api_integrations.dashboard.views.words import Badge, Source

AWAITED = Badge(tone="wait", icon="clock", word="Awaited")
CAPTURED = Badge(tone="ok", icon="shield-ok", word="Captured")


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

    @property
    def key(self) -> tuple[str, str]:
        """Its provider and its name."""
        return self.source.provider, self.source.name


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
