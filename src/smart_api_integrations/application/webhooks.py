"""``Webhooks``: the running platform for an application, synchronous or not. Floor 7.

Theory of operation:

1. Nothing runs before it is needed: an application is often built in one process and served by others
   that are forked off. What a process started is its own; a child that inherits it starts anew.
2. In synchronous applications the platform lives in a thread with an event loop of its own, a portal; an
   asynchronous one lends its event loop for the time of its lifespan.
3. At the end of the process what runs may finish, as at ``stop``.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from smart_api_integrations.application.configuration import settings_from_surroundings
from smart_api_integrations.application.enlisting import check_options
from smart_api_integrations.application.host_frameworks import adapter_of
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.application.portal import BorrowedLoop, Portal
from smart_api_integrations.application.publishing import publish
from smart_api_integrations.application.replay_jobs import ReplayJobs
from smart_api_integrations.application.surroundings import build_catalogue
from smart_api_integrations.core.outbound_message import PublishOptions
from smart_api_integrations.core.outbound_request import SHARED
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.providers.catalogue import Catalogue
from smart_api_integrations.receive.threads import Around
from smart_api_integrations.send.endpoints import GRACE
from smart_api_integrations.send.subscribers import WebhookPayload
from smart_api_integrations.settings import Settings

Result = TypeVar("Result")

_inherited: list[_Running] = []
"""What processes left behind in their children; never closed there, for its threads are not there either."""


@dataclass(slots=True, kw_only=True)
class _Running:
    """A platform that is open, the loop that it lives in, and the process whose it is."""

    platform: Platform
    home: BorrowedLoop
    process: int
    works: bool = False


class Webhooks:
    """A running platform in this process: its journal, its worker, and its sender.

    May be used from any thread. ``with Webhooks(…) as webhooks:`` starts and stops it; ``init_app(app)``
    gives it to a Flask, FastAPI or Starlette application, which then starts and stops it.
    """

    def __init__(self, **settings: Any) -> None:
        """Take settings by their names (``database_url=…``); the rest comes from the surroundings.

        Raises:
            ConfigurationError: A setting cannot be used; every fault is listed.
        """
        self._settings = settings_from_surroundings(**settings)
        self._around: Around = nullcontext
        self._running: _Running | None = None
        self._lifecycle = threading.Lock()

    @property
    def settings(self) -> Settings:
        """What it is built from."""
        return self._settings

    @cached_property
    def catalogue(self) -> Catalogue:
        """The providers, read once.

        Raises:
            ConfigurationError: A YAML or a secret cannot be used.
        """
        return build_catalogue(self._settings)

    def init_app(self, app: Any) -> None:
        """Give *app*, of Flask, FastAPI or Starlette, its ways in; the platform starts when it is needed.

        Raises:
            ConfigurationError: *app* is of no framework that is known here; or a provider's YAML or secret
                cannot be used.
        """
        adapter_of(app).register_webhook_routes(app, webhooks=self)

    def run_handlers_inside(self, around: Around) -> None:
        """Enter ``around()`` around every plain handler that a worker runs; before the start only.

        Flask's adapter gives its application context, Django's looks after the database connections.
        """
        self._around = around

    def start(self) -> Self:
        """Open the journal and begin to work; does nothing where it works already.

        Raises:
            ConfigurationError: A provider's YAML, a secret or the store's set-up cannot be used.
            StorageUnavailable: The store cannot be reached.
        """
        self.open()
        with self._lifecycle:
            running = self._parts()
            if not running.works:
                running.home.call(running.platform.start_work())
                running.works = True
        return self

    def open(self) -> Self:
        """Open the journal without working: messages are kept, and wait.

        Raises:
            ConfigurationError: A provider's YAML, a secret or the store's set-up cannot be used.
            StorageUnavailable: The store cannot be reached.
        """
        if self._here() is None:
            with self._lifecycle:
                if self._here() is None:
                    self._running = self._opened()
        return self

    def _opened(self) -> _Running:
        platform, portal = self._built(), Portal()
        try:
            portal.call(platform.open())
        except BaseException:
            portal.close()
            raise
        publish.started(platform)
        _stop_at_the_end(self)
        return _Running(platform=platform, home=portal, process=os.getpid())

    def _built(self) -> Platform:
        return Platform(self._settings, catalogue=self.catalogue, around=self._around)

    @asynccontextmanager
    async def lifespan(self, app: object = None) -> AsyncIterator[None]:  # noqa: ARG002 - what ASGI frameworks pass
        """Run in the caller's event loop for the time of the context, as in ``FastAPI(lifespan=…)``.

        Where it was started before, it goes on where it is, and stops at the end.

        Raises:
            ConfigurationError: A provider's YAML, a secret or the store's set-up cannot be used.
            StorageUnavailable: The store cannot be reached.
        """
        if self._here() is not None:
            try:
                yield
            finally:
                await asyncio.to_thread(self.stop)
            return
        platform = self._built()
        await platform.open()
        home = BorrowedLoop(asyncio.get_running_loop(), threading.current_thread())
        self._running = _Running(platform=platform, home=home, process=os.getpid(), works=True)
        publish.started(platform)
        try:
            await platform.start_work()
            yield
        finally:
            await platform.close()
            publish.stopped(platform)
            self._running = None
            home.close()

    def stop(self) -> None:
        """Finish what runs, give the rest back, close the journal. Idempotent.

        Handlers that finish meanwhile can still publish.

        Raises:
            WebhooksError: Called in its own event loop, from a coroutine that is a handler.
        """
        running = self._here()
        if running is None:
            return
        running.home.call(running.platform.close())
        publish.stopped(running.platform)
        self._running = None
        running.home.close()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    @property
    def is_running(self) -> bool:
        """Whether it is open in this process."""
        return self._here() is not None

    @property
    def platform(self) -> Platform:
        """The parts that run.

        Raises:
            ConfigurationError: It is not started.
        """
        return self._parts().platform

    @property
    def home(self) -> BorrowedLoop:
        """The event loop that the platform lives in.

        Raises:
            ConfigurationError: It is not started.
        """
        return self._parts().home

    def call(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine of the platform's, from synchronous code."""
        return self._parts().home.call(coroutine)

    def publish(
        self,
        event: str,
        data: Any,
        metadata: Mapping[str, Any] | None = None,
        *,
        connection: Any = None,
        **options: Unpack[PublishOptions],
    ) -> str:
        """Send a message; return its id after the commit, without waiting for a delivery.

        With a *connection* it becomes part of the transaction that is open there, see ``publish``.

        *options* are those of :class:`PublishOptions`: ``tenant``, ``ordering_key``, ``delay``,
        ``deliver_at``, ``expires_at`` and ``idempotency_key``.

        Raises:
            InvalidInput: The event's name or the data cannot be used; nothing was kept.
            StorageUnavailable: The store is away; nothing was kept.
            ConfigurationError: The *connection* cannot be used, or leads to another database.
        """
        if connection is not None:
            check_options(options)
            message = self.call(self.platform.draft(event, data, metadata, **options))
            self.platform.enlisting.enlist(message, connection, loop=self.platform.loop)
            return message.id
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

    def rotate_secret(
        self,
        endpoint_id: str,
        *,
        secret: str | None = None,
        kind: str = SHARED,
        grace: timedelta | float = GRACE,
    ) -> str:
        """Give an endpoint a new signing secret and return it; it is not told again.

        The one before it signs beside it until *grace* is over; without one, every older secret ends at once.

        Args:
            endpoint_id: The endpoint.
            secret: The new one; one is made where there is none.
            kind: What is made: ``shared`` (``whsec_``) or ``key_pair`` (Ed25519, ``whsk_``).
            grace: Seconds or a timedelta, up to seven days.

        Raises:
            NotFound: There is no such endpoint.
            InvalidInput: A value cannot be used, or ten older secrets sign already.
        """
        endpoints = self.platform.endpoints
        rotating = endpoints.rotate_secret(endpoint_id, secret=secret, kind=kind, grace=grace)
        return self.call(rotating).secret

    def replay(self, id: str) -> int:
        """Do again what *id* names: an event, a message, or one piece of work; return how much that is.

        Raises:
            NotFound: The id is unknown.
            InvalidInput: All of it waits or runs already.
        """
        return self.call(self.platform.replays.anything(id))

    @property
    def replays(self) -> ReplayJobs:
        """Jobs that do work again over a filter."""
        return ReplayJobs(self.platform.replays, self.call)

    def subscribe(self, pattern: str, function: Callable[[WebhookPayload], Any]) -> None:
        """Call *function* with every message of this process whose event matches *pattern*."""
        self.platform.subscribers.add(pattern, function)

    def _here(self) -> _Running | None:
        """Return what runs in this process; leave alone what another one began."""
        running = self._running
        if running is not None and running.process != os.getpid():
            _inherited.append(running)
            self._running = running = None
        return running

    def _parts(self) -> _Running:
        running = self._here()
        if running is None:
            message = "It does not run: call start() first, or use it in a with statement."
            raise ConfigurationError(message)
        return running


def _stop_at_the_end(webhooks: Webhooks) -> None:
    """Stop at the end of the process, while threads can still be used: ``atexit`` would be too late."""
    known = weakref.ref(webhooks)

    def stop() -> None:
        still = known()
        if still is not None:
            still.stop()

    threading._register_atexit(stop)  # type: ignore[attr-defined]  # noqa: SLF001 - there is no other hook before executors end
