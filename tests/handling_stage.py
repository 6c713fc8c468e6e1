"""Where handlers are run as a worker runs them, one claim after the other."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.journal import Claim, Outcome
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.receive.handling import HandlerRunner, Surroundings
from smart_api_integrations.receive.threads import HandlerThreads
from tests.github_requests import incoming

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Stage:
    """Takes events in through the gateway and runs what is due, as a worker would."""

    def __init__(self, platform: Platform, threads: HandlerThreads) -> None:
        self.platform = platform
        self._numbers = itertools.count(1)
        self.runner = HandlerRunner(
            registry=get_webhook_registry(),
            webhooks=platform.webhooks,
            surroundings=Surroundings(
                now=lambda: NOON,
                new_id=lambda prefix: f"{prefix}{next(self._numbers):026d}",
                random=lambda: 0.5,
                threads=threads,
            ),
            default_timeout=timedelta(seconds=20),
        )

    async def receive(self, payload: Any = None, event: str = "push") -> str:
        request = incoming(payload, event=event, delivery=f"delivery-{next(self._numbers)}")
        answer = await self.platform.gateway.accept(request, "github")
        assert answer.status == 200
        return str(json.loads(answer.body)["id"])

    async def claims(self) -> list[Claim]:
        return list(
            await self.platform.journal.work.claim(owner="stage", limit=100, lease=timedelta(minutes=1))
        )

    async def run(self) -> list[Outcome]:
        """Run and record whatever is due."""
        outcomes = [await self.runner.run(claim) for claim in await self.claims()]
        for outcome in outcomes:
            assert not (await self.platform.journal.work.record(outcome)).stale
        return outcomes

    async def handle(self, payload: Any = None, event: str = "push") -> Outcome:
        """Receive one event and run its one handling."""
        await self.receive(payload, event)
        (outcome,) = await self.run()
        return outcome
