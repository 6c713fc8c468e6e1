"""Trying handlers out: a signed request through verification and handlers, here and now. Floor 7.

What ``flask webhooks test`` and ``manage.py test_webhook`` do. Nothing is kept, whatever the application's
store: the handlers run in the caller's thread, as those of an application without a store do.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from smart_api_integrations.application.identifiers import ulids
from smart_api_integrations.application.reception import HostRequest, Reception
from smart_api_integrations.application.storeless import all_inline
from smart_api_integrations.application.trying import address_let_in, pretty
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.core.webhook_schema import RawRequest
from smart_api_integrations.providers.catalogue import Catalogue
from smart_api_integrations.providers.samples import signed_request
from smart_api_integrations.receive.answer import Answer
from smart_api_integrations.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTrial:
    """One webhook, and a place to try its handlers.

    Attributes:
        catalogue: The providers.
        settings: The application's.
        provider: Whose webhook.
        name: Which of its webhooks.
    """

    catalogue: Catalogue
    settings: Settings
    provider: str
    name: str = "default"

    def request(self, event: str, payload: Any = None) -> RawRequest:
        """Return a signed request for *event*, with *payload* or else a sample.

        Raises:
            InvalidInput: The webhook or the event is unknown.
            SecretMissing: The webhook has no secret.
        """
        source = self.catalogue.source(self.provider, self.name)
        return signed_request(
            source, event, now=datetime.now(UTC), delivery_id=ulids()("test_"), payload=payload
        )

    def sample(self, event: str) -> str:
        """Return the sample payload of *event*, as JSON for people.

        Raises:
            InvalidInput: The webhook or the event is unknown, or its payload is no JSON.
            SecretMissing: The webhook has no secret.
        """
        return pretty(self.request(event).body)

    def run(self, event: str, payload: Any = None) -> Answer:
        """Send a signed request through verification and handlers; return what its sender would get.

        Raises:
            InvalidInput: The webhook or the event is unknown.
            SecretMissing: The webhook has no secret.
        """
        request = self.request(event, payload)
        body = io.BytesIO(request.body)
        return Reception(None, self.settings, all_inline(self.catalogue)).answer(
            HostRequest(
                method=request.method,
                path=request.path,
                query=request.query,
                headers=tuple(request.headers.items()),
                peer=address_let_in(self.catalogue.source(self.provider, self.name).webhook),
            ),
            (self.provider, self.name),
            read=lambda: (body.read(), False),
        )

    def handlers(self) -> Iterator[tuple[str, str]]:
        """Yield the pattern and the name of each registered handler of the webhook."""
        processor = get_webhook_registry().processor(self.provider, self.name)
        for pattern, handlers in (processor.handlers if processor else {}).items():
            for handler in handlers:
                yield pattern, handler.name
