"""What ``webhooks demo`` plays: signed requests of several senders, and some that are wrong. Floor 10."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.cli.sending import send_one
from smart_api_integrations.core.webhook_schema import RawRequest
from smart_api_integrations.errors import DeliveryError
from smart_api_integrations.network.http_transport import HttpTransport
from smart_api_integrations.providers.catalogue import Catalogue
from smart_api_integrations.providers.samples import known_events, signed_request

SENDERS = ("github", "stripe", "shopify", "slack", "gitlab", "linear", "sentry", "typeform")
"""Those whose secret is one shared text, so that one that is made will do."""

SHARES: Mapping[str, int] = {
    "good": 62, "publish": 14, "forged": 8, "repeat": 6, "stale": 4, "broken": 3, "unknown": 3,
}  # fmt: skip
"""Of a hundred: how many are what."""

PUBLISHED = ("order.created", "order.shipped", "invoice.sent", "customer.updated")
ENDPOINTS: tuple[tuple[str, tuple[str, ...], Mapping[str, Any]], ...] = (
    ("/crm", ("order.*", "customer.*"), {"description": "Customer records"}),
    ("/warehouse", ("order.*",), {"description": "Picking and packing", "retry_schedule": [2, 4, 8]}),
    ("/reports", ("*",), {"description": "Monthly reports, slow", "concurrency": 2}),
    ("/legacy", ("invoice.*", "payment.*"), {"description": "The old system", "retry_schedule": [1, 2]}),
)
OLD = timedelta(hours=1)
SETTLE_SECONDS = 20.0


class Player:
    """Plays to one server."""

    def __init__(self, platform: Platform, catalogue: Catalogue, *, url: str, dice: random.Random) -> None:
        """Send to *url*, where *platform* answers; *catalogue* holds the secrets to sign with."""
        self._platform = platform
        self._sources = [catalogue.source(name, "default") for name in SENDERS]
        self._url = url
        self._dice = dice
        self._last: RawRequest | None = None
        self.played: Counter[str] = Counter()

    async def add_endpoints(self, sink: str) -> None:
        """Register the endpoints at *sink*."""
        for path, events, options in ENDPOINTS:
            await self._platform.endpoints.register(sink + path, events, allow_http=True, **options)

    async def play(self, transport: HttpTransport, *, events: int, rate: float) -> None:
        """Play *events* of them, about *rate* a second: each kind once at first, then by the dice."""
        kinds = list(SHARES)
        for number in range(events):
            kind = kinds[number] if number < len(kinds) else self._dice.choices(kinds, [*SHARES.values()])[0]
            self.played[await self._play_one(transport, kind)] += 1
            await asyncio.sleep(self._dice.expovariate(rate))

    async def settle(self) -> None:
        """Wait until nothing waits or runs, but not for what is tried again much later."""
        work, clock = self._platform.journal.work, asyncio.get_running_loop().time
        ends_at = clock() + SETTLE_SECONDS
        while clock() < ends_at:
            backlog = await work.backlog()
            if not backlog.waiting and not backlog.running:
                return
            await asyncio.sleep(0.2)

    async def summary(self) -> dict[str, int]:
        """Return what was played, and what became of it."""
        journal = self._platform.journal
        points = await journal.events.traffic(since=timedelta(hours=1), step=timedelta(hours=1))
        names = (
            "accepted",
            "duplicate",
            "rejected",
            "handled",
            "handling_failed",
            "delivered",
            "delivery_failed",
        )
        sums = {name: sum(getattr(point, name) for point in points) for name in names}
        backlog = await journal.work.backlog()
        return {"played": self.played.total(), **sums, "dead_letters": backlog.dead}

    async def _play_one(self, transport: HttpTransport, kind: str) -> str:
        if kind == "publish":
            event = self._dice.choice(PUBLISHED)
            await self._platform.publish(event, {"number": self._dice.randrange(1000, 9999)})
            return kind
        try:
            await send_one(transport, request := self._request(kind), self._url + request.path)
        except DeliveryError:
            return "lost"  # the server is stopping
        if kind == "good":
            self._last = request
        return kind

    def _request(self, kind: str) -> RawRequest:
        """Return a request of one kind."""
        if kind == "repeat" and self._last is not None:
            return self._last
        now = datetime.now(UTC) - (OLD if kind == "stale" else timedelta(0))
        # Only some senders sign the time, and only their old requests are refused for it.
        names = {"stale": ("stripe", "slack", "linear")}.get(kind)
        sources = [each for each in self._sources if names is None or each.key[0] in names]
        source = self._dice.choice(sources)
        request = signed_request(
            source,
            self._dice.choice(known_events(source)),
            now=now,
            delivery_id=f"demo_{secrets.token_hex(10)}",
            secret=secrets.token_hex(32) if kind == "forged" else None,
        )
        if kind == "broken":
            return RawRequest(path=request.path, headers=request.headers, body=request.body[:-3])
        if kind == "unknown":
            return RawRequest(path="/webhooks/nobody", headers=request.headers, body=request.body)
        return request
