"""Fixtures for tests of an application that receives webhooks. Floor 10.

pytest loads this by itself wherever the package is installed, so importing it costs nothing: what a fixture
needs is imported when a test asks for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from smart_api_integrations.application.rehearsal import Rehearsal
    from smart_api_integrations.core.webhook_registry import WebhookRegistry
    from smart_api_integrations.core.webhook_schema import WebhookEvent
    from smart_api_integrations.testing.signed_webhooks import SignedWebhook, SignedWebhooks

PROVIDERS_OPTION = "webhooks_providers_dir"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the one setting."""
    parser.addini(PROVIDERS_OPTION, "folder of your own webhook.yaml files", default="providers")


@pytest.fixture
def webhook_providers_dir(pytestconfig: pytest.Config) -> Path | None:
    """Return the folder of your own ``webhook.yaml`` files, below pytest's root; None where there is none.

    The ini setting ``webhooks_providers_dir`` or the variable ``WEBHOOKS_PROVIDERS_DIR`` names another one.
    """
    named = os.environ.get("WEBHOOKS_PROVIDERS_DIR") or str(pytestconfig.getini(PROVIDERS_OPTION))
    folder = pytestconfig.rootpath / named
    return folder if folder.is_dir() else None


@pytest.fixture
def webhook_secrets(monkeypatch: pytest.MonkeyPatch, webhook_providers_dir: Path | None) -> Mapping[str, str]:
    """Set a secret for tests in every variable that a provider reads and that is not set; return them.

    Of a provider that signs with a private key it is the public one; where that would be fetched, gateways
    get the one for tests. Ask for it, or for ``webhook``, before the application reads its configuration.
    """
    from smart_api_integrations.providers.made_secrets import find_made_key
    from smart_api_integrations.receive import gateway
    from smart_api_integrations.receive.published_keys import with_key
    from smart_api_integrations.testing.signed_webhooks import secrets_for_tests

    made = secrets_for_tests(webhook_providers_dir)
    for name, value in made.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(
        gateway,
        "with_key",
        lambda webhook, request, _find, registry: with_key(webhook, request, find_made_key, registry),
    )
    return made


@pytest.fixture
def webhook(webhook_secrets: Mapping[str, str], webhook_providers_dir: Path | None) -> SignedWebhooks:  # noqa: ARG001 - for its effect
    """Return the factory of signed requests: ``webhook.github("push")``, ``webhook("myapi", "added")``."""
    from smart_api_integrations.testing.signed_webhooks import SignedWebhooks

    return SignedWebhooks(webhook_providers_dir)


@pytest.fixture
def webhook_event(webhook: SignedWebhooks) -> Callable[..., WebhookEvent]:
    """Return a function that makes the event that a handler gets; it takes what ``webhook`` takes."""

    def event(provider: str, event: str, payload: Any = None, **options: Any) -> WebhookEvent:
        return webhook(provider, event, payload, **options).event

    return event


@pytest.fixture
def webhook_registry() -> Iterator[WebhookRegistry]:
    """Return the registry, empty for the length of the test: what it registers is forgotten after it."""
    from smart_api_integrations.core.webhook_registry import get_webhook_registry

    registry = get_webhook_registry()
    with registry.emptied():
        yield registry


@pytest.fixture
def receive_webhook(
    webhook: SignedWebhooks,  # noqa: ARG001 - for its secrets
    webhook_providers_dir: Path | None,
) -> Callable[[SignedWebhook], Rehearsal]:
    """Return a function that takes a request as a server would and runs every handler on it once.

    The request is verified, stored in a database that is thrown away, and handled in queued mode.
    """

    def receive(hook: SignedWebhook) -> Rehearsal:
        from smart_api_integrations.application.portal import Portal
        from smart_api_integrations.application.rehearsal import rehearse
        from smart_api_integrations.providers.samples import EXAMPLE_URL
        from smart_api_integrations.settings import Settings

        folder = "" if webhook_providers_dir is None else str(webhook_providers_dir)
        settings = Settings(providers_dir=folder or os.devnull, public_url=EXAMPLE_URL)
        portal = Portal()
        try:
            return portal.call(
                rehearse(
                    hook.request,
                    settings,
                    os.environ,
                    provider=hook.provider,
                    webhook=hook.webhook_name,
                )
            )
        finally:
            portal.close()

    return receive
