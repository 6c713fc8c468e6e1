"""What ``manage.py check`` says of providers and handlers. Floor 9."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning

from smart_api_integrations.application.unreachable import webhooks_with_handlers
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.frameworks.django.installed import SETTING, reception


def check_providers(**_: Any) -> list[CheckMessage]:
    """Report settings, YAML files and secrets that cannot be used (E001), and what should be known (W001)."""
    try:
        opened = reception()
    except ConfigurationError as error:
        hint = f"See {SETTING} in the settings, and the folder of providers."
        return [Error(str(error), hint=hint, id="smart_api_integrations.E001")]
    return [CheckWarning(warning, id="smart_api_integrations.W001") for warning in opened.catalogue.warnings]


def check_handlers(**_: Any) -> list[CheckMessage]:
    """Report handlers that no request can reach: their webhook is unknown or has no secret (W002)."""
    try:
        return list(_unreachable())
    except ConfigurationError:  # check_providers has said it
        return []


def _unreachable() -> Iterator[CheckMessage]:
    for each in webhooks_with_handlers(reception().catalogue, get_webhook_registry()):
        if each.reason is not None:
            yield CheckWarning(
                f"The handlers of {each.name} are never called: {each.reason}.",
                hint=f"{each.to_do[:1].upper()}{each.to_do[1:]}.",
                id="smart_api_integrations.W002",
            )
