"""Every part of one running platform, wired. Floor 7.

Everything here lives in one event loop. ``Webhooks`` puts it behind a portal for synchronous callers,
``server`` puts it behind HTTP.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import timedelta
from typing import Any, Unpack

from smart_api_integrations.application import brokering, parts
from smart_api_integrations.application.access import Access
from smart_api_integrations.application.enlisting import Enlisting
from smart_api_integrations.application.guarding import build_bell, build_door
from smart_api_integrations.application.holding import Holding
from smart_api_integrations.application.mounted import Mounted
from smart_api_integrations.application.replays import Replays
from smart_api_integrations.application.surroundings import (
    build_catalogue,
    build_inline,
    build_surroundings,
)
from smart_api_integrations.application.trying import SEND_ONCE_SECONDS, trial_claim
from smart_api_integrations.application.watching import build_monitor
from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.intake import NoIntake
from smart_api_integrations.core.journal import Attempt, Message, Published, ReceivedEvent
from smart_api_integrations.core.outbound_message import PublishOptions, build_message
from smart_api_integrations.core.outbound_request import Answer, OutboundRequest
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.network.endpoint_url import check_endpoint_url
from smart_api_integrations.providers.catalogue import Catalogue
from smart_api_integrations.receive.forward_rules import ForwardRules
from smart_api_integrations.receive.forwarding import forwarding_too
from smart_api_integrations.receive.gateway import Gateway
from smart_api_integrations.receive.greeter import Greeter
from smart_api_integrations.receive.handling import hops_of
from smart_api_integrations.receive.inline import InlineHandling
from smart_api_integrations.receive.ledger import JournalLedger
from smart_api_integrations.receive.published_keys import FindKey
from smart_api_integrations.receive.rejections import RejectionLog
from smart_api_integrations.receive.threads import Around
from smart_api_integrations.send.endpoints import Endpoints
from smart_api_integrations.send.event_types import EventTypes
from smart_api_integrations.send.publisher import Publisher
from smart_api_integrations.send.subscribers import Subscribers
from smart_api_integrations.settings import Settings
from smart_api_integrations.telemetry import Telemetry
from smart_api_integrations.watch.live_feed import LiveFeed
from smart_api_integrations.work.relay import Relay
from smart_api_integrations.work.replay import Replayer
from smart_api_integrations.work.worker import Worker

logger = logging.getLogger(__name__)


class Platform(Mounted, Holding):
    """One running platform.

    Attributes:
        settings: What it was built from.
        telemetry: What happens inside; subscribe before ``open``.
        journal: The store.
        gateway: Takes requests.
        endpoints: Registers, changes and removes endpoints.
        brought_keys: Lets handshakes bring secrets.
        access: API keys, sessions and the audit log.
        subscribers: Functions of this process that are told of messages.
        live: Tells who watches what changed in the journal.
        event_types: The catalogue of our own event types.
        forward_rules: What makes messages of received events.
        enlisting: Puts messages into callers' own transactions.
        broker: Where messages go beside endpoints, or None.
        replays: Does finished or dead work again.
        monitor: Checks how it is doing, and tells of what is wrong.
    """

    _loop: asyncio.AbstractEventLoop | None = None

    def __init__(
        self,
        settings: Settings,
        *,
        environ: Mapping[str, str] | None = None,
        catalogue: Catalogue | None = None,
        around: Around = nullcontext,
        find_key: FindKey | None = None,
    ) -> None:
        """Build every part; nothing is opened yet.

        Args:
            settings: What to build.
            environ: Where secrets are; this process's environment otherwise.
            catalogue: The providers, where they are read already.
            around: Entered around every plain handler that runs on our threads.
            find_key: Finds the keys that providers publish, instead of the network.

        Raises:
            ConfigurationError: A setting, a provider's YAML or a secret cannot be used.
        """
        self.settings = settings
        self._find_key = find_key
        self.telemetry = Telemetry()
        self._own = build_surroundings(settings, around)
        self._registry = get_webhook_registry()
        self._catalogue = build_catalogue(settings, environ) if catalogue is None else catalogue
        self._network = parts.build_network(settings)
        self.subscribers = Subscribers(self._own.threads)
        self.broker = brokering.build_broker(settings, self.subscribers.take)
        self._on_published = brokering.who_is_told(settings, self.subscribers)
        as_endpoint = brokering.endpoint_of(self.broker, settings)
        self.journal = parts.build_journal(settings, self._own, broker=as_endpoint)
        self.event_types = EventTypes(self.journal.event_types, now=self.journal.now)
        self.forward_rules = ForwardRules(
            self.journal.forward_rules, self.journal.endpoints, new_id=self._own.new_id, now=self.journal.now
        )
        self._publishing = forwarding_too(
            brokering.build_publishing(settings, self.subscribers), self.forward_rules.known
        )
        self._worker = self._build_worker()
        self._intake = self._worker if "worker" in settings.roles else NoIntake()
        self._build_sending()
        self._captured_keys, self.brought_keys = parts.build_brought_keys(self._catalogue, self.journal)
        self.access = Access(
            self.journal.access,
            settings_keys=[key.get_secret_value() for key in settings.api_keys],
            new_id=self._own.new_id,
            now=self.journal.now,
        )
        self.monitor = build_monitor(
            settings, self.journal, self._network.transport, telemetry=self.telemetry, own=self._own
        )
        self._door, self._shared_limits = build_door(settings)
        self._bell = build_bell(settings)
        self.gateway = self._build_gateway()
        self._rejections = RejectionLog(self.journal.events, self.telemetry)
        self.live = LiveFeed(self.journal)
        self._replayer, self.replays = self._build_replays()
        self.retention = parts.build_retention(settings, self.journal)
        self._process = os.getpid()
        self._hurried = asyncio.Event()
        self._fresheners: list[asyncio.Task[None]] = []

    def _build_sending(self) -> None:
        """Build what makes messages and keeps endpoints."""
        self._publisher = Publisher(
            self.journal.messages,
            intake=self._intake,
            on_published=self._on_published,
            new_id=self._own.new_id,
            now=self.journal.now,
            check=self.event_types.check,
        )
        self.enlisting = Enlisting(self.journal.outbox)
        self._relay = Relay(
            self.journal.outbox,
            intake=self._intake,
            on_published=self._on_published,
            telemetry=self.telemetry,
        )
        self.endpoints = Endpoints(
            self.journal.endpoints, self._network.guard, new_id=self._own.new_id, now=self.journal.now
        )

    def _build_worker(self) -> Worker:
        runners = parts.build_runners(
            self.settings,
            self._catalogue,
            self._registry,
            transport=self._network.transport,
            broker=self.broker,
            own=self._own,
            check=self.event_types.check,
            rules=self.forward_rules,
        )
        rules = parts.worker_rules(self.settings, self._registry, on_published=self._on_published)
        return Worker(work=self.journal.work, runners=runners, telemetry=self.telemetry, rules=rules)

    def _build_replays(self) -> tuple[Replayer, Replays]:
        return parts.build_replays(
            self.settings,
            self._catalogue,
            self._registry,
            self.journal,
            handlers=lambda: self.handlers,
            worker=self._worker,
            own=self._own,
        )

    def _build_gateway(self) -> Gateway:
        return Gateway(
            webhooks=self._catalogue.webhooks,
            registry=self._registry,
            events=self.journal.events,
            intake=self._intake,
            inline=self._build_inline(),
            telemetry=self.telemetry,
            greeter=Greeter(self._network.transport, self.telemetry),
            rules=parts.gateway_rules(
                self.settings,
                self._own,
                self._door,
                self._network,
                captured_keys=self._captured_keys,
                find_key=self._find_key,
                publishing=self._publishing,
            ),
        )

    def _build_inline(self) -> InlineHandling:
        ledger = JournalLedger(self.journal, intake=self._intake, on_published=self._on_published)
        return build_inline(
            self.settings,
            self._catalogue,
            self._registry,
            own=self._own,
            telemetry=self.telemetry,
            ledger=ledger,
            check=self.event_types.check,
            publishing=self._publishing,
        )

    @property
    def is_here(self) -> bool:
        """Whether it is open in this process; what a process forked off inherits, is not."""
        return self._loop is not None and self._process == os.getpid()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that it was opened in."""
        if self._loop is None:
            message = "The platform is not open: nothing can be sent."
            raise ConfigurationError(message)
        return self._loop

    async def open(self) -> None:
        """Open the journal: from now on it takes requests, messages and endpoints.

        Raises:
            ConfigurationError: The store is set up in a way that would lose events.
            StorageUnavailable: The store cannot be reached.
        """
        self._loop, self._process = asyncio.get_running_loop(), os.getpid()
        for warning in (*self._catalogue.warnings, *self.idle_handlers):
            logger.warning("%s", warning, extra={"action": "load_catalogue"})
        if self._bell is not None:
            self.journal.hang(self._bell)
            self._bell.open(self._worker.wake)
        await self.journal.open()
        self._fresheners = [asyncio.create_task(self.forward_rules.snapshot.keep_fresh())]
        await self.forward_rules.snapshot.current()

    def worker_state(self) -> str:
        """Return ``ok``, ``elsewhere`` where that is no role of this process, or ``not running``."""
        if "worker" not in self.settings.roles:
            return "elsewhere"
        return "not running" if self._worker.has_failed else "ok"

    async def start_work(self) -> None:
        """Begin to run handlers and to deliver, where that is a role of this process."""
        if "worker" in self.settings.roles:
            self.journal.on_due_work(self._worker.wake)
            self._worker.start()
            self.journal.on_due_work(self._relay.wake)
            self._relay.start()
            self._replayer.start()
        if "monitor" in self.settings.roles:
            self.monitor.start()
        self.retention.start()

    def hurry(self) -> None:
        """Let nothing that runs finish: ``close``, under way or to come, waits for nothing."""
        self._hurried.set()
        self._worker.hurry()

    async def close(self, *, grace: timedelta | None = None) -> None:
        """Stop in order: work first, then what it needs. Idempotent.

        What runs may finish within *grace*, or else within the setting ``shutdown_seconds``; until then it
        can publish. The rest is given back.
        """
        left = timedelta(seconds=self.settings.shutdown_seconds) if grace is None else grace
        deadline = asyncio.get_running_loop().time() + left.total_seconds()
        await self.live.close()
        await self.retention.stop()

        for task in self._fresheners:
            task.cancel()
        await asyncio.gather(*self._fresheners, return_exceptions=True)
        await self._relay.stop()
        await self._replayer.stop()
        await self.monitor.stop()
        await self._worker.stop(grace=left)
        await self._rejections.close()
        await self._close_subscribers(deadline)
        await self._network.transport.close()
        for shared in (self._shared_limits, self._bell, self.broker):
            if shared is not None:
                await shared.close()
        await self.access.close()
        await self.journal.close()
        self._own.threads.shutdown(wait=False, cancel_futures=True)
        self._loop = None

    async def _close_subscribers(self, deadline: float) -> None:
        told = asyncio.ensure_future(self.subscribers.close())
        hurried = asyncio.ensure_future(self._hurried.wait())
        left = max(0.0, deadline - asyncio.get_running_loop().time())
        _, waiting = await asyncio.wait({told, hurried}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    async def publish(
        self,
        event: str,
        data: Any,
        metadata: Mapping[str, Any] | None = None,
        *,
        cause: ReceivedEvent | None = None,
        **options: Unpack[PublishOptions],
    ) -> Published:
        """Keep the message that *event* happened, and one delivery for each endpoint that wants it.

        Args:
            event: Its type, ``order.created``.
            data: What JSON can hold.
            metadata: More of the same.
            cause: The received event that led to it.
            **options: See ``PublishOptions``.

        Raises:
            InvalidInput: The event's name or the data cannot be used; nothing was kept.
            StorageUnavailable: Nothing was kept.
        """
        return await self._publisher.publish(
            event,
            data,
            metadata,
            event_id=None if cause is None else cause.id,
            hops=0 if cause is None else hops_of(cause),
            **options,
        )

    async def draft(
        self,
        event: str,
        data: Any,
        metadata: Mapping[str, Any] | None = None,
        *,
        cause: ReceivedEvent | None = None,
        **options: Unpack[PublishOptions],
    ) -> Message:
        """Return the message that ``publish`` would keep.

        Raises:
            InvalidInput: The event's name or the data cannot be used.
        """
        event_id, hops = (None, 0) if cause is None else (cause.id, hops_of(cause))
        return await self._publisher.draft(event, data, metadata, event_id=event_id, hops=hops, **options)

    async def try_endpoint(
        self, endpoint: Endpoint, event: str, data: Any, metadata: Mapping[str, Any] | None = None
    ) -> Attempt:
        """Send one event to *endpoint* now and once, and return the attempt; nothing of it is kept.

        Raises:
            InvalidInput: The event's name or the data cannot be used; nothing was sent.
        """
        now, new_id = self.journal.now(), self._own.new_id
        message = build_message(event, data, metadata, id=new_id("msg_"), now=now)
        claim = trial_claim(endpoint, message, work_id=new_id("dlv_"), now=now)
        delivering = parts.build_delivering(self._network.transport, self._own)
        return (await delivering.deliver(claim)).attempt

    async def send_once(self, request: OutboundRequest, *, allow_http: bool = False) -> Answer:
        """Send *request* now and once, where an endpoint might be; nothing of it is kept.

        Raises:
            InvalidInput: The URL may not be an endpoint's; nothing was sent.
            DeliveryError: There was no complete answer.
        """
        check_endpoint_url(request.url, self._network.guard, allow_http=allow_http)
        return await self._network.transport.send(request, timeout=SEND_ONCE_SECONDS)
