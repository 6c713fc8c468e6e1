"""``/api/webhooks/test``: sending one event at once, to see whether it arrives. Floor 8."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from smart_api_integrations.api import representations
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.errors import InvalidInput, NotFound


class Test(BaseModel):
    """An event to send at once, to a URL or to a registered endpoint."""

    model_config = ConfigDict(extra="forbid")

    url: str | None = Field(None, examples=["https://example.com/webhook"])
    webhook_id: str | None = Field(None, description="Instead of a URL: with its secret and its headers.")
    event: Annotated[str, Field(max_length=256)] = "test.ping"
    data: Any = Field(default={}, examples=[{"test": True}])
    metadata: dict[str, Any] | None = None
    secret: str | None = Field(None, description="Signs it; made for this test where absent.")
    headers: dict[str, str] = {}
    timeout: float = Field(15, description="Seconds that it may take.")


def create_router(platform: Platform) -> APIRouter:
    """Return the route that tests through *platform*."""
    router = APIRouter(prefix="/webhooks", tags=["sending"])

    @router.post("/test")
    async def test_webhook(test: Test) -> dict[str, Any]:
        """Send one event now and say how it went; it is tried once, and nothing of it is kept.

        The answer is 200 whether or not it was delivered: `success` says so.
        """
        endpoint = await _tested(platform, test)
        attempt = await platform.try_endpoint(endpoint, test.event, test.data, test.metadata)
        return representations.test_of(endpoint, test.event, attempt)

    return router


async def _tested(platform: Platform, test: Test) -> Endpoint:
    if (test.url is None) == (test.webhook_id is None):
        message = "Name either a `url` or a `webhook_id` to test."
        raise InvalidInput(message)
    if test.webhook_id is not None:
        endpoint = await platform.journal.endpoints.endpoint(test.webhook_id)
        if endpoint is None:
            message = "No webhook has this id."
            raise NotFound(message)
        return endpoint
    return platform.endpoints.draft(
        test.url or "", ["*"], test.secret, headers=test.headers, timeout=test.timeout
    )
