"""A journal with something of everything in it, for pages and answers to be made of."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from smart_api_integrations.application.identifiers import ulids
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.journal import (
    Attempt,
    AttemptStatus,
    Claim,
    Message,
    NewHandling,
    Outcome,
    Proof,
    ReceivedEvent,
    Rejection,
)
from smart_api_integrations.core.lifecycle import ROADS, State
from smart_api_integrations.settings import Settings

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYq="
SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
TRACEBACK = """Traceback (most recent call last):
  File "shop/hooks/orders.py", line 41, in sync_invoice
    customer = payload["object"]["customer"]["id"]
KeyError: 'customer'
"""

new_id = ulids()


@asynccontextmanager
async def open_platform(folder: Path, **settings: Any) -> AsyncIterator[Platform]:
    """Open a platform on a new SQLite file, without running any work."""
    environ = {"GITHUB_WEBHOOK_SECRET": "a secret of more than sixteen characters"}
    platform = Platform(
        Settings(
            database_url=f"sqlite:///{folder}/webhooks.db", providers_dir=str(folder / "none"), **settings
        ),
        environ=environ,
    )
    await platform.open()
    try:
        yield platform
    finally:
        await platform.close()


def received(**values: Any) -> ReceivedEvent:
    """Return an event of GitHub's that verified."""
    given: dict[str, Any] = {
        "id": new_id("evt_"),
        "provider": "github",
        "webhook_name": "default",
        "event_type": "push",
        "event_id": new_id("0b9a6a3e-"),
        "path": "/webhooks/github",
        "headers": (
            ("Content-Type", "application/json"),
            ("X-GitHub-Event", "push"),
            ("X-Hub-Signature-256", SIGNATURE),
        ),
        "body": b'{"ref":"refs/heads/main","forced":false,"size":3,"commits":[]}',
        "remote_address": "140.82.115.21",
        "received_at": datetime.now(UTC),
        "proof": Proof(
            scheme="hmac", algorithm="sha256", secret_name="GITHUB_WEBHOOK_SECRET", secrets_tried=1
        ),
        "dedupe_keys": (),
    } | values
    return ReceivedEvent(**given)


def rejected(**values: Any) -> Rejection:
    """Return a request whose signature did not match."""
    given: dict[str, Any] = {
        "id": new_id("rej_"),
        "provider": "github",
        "webhook_name": "deploys",
        "reason": "signature_mismatch",
        "detail": "No secret makes the signature that the request carries.",
        "status_code": 401,
        "remote_address": "140.82.115.21",
        "received_at": datetime.now(UTC),
        "facts": {"method": "POST", "headers": ["content-type", "x-hub-signature-256"], "bytes": 11812},
    } | values
    return Rejection(**given)


@dataclass(kw_only=True)
class Scene:
    """Writes what happens into a platform's journal, as receivers and workers would."""

    platform: Platform
    endpoints: list[Endpoint] = field(default_factory=list)

    async def endpoint(self, url: str, *events: str, **values: Any) -> Endpoint:
        """Keep an endpoint."""
        now = datetime.now(UTC)
        endpoint = Endpoint(
            id=new_id("ep_"),
            url=url,
            events=events or ("*",),
            secret=SECRET,
            created_at=now,
            updated_at=now,
            **values,
        )
        await self.platform.journal.endpoints.add(endpoint)
        self.endpoints.append(endpoint)
        return endpoint

    async def event(self, *handlers: str, max_attempts: int = 4, **values: Any) -> ReceivedEvent:
        """Keep an event with one handling for each of *handlers*."""
        event = received(**values)
        handlings = [
            NewHandling(handler=f"{event.provider}:{event.webhook_name}:{name}", max_attempts=max_attempts)
            for name in handlers
        ]
        await self.platform.journal.events.accept(event, handlings)
        return event

    async def message(self, event: str = "order.created", data: Any = None, **values: Any) -> Message:
        """Keep a message with its deliveries."""
        message_id = new_id("msg_")
        body = json.dumps(
            {"id": message_id, "event": event, "data": data if data is not None else {"order": 1}}
        )
        message = Message(
            id=message_id, event=event, body=body.encode(), created_at=datetime.now(UTC), **values
        )
        await self.platform.journal.messages.publish(message)
        return message

    async def claims(self) -> list[Claim]:
        """Lease everything that is due."""
        found = await self.platform.journal.work.claim(owner="scene", limit=100, lease=timedelta(minutes=1))
        return list(found)

    async def record(
        self,
        claim: Claim,
        state: State,
        *,
        wait: timedelta | None = None,
        messages: tuple[Message, ...] = (),
        **values: Any,
    ) -> None:
        """Write what became of a claim."""
        good = state in {State.COMPLETED, State.DELIVERED}
        attempt = Attempt(
            id=new_id("att_"),
            work_id=claim.work.id,
            kind=claim.work.kind,
            target=claim.work.target,
            subject_id=claim.work.subject_id,
            number=claim.work.attempt_count,
            status=AttemptStatus.SUCCEEDED if good else AttemptStatus.FAILED,
            started_at=datetime.now(UTC),
            **({"duration_ms": 84.2} | values),
        )
        await self.platform.journal.work.record(
            Outcome(work=claim.work, state=state, wait=wait, attempt=attempt, messages=messages)
        )

    async def succeed(self, claim: Claim, **values: Any) -> None:
        """Write that a claim ended well."""
        await self.record(claim, ROADS[claim.work.kind].done, **values)

    async def die(self, claim: Claim, **values: Any) -> None:
        """Write that a claim failed for the last time."""
        await self.record(claim, State.FAILED, **values)


SENT = {
    "webhook-id": "msg_1",
    "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    "content-type": "application/json",
}
PHASES = {"dns": 4.0, "tcp": 9.0, "tls": 31.0, "ttfb": 160.0, "body": 8.0}


async def everything(platform: Platform) -> dict[str, str]:
    """Fill the journal; return the ids of what is worth a look by what it is."""
    scene = Scene(platform=platform)
    crm = await scene.endpoint("https://crm.northwind.example/hooks", "payment.*")
    slack = await scene.endpoint(
        "https://hooks.slack.com/services/T02AB12CD/B07XY34ZQ/k3YsT0nEoFmAnYmOrE12",
        "payment.*",
        description="Team",
    )
    down = await scene.endpoint(
        "https://api.warehouse.example/v2/events", "*", headers={"X-API-Key": "k" * 30}
    )
    off = await scene.endpoint("https://old.proseware.example/hook", "order.*", active=False)

    quiet = await scene.event(event_type="star", action="created")
    traced = await scene.event(
        "billing.record_payment",
        "orders.sync_invoice",
        event_type="pull_request",
        action="opened",
        occurred_at=datetime.now(UTC) - timedelta(seconds=1),
    )
    for claim in await scene.claims():
        if claim.work.target.endswith("record_payment"):
            paid = Message(
                id=new_id("msg_"),
                event="payment.completed",
                body=b'{"amount":4900,"currency":"eur"}',
                created_at=datetime.now(UTC),
                event_id=traced.id,
                handler=claim.work.target,
            )
            await scene.succeed(claim, result='{"recorded": true}', messages=(paid,))
        else:
            await scene.record(
                claim,
                State.RETRY_SCHEDULED,
                wait=timedelta(0),
                error_code="raised",
                error_message="KeyError: 'customer'",
                error_detail=TRACEBACK,
                duration_ms=1810.0,
            )
    for claim in await scene.claims():
        if claim.endpoint is None:
            await scene.record(
                claim,
                State.RETRY_SCHEDULED,
                wait=timedelta(minutes=5),
                error_code="raised",
                error_message="KeyError: 'customer'",
                error_detail=TRACEBACK,
                duration_ms=1740.0,
            )
        elif claim.endpoint.id == down.id:
            await scene.record(
                claim,
                State.RETRY_SCHEDULED,
                wait=timedelta(minutes=2),
                error_code="http_status",
                error_message="It answered 503.",
                response_code=503,
                response_headers={"server": "nginx"},
                response_body='{"error":"maintenance","until":null}',
                request_headers=SENT,
                phases=PHASES | {"ttfb": 384.0},
                duration_ms=448.0,
            )
        else:
            await scene.succeed(
                claim,
                response_code=200,
                response_body="ok",
                request_headers=SENT,
                phases=PHASES,
                duration_ms=212.0,
            )

    dead = await scene.event("orders.fulfil", max_attempts=1, event_type="orders/paid", provider="shopify")
    sent = await scene.message("payment.refunded", {"note": "made by our own code"})
    for claim in await scene.claims():
        if claim.event is not None:
            await scene.die(
                claim,
                error_code="raised",
                error_message="TimeoutError: the warehouse did not answer",
                error_detail=TRACEBACK,
            )
        elif claim.endpoint is not None and claim.endpoint.id == down.id:
            await scene.die(
                claim,
                error_code="timeout",
                error_message="It did not answer within 15 s.",
                request_headers=SENT,
                phases={"dns": 2.0, "tcp": 11.0},
                duration_ms=15000.0,
            )
        else:
            await scene.succeed(
                claim, response_code=200, phases={"ttfb": 64.0, "body": 2.0}, duration_ms=66.0
            )
    waiting = await scene.event("orders.later", event_type="issues", action="closed")
    repeat = received(event_type="ping", dedupe_keys=(b"the same one",))
    await platform.journal.events.accept(repeat, [])
    await platform.journal.events.accept(replace(repeat, id=new_id("evt_")), [])
    rejections = [
        rejected(),
        rejected(sampled=36),
        rejected(
            reason="timestamp_too_old",
            provider="slack",
            webhook_name="default",
            detail="The request was signed 412 s ago; the limit is 300 s.",
        ),
        rejected(
            provider="-",
            webhook_name="-",
            reason="unknown_webhook",
            status_code=404,
            facts={"method": "GET", "headers": []},
            detail="No webhook is known under this address.",
        ),
    ]
    await platform.journal.events.log_rejections(rejections)
    return {
        "event": traced.id,
        "quiet": quiet.id,
        "dead": dead.id,
        "waiting": waiting.id,
        "message": sent.id,
        "repeat": repeat.id,
        "rejection": rejections[0].id,
        "unknown": rejections[3].id,
        "late": rejections[2].id,
        "endpoint": down.id,
        "healthy": crm.id,
        "slack": slack.id,
        "off": off.id,
    }
