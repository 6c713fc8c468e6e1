"""Stripe in a FastAPI application with a store: answered once the event is kept, handled after that.

export STRIPE_WEBHOOK_SECRET=whsec_…
uvicorn fastapi_app:app
"""

from __future__ import annotations

import os
from typing import Annotated

from fastapi import Depends, FastAPI

from smart_api_integrations import Retry, Webhooks
from smart_api_integrations.frameworks.fastapi import register_webhook_routes, verified
from smart_api_integrations.webhooks import WebhookEvent, webhook_handler

webhooks = Webhooks(database_url=os.environ.get("WEBHOOKS_DATABASE_URL", "sqlite:///webhooks.db"))
app = FastAPI()
register_webhook_routes(app, webhooks=webhooks)

paid: dict[str, int] = {}


@webhook_handler(
    "stripe", "payment_intent.succeeded", retries=5, timeout=10, ordering_key="data.object.customer"
)
async def on_payment(event: WebhookEvent) -> dict[str, object]:
    """Book a payment once, and tell everybody who subscribed to ``payment.completed``."""
    payment = event.payload["data"]["object"]
    if payment["amount"] == 0 and event.attempt == 1:
        raise Retry("the amount is not there yet", after=60)
    paid[payment["id"]] = payment["amount"]
    return {"events": [{"type": "payment.completed", "data": {"payment": payment["id"]}}]}


@app.post("/my/own/stripe")
async def own_route(event: Annotated[WebhookEvent, Depends(verified("stripe"))]) -> dict[str, str | None]:
    """Take a verified event in a route of your own, without keeping it."""
    return {"type": event.type}
