"""Handlers for the server: it keeps what comes in, runs these with retries, and shows all of it.

export GITHUB_WEBHOOK_SECRET=…
webhooks serve --handlers handlers
"""

from __future__ import annotations

from smart_api_integrations import Dead, Skip
from smart_api_integrations.webhooks import WebhookEvent, webhook_handler


@webhook_handler("github", "push", concurrency=4, ordering_key="repository.full_name")
def deploy(event: WebhookEvent) -> dict[str, object]:
    """Deploy what was pushed to the main branch; one push of a repository after the other."""
    if event.payload["ref"] != "refs/heads/main":
        raise Skip("not the main branch")
    return {"events": [{"type": "deployment.started", "data": {"commit": event.payload["after"]}}]}


@webhook_handler("github", "issues.opened")
def triage(event: WebhookEvent) -> dict[str, int]:
    """Look at a new issue; one without a title is for a person to look at."""
    issue = event.payload["issue"]
    if not issue["title"]:
        raise Dead("an issue without a title")
    return {"issue": issue["number"]}
