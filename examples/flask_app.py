"""GitHub and a sender of your own in a Flask application: verified, routed, answered.

    export GITHUB_WEBHOOK_SECRET=…  SHOP_WEBHOOK_SECRET=…
    flask --app flask_app run

The sender of your own is described in ``providers/shop/webhook.yaml`` beside this file.
"""

from __future__ import annotations

import logging
from pathlib import Path

from flask import Flask

from smart_api_integrations.frameworks.flask import register_webhook_routes
from smart_api_integrations.webhooks import (
    WebhookEvent,
    WebhookHandler,
    WebhookResponse,
    webhook_handler,
    webhook_middleware,
)

logger = logging.getLogger(__name__)


@webhook_middleware("github")
def only_our_repositories(event: WebhookEvent) -> WebhookResponse | None:
    """Stop what is not ours before a handler sees it."""
    if event.payload["repository"]["full_name"].startswith("octo-org/"):
        return None
    return WebhookResponse(success=False, status_code=403, message="Not a repository of ours.")


class GitHub(WebhookHandler):
    """Methods are found by the event's name: ``on_<type>``, ``on_<type>_<action>``."""

    provider = "github"

    def on_push(self, event: WebhookEvent) -> WebhookResponse:
        """Count the commits."""
        return self.success_response({"commits": len(event.payload["commits"])})

    def on_pull_request_opened(self, event: WebhookEvent) -> WebhookResponse:
        """Say who opened it."""
        return self.success_response({"opened_by": event.payload["pull_request"]["user"]["login"]})


@webhook_handler("shop", "order.*")
def on_order(event: WebhookEvent) -> dict[str, str]:
    """Take every kind of order; the mapping is the answer's ``data``."""
    logger.info("%s: order %s", event.type, event.payload["order"])
    return {"order": event.payload["order"]}


def create_app() -> Flask:
    """Make the application."""
    GitHub()  # making it registers its methods
    app = Flask(__name__)
    register_webhook_routes(app, providers_dir=str(Path(__file__).parent / "providers"))
    return app
