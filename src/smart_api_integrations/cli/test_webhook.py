"""``webhooks test-webhook``: the first guides' spelling of ``webhooks trigger``. Floor 10."""

from __future__ import annotations

from smart_api_integrations.cli.trigger import trigger as test_webhook

__all__ = ["test_webhook"]
