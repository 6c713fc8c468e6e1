"""The registry: every processor, by ``provider:name``. Floor 1.

The one module-level mutable object of the package, because the seeds' decorators register at import.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from smart_api_integrations.core.webhook import Handler, WebhookProcessor


class WebhookRegistry:
    """Every webhook's processor."""

    def __init__(self) -> None:
        """Begin empty."""
        self._processors: dict[tuple[str, str], WebhookProcessor] = {}

    def create_processor(self, provider: str, name: str = "default") -> WebhookProcessor:
        """Return the processor of a webhook, the existing one where there is one.

        Reads no configuration: a secret that is missing is told when the server starts or the
        routes are registered, so that handlers can always be imported.
        """
        return self._processors.setdefault((provider, name), WebhookProcessor(provider, name))

    def get_processor(self, key: str) -> WebhookProcessor | None:
        """Return the processor of ``provider:name``, or None; ``provider`` alone means its default."""
        provider, _, name = key.partition(":")
        return self.processor(provider, name or "default")

    def processor(self, provider: str, name: str) -> WebhookProcessor | None:
        """Return the processor of a webhook, or None where it has no handlers."""
        return self._processors.get((provider, name))

    def handler(
        self, name: str, event_type: str = "", action: str | None = None
    ) -> tuple[WebhookProcessor, Handler] | None:
        """Return the handler that work is kept under as *name*, with its processor; None where it is gone.

        The event's type and action tell those apart that have one name.
        """
        provider, webhook_name, _ = (*name.split(":", 2), "", "")[:3]
        processor = self.processor(provider, webhook_name)
        handler = None if processor is None else processor.handler(name, event_type, action)
        return None if processor is None or handler is None else (processor, handler)

    def clear(self) -> None:
        """Forget every processor, for tests."""
        self._processors.clear()

    @contextmanager
    def emptied(self) -> Iterator[None]:
        """Be empty for the length of a block, for tests: afterwards everything is as it was before."""
        before, self._processors = self._processors, {}
        try:
            yield
        finally:
            self._processors = before

    def __iter__(self) -> Iterator[WebhookProcessor]:
        """Iterate over the processors in the order of their creation."""
        return iter(tuple(self._processors.values()))


_registry = WebhookRegistry()


def get_webhook_registry() -> WebhookRegistry:
    """Return the process's registry: what the decorators register with."""
    return _registry
