"""A rehearsal runs handlers on a request, and nothing of it reaches anybody."""

from smart_api_integrations.application.rehearsal import rehearse
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.settings import Settings
from smart_api_integrations.testing.signed_webhooks import SignedWebhooks
from smart_api_integrations.webhooks import webhook_handler
from tests.github_requests import SECRET


async def test_sample_event_is_not_published_to_the_configured_broker(monkeypatch):
    """A broker that nobody can reach is not even looked for: no map runs, only the handler."""
    monkeypatch.setenv("GITHUB_WEBHOOK_SECRET", SECRET)
    get_webhook_registry().clear()

    @webhook_handler("github", "push")
    def note(_event):
        return {"events": [{"type": "order.created", "data": {}}]}

    hook = SignedWebhooks().github("push")
    settings = Settings.model_validate({"broker_url": "amqp://127.0.0.1:1/", "internal_events": "always"})
    try:
        rehearsal = await rehearse(
            hook.request, settings, {"GITHUB_WEBHOOK_SECRET": SECRET}, provider="github", webhook="default"
        )
    finally:
        get_webhook_registry().clear()

    assert [outcome.state for outcome in rehearsal.outcomes] == [State.COMPLETED]
    assert rehearsal.published == ("order.created",)
