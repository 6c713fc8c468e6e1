"""The handlers of ``webhooks demo``: some do well, some are slow, some fail. Floor 10."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Any

from smart_api_integrations.core.webhook_schema import WebhookEvent
from smart_api_integrations.errors import Dead
from smart_api_integrations.webhooks import webhook_handler

SLOW_SECONDS = 1.2


def register_demo_handlers(dice: random.Random) -> None:
    """Register them in this process.

    *dice* decide which runs fail.
    """

    @webhook_handler("stripe", "*", name="billing.record_payment")
    def record_payment(event: WebhookEvent) -> Mapping[str, Any]:
        published = {"type": "payment.completed", "data": {"event": event.event_id}}
        return {"recorded": True, "events": [published] if "paid" in str(event.type) else []}

    @webhook_handler("github", "push", name="deploys.start")
    async def start_deploy(event: WebhookEvent) -> Mapping[str, Any]:
        return {"ref": event.payload.get("ref")}

    @webhook_handler("github", "*", name="search.reindex", concurrency=2)
    async def reindex(event: WebhookEvent) -> Mapping[str, Any]:
        await asyncio.sleep(SLOW_SECONDS * dice.random())
        return {"indexed": event.type}

    @webhook_handler("shopify", "orders/*", name="orders.sync", retries=1)
    def sync_order(event: WebhookEvent) -> Mapping[str, Any]:
        if dice.random() < 0.25:
            raise KeyError("customer")  # noqa: EM101 - what a handler really raises
        return {"synced": True, "events": [{"type": "order.created", "data": {"id": event.event_id}}]}

    @webhook_handler("shopify", "customers/*", name="crm.copy_customer", retries=1)
    def copy_customer(_event: WebhookEvent) -> None:
        message = "The CRM knows no such field: loyalty_tier"
        raise Dead(message)

    @webhook_handler("slack", "*", name="chat.answer")
    async def answer(_event: WebhookEvent) -> None:
        await asyncio.sleep(0.05)
