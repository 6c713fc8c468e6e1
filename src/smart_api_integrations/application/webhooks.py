"""``Webhooks``: the running platform for synchronous callers. Floor 7."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from smart_api_integrations.application.configuration import settings_from_surroundings
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.application.portal import Portal
from smart_api_integrations.application.publish import publish
from smart_api_integrations.core.outbound_message import PublishOptions
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.send.subscribers import WebhookPayload

Result = TypeVar("Result")


class Webhooks:
    """A running platform in this process: its journal, its worker, and its sender.

    May be used from any thread. ``with Webhooks(…) as webhooks:`` starts and stops it.
    """

    def __init__(self, **settings: Any) -> None:
        """Take settings by their names (``database_url=…``); the rest comes from the surroundings.

        Raises:
            ConfigurationError: A setting cannot be used; every fault is listed.
        """
        self._settings = settings_from_surroundings(**settings)
        self._running: tuple[Portal, Platform] | None = None
        self._works = False
        self._lifecycle = threading.Lock()

    def start(self) -> Self:
        """Open the journal and begin to work; does nothing where it works already.

        Raises:
            ConfigurationError: A provider's YAML, a secret or the store's set-up cannot be used.
            StorageUnavailable: The store cannot be reached.
        """
        self.open()
        with self._lifecycle:
            if not self._works:
                self.call(self.platform.start_work())
                self._works = True
        return self

    def open(self) -> Self:
        """Open the journal without working: messages are kept, and wait.

        Raises:
            ConfigurationError: A provider's YAML, a secret or the store's set-up cannot be used.
            StorageUnavailable: The store cannot be reached.
        """
        if self._running is None:
            with self._lifecycle:
                if self._running is None:
                    self._running = self._opened()
        return self

    def _opened(self) -> tuple[Portal, Platform]:
        platform, portal = Platform(self._settings), Portal()
        try:
            portal.call(platform.open())
        except BaseException:
            portal.close()
            raise
        publish.started(platform)
        return portal, platform

    def stop(self) -> None:
        """Finish what runs, give the rest back, close the journal. Idempotent.

        Handlers that finish meanwhile can still publish.

        Raises:
            WebhooksError: Called in its own event loop, from a coroutine that is a handler.
        """
        if self._running is None:
            return
        portal, platform = self._running
        portal.call(platform.close())
        publish.stopped(platform)
        self._running, self._works = None, False
        portal.close()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    @property
    def platform(self) -> Platform:
        """The parts that run.

        Raises:
            ConfigurationError: It is not started.
        """
        return self._parts()[1]

    def call(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine of the platform's, from synchronous code."""
        return self._parts()[0].call(coroutine)

    def publish(
        self,
        event: str,
        data: Any,
        metadata: Mapping[str, Any] | None = None,
        **options: Unpack[PublishOptions],
    ) -> str:
        """Send a message; return its id after the commit, without waiting for a delivery.

        *options* are those of :class:`PublishOptions`: ``tenant``, ``ordering_key``, ``delay``,
        ``deliver_at``, ``expires_at`` and ``idempotency_key``.

        Raises:
            InvalidInput: The event's name or the data cannot be used; nothing was kept.
            StorageUnavailable: The store is away; nothing was kept.
        """
        return self.call(self.platform.publish(event, data, metadata, **options)).message_id

    def pause(self, target: str) -> None:
        """Begin nothing more of a source (``provider:name``), a handler or an endpoint; what comes waits.

        Raises:
            NotFound: There is no such endpoint.
        """
        self.call(self.platform.pause(target))

    def resume(self, target: str, *, rate: float | None = None) -> None:
        """Begin again what waits, *rate* of it a second until the backlog is gone.

        Raises:
            NotFound: There is no such endpoint.
            InvalidInput: The rate cannot be used.
        """
        self.call(self.platform.resume(target, rate=rate))

    def subscribe(self, pattern: str, function: Callable[[WebhookPayload], Any]) -> None:
        """Call *function* with every message of this process whose event matches *pattern*."""
        self.platform.subscribers.add(pattern, function)

    def _parts(self) -> tuple[Portal, Platform]:
        if self._running is None:
            message = "It does not run: call start() first, or use it in a with statement."
            raise ConfigurationError(message)
        return self._running
