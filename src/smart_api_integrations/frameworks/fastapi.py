"""FastAPI: what ``frameworks.starlette`` gives, as a router, and ``verified`` for your own routes. Floor 9.

::

    webhooks.init_app(app)                              # or register_webhook_routes(app)
    app.include_router(webhook_routes({"github": GitHubHandler()}))

    @app.post("/billing/stripe")
    async def bill(event: WebhookEvent = Depends(verified("stripe"))): ...
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException, Request

from smart_api_integrations.application.reception import Reception, open_reception
from smart_api_integrations.core.webhook_schema import WebhookEvent
from smart_api_integrations.errors import ConfigurationError, RequestRejected
from smart_api_integrations.frameworks.routes import PREFIX, Handlers, get_webhook_routes, routes_of
from smart_api_integrations.frameworks.starlette import (
    STATE,
    endpoints,
    head_of,
    init_app,
    pieces,
    register_webhook_routes,
)
from smart_api_integrations.receive.answer import refused

if TYPE_CHECKING:
    from smart_api_integrations.application.webhooks import Webhooks

__all__ = ["get_webhook_routes", "init_app", "register_webhook_routes", "verified", "webhook_routes"]

logger = logging.getLogger(__name__)


def webhook_routes(
    handlers: Handlers | None = None,
    *,
    webhooks: Webhooks | None = None,
    prefix: str = PREFIX,
    **settings: Any,
) -> APIRouter:
    """Return a router with the ways in; the arguments are those of ``register_webhook_routes``.

    With a store the application's own lifespan has to be ``webhooks.lifespan`` or to enter it; else
    the platform is started by the first request.

    Raises:
        ConfigurationError: A setting, a provider's YAML or a secret cannot be used.
    """
    router = APIRouter()
    router.routes.extend(endpoints(open_reception(webhooks, **settings), routes_of(handlers, prefix)))
    return router


def verified(provider: str, webhook_name: str = "default") -> Callable[[Request], Awaitable[WebhookEvent]]:
    """Return a dependency that lets a request through to a route of yours only where it verifies.

    It gives the route the :class:`WebhookEvent`. Nothing is kept, deduplicated or handled: the route is
    the handler. What does not verify is answered as at the ways in, in FastAPI's form.
    """
    found: list[Reception] = []

    async def verified_event(request: Request) -> WebhookEvent:
        try:
            if not found:
                found.append(getattr(request.app.state, STATE, None) or open_reception())
            return await found[0].verified(
                head_of(request.scope), (provider, webhook_name), next_piece=pieces(request.receive)
            )
        except RequestRejected as rejection:
            answer = refused(rejection)
            raise HTTPException(
                status_code=answer.status,
                detail=json.loads(answer.body)["error"],
                headers=dict(answer.headers),
            ) from None
        except ConfigurationError as error:
            logger.error("verified(%r): %s", provider, error, extra={"action": "verified"})  # noqa: TRY400 - the message says it all
            raise HTTPException(status_code=503, detail="This address is not set up.") from None

    return verified_event
