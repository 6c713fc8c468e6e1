"""What every platform has, with a store or without: clock, ids, threads, inline handling. Floor 7."""

from __future__ import annotations

import os
import random
import secrets
import time
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

from smart_api_integrations.application.identifiers import ulids
from smart_api_integrations.core.webhook_registry import WebhookRegistry
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.providers.catalogue import Catalogue, load_catalogue
from smart_api_integrations.receive.assigning import Publishing, publish_nothing
from smart_api_integrations.receive.handling import Check, HandlerRunner, Surroundings, anything_goes
from smart_api_integrations.receive.inline import InlineHandling, InlineRules
from smart_api_integrations.receive.ledger import Ledger
from smart_api_integrations.receive.threads import Around, HandlerThreads
from smart_api_integrations.settings import Settings
from smart_api_integrations.telemetry import Telemetry


def build_surroundings(settings: Settings, around: Around = nullcontext) -> Surroundings:
    """Return the clock, ids, die and threads of this process."""
    return Surroundings(
        now=lambda: datetime.now(UTC),
        new_id=ulids(),
        random=random.random,
        threads=HandlerThreads(settings.handler_threads, around=around),
    )


def build_catalogue(settings: Settings, environ: Mapping[str, str] | None = None) -> Catalogue:
    """Return the packaged providers with the user's own over them.

    Raises:
        ConfigurationError: A YAML or a secret cannot be used.
    """
    folder = Path(settings.providers_dir)
    if folder.is_file():
        message = f"WEBHOOKS_PROVIDERS_DIR: {settings.providers_dir} is a file; name a folder of providers."
        raise ConfigurationError(message)
    return load_catalogue(
        providers_dir=folder if folder.is_dir() else None,
        environ=os.environ if environ is None else environ,
        public_url=settings.public_url,
    )


def build_inline(
    settings: Settings,
    catalogue: Catalogue,
    registry: WebhookRegistry,
    *,
    own: Surroundings,
    telemetry: Telemetry,
    ledger: Ledger,
    publishing: Publishing = publish_nothing,
    check: Check = anything_goes,
) -> InlineHandling:
    """Return what handles events while their provider waits."""
    limit = timedelta(seconds=settings.handler_timeout_seconds)
    return InlineHandling(
        registry=registry,
        runner=HandlerRunner(
            registry=registry,
            webhooks=catalogue.reachable,
            surroundings=own,
            default_timeout=limit,
            check=check,
        ),
        ledger=ledger,
        telemetry=telemetry,
        threads=own.threads,
        rules=InlineRules(
            owner=f"inline-{secrets.token_hex(8)}",
            default_timeout=limit,
            spare=timedelta(seconds=settings.lease_seconds),
            now=own.now,
            clock=time.perf_counter,
            publishing=publishing,
        ),
    )
