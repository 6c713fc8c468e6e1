"""A rehearsal: one request in this process, from its signature to its handlers' results. Floor 7.

It is the platform itself, on a database that is made for the purpose and thrown away: what happens here is
what happens on a server. Nothing is delivered, for there are no endpoints; no handler is run a second time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.application.trying import address_let_in, readable
from smart_api_integrations.core.journal import Outcome
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.core.webhook import ROUTING
from smart_api_integrations.core.webhook_schema import RawRequest
from smart_api_integrations.providers.samples import EXAMPLE_URL
from smart_api_integrations.receive.published_keys import FindKey
from smart_api_integrations.settings import Settings
from smart_api_integrations.telemetry import AttemptFinished, EventAccepted, EventRejected

_GRACE_SECONDS = 5.0
_SUCCEEDED = frozenset({State.COMPLETED, State.SKIPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What became of a request.

    Attributes:
        status: The answer's status.
        answer: What the sender would have got.
        reason: Why it was refused, as a word and a sentence; empty where it was accepted.
        outcomes: How each handler's first run ended.
    """

    status: int
    answer: Any
    reason: str
    outcomes: tuple[Outcome, ...]

    @property
    def succeeded(self) -> bool:
        """Whether it was accepted and no handler failed."""
        return self.status < 300 and all(outcome.state in _SUCCEEDED for outcome in self.outcomes)

    @property
    def results(self) -> Mapping[str, Any]:
        """What each handler returned, by its name without provider and webhook: ``module.qualname``."""
        return {outcome.work.target.split(":", 2)[-1]: _returned(outcome) for outcome in self.outcomes}

    @property
    def published(self) -> tuple[str, ...]:
        """The types of the messages that the handlers' results publish."""
        return tuple(message.event for outcome in self.outcomes for message in outcome.messages)

    def as_json(self) -> dict[str, Any]:
        """Return it as values for JSON."""
        handlers = [_outcome(outcome) for outcome in self.outcomes]
        return {"status": self.status, "answer": self.answer, "reason": self.reason, "handlers": handlers}


async def rehearse(
    request: RawRequest,
    settings: Settings,
    environ: Mapping[str, str],
    *,
    provider: str,
    webhook: str,
    find_key: FindKey | None = None,
) -> Rehearsal:
    """Take *request* and run every handler on it once.

    *find_key* stands for the network, where the provider's key would be fetched.

    Raises:
        ConfigurationError: The configuration cannot be used.
    """
    with TemporaryDirectory(prefix="webhooks-") as folder:
        own = settings.model_copy(
            update={
                "database_url": f"sqlite:///{Path(folder) / 'webhooks.db'}",
                "public_url": settings.public_url or EXAMPLE_URL,
                "roles": ("gateway", "worker"),
                "broker_url": None,  # what is rehearsed did not happen
                "internal_events": "never",
                "shutdown_seconds": 0.0,
            }
        )
        platform = Platform(own, environ=environ, find_key=find_key)
        await platform.open()
        try:
            way = platform.webhooks.get((provider, webhook))
            if way is not None and request.remote_address is None:
                request = replace(request, remote_address=address_let_in(way))
            return await _taken(platform, request, provider, webhook)
        finally:
            await platform.close()


async def _taken(platform: Platform, request: RawRequest, provider: str, webhook: str) -> Rehearsal:
    watch = _Watch(platform)
    await platform.start_work()
    answer = await platform.gateway.accept_whole(
        request, provider, webhook, received=tuple(request.headers.items())
    )
    seconds = platform.settings.handler_timeout_seconds
    names = await _handlers(platform, watch)
    outcomes = await watch.outcomes(names, seconds=seconds)
    while len(names) < len(names := await _handlers(platform, watch)):  # the middleware brought some in
        outcomes = await watch.outcomes(names, seconds=seconds)
    return Rehearsal(
        status=answer.status,
        answer=readable(answer.body),
        reason=watch.reason,
        outcomes=tuple(outcome for outcome in outcomes if not _only_routed(outcome)),
    )


async def _handlers(platform: Platform, watch: _Watch) -> list[str]:
    """Return the names of the handlers that what was kept goes to."""
    traces = [await platform.journal.events.trace(event_id) for event_id in watch.event_ids]
    return [work.target for trace in traces if trace is not None for work in trace.handlings]


def _only_routed(outcome: Outcome) -> bool:
    """Tell whether no handler ran, only the middleware, and that well."""
    well = outcome.state in {State.COMPLETED, State.NO_HANDLER}
    return well and outcome.work.target.endswith(f":{ROUTING}")


class _Watch:
    """Hears what was kept, why a request was refused, and how handlers' first runs ended."""

    def __init__(self, platform: Platform) -> None:
        self.reason = ""
        self.event_ids: list[str] = []
        self._outcomes: dict[str, Outcome] = {}
        self._changed = asyncio.Event()
        platform.telemetry.subscribe(EventAccepted, self._accepted)
        platform.telemetry.subscribe(EventRejected, self._refused)
        platform.telemetry.subscribe(AttemptFinished, self._finished)

    async def outcomes(self, names: list[str], *, seconds: float) -> tuple[Outcome, ...]:
        """Wait for one outcome of each handler in *names*; a handler's own time limit ends its run."""
        async with asyncio.timeout(seconds + _GRACE_SECONDS):
            while len(self._outcomes) < len(names):
                self._changed.clear()
                await self._changed.wait()
        return tuple(self._outcomes.values())

    def _accepted(self, told: EventAccepted) -> None:
        self.event_ids.append(told.event.id)

    def _refused(self, told: EventRejected) -> None:
        self.reason = f"{told.rejection.reason}: {told.rejection.detail}"

    def _finished(self, told: AttemptFinished) -> None:
        self._outcomes.setdefault(told.outcome.work.id, told.outcome)
        self._changed.set()


def _outcome(outcome: Outcome) -> dict[str, Any]:
    attempt = outcome.attempt
    return {
        "handler": outcome.work.target,
        "state": outcome.state,
        "duration_ms": round(attempt.duration_ms, 1),
        "result": _returned(outcome),
        "error": attempt.error_message,
        "published": [message.event for message in outcome.messages],
    }


def _returned(outcome: Outcome) -> Any:
    return None if outcome.attempt.result is None else json.loads(outcome.attempt.result)
