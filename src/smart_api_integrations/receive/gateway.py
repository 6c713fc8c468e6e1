"""Accepting a request: judge it, keep it, and only then say 2xx. Floor 4.

Theory of operation:

1. Nothing is believed before the signature over the exact bytes verified, and nothing is written
   before that but a line in the bounded log of rejections, off the request's path.
2. The event, the keys that recognise a repeat, and one handling per matching handler are kept in one
   committed transaction. A 2xx is sent after the commit and never without it.
3. Where this process also works, the handlings are leased to it in that same transaction and begin at
   once; otherwise they are due, and whoever works is woken.
4. A sender sees one fixed text per status. Reasons go to telemetry and from there to the dashboard.
5. A handshake is answered instead of kept: before the signature where its YAML says so, else after. A secret
   that it brings is kept first (``receive.captured_keys``).
6. The events of a batch are kept in one transaction, all of them or none, and answered once.
7. A fault of ours is a 503, never a 4xx: a sender that sees a 4xx may give the event up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from smart_api_integrations.core.handshakes import Greeting
from smart_api_integrations.core.inbound_webhook import InboundWebhook, Judgement, first_of
from smart_api_integrations.core.intake import Intake
from smart_api_integrations.core.journal import Accepted, ReceivedEvent
from smart_api_integrations.core.webhook_registry import WebhookRegistry
from smart_api_integrations.core.webhook_schema import Headers, RawRequest, WebhookEvent, parse_json
from smart_api_integrations.errors import (
    HttpsRequired,
    RequestRejected,
    StorageUnavailable,
    TooBusy,
    TooManyRequests,
    UnknownWebhook,
)
from smart_api_integrations.receive.answer import UNAVAILABLE, Answer, accepted, closing, refused, replied
from smart_api_integrations.receive.assigning import (
    Publishing,
    handlings_for,
    publish_nothing,
    seen_by_handlers,
)
from smart_api_integrations.receive.batches import Batches
from smart_api_integrations.receive.captured_keys import CapturedKeys, keep_captured
from smart_api_integrations.receive.door import Door
from smart_api_integrations.receive.greeter import Greeter
from smart_api_integrations.receive.incoming import IncomingRequest, announces_body, check_size, read_body
from smart_api_integrations.receive.inline import InlineHandling
from smart_api_integrations.receive.places import Place
from smart_api_integrations.receive.published_keys import FindKey, find_no_key, with_key
from smart_api_integrations.receive.rejections import log_refusal, rejection_of
from smart_api_integrations.storage.protocols import EventStore
from smart_api_integrations.telemetry import EventAccepted, EventRejected, StoreFailed, Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayRules:
    """What the gateway is told from outside.

    Attributes:
        now: Returns the time.
        new_id: Makes an id with the given prefix.
        max_body_bytes: The most that is read of a body, where the webhook says nothing else.
        door: Guards the ways in.
        public_url: How providers reach this server, without a path; None where it is not configured.
        parse_json: Parses a body; raises ``MalformedRequest``.
        mode: How webhooks are handled whose YAML does not say.
        find_key: Fetches a key that a provider publishes, as ``network.key_source`` does.
        captured_keys: Keeps the secrets that handshakes bring; None where there is no store.
        publishing: Makes the handling that publishes an event.
    """

    now: Callable[[], datetime]
    new_id: Callable[[str], str]
    max_body_bytes: int
    door: Door
    public_url: str | None = None
    parse_json: Callable[[bytes], Any] = parse_json
    mode: Literal["inline", "queued"] = "queued"
    find_key: FindKey = find_no_key
    captured_keys: CapturedKeys | None = None
    publishing: Publishing = publish_nothing


class Gateway:
    """Takes requests for every mounted webhook."""

    def __init__(
        self,
        *,
        webhooks: Mapping[tuple[str, str], InboundWebhook],
        registry: WebhookRegistry,
        events: EventStore | None,
        intake: Intake,
        inline: InlineHandling,
        telemetry: Telemetry,
        greeter: Greeter,
        rules: GatewayRules,
    ) -> None:
        """Take the webhooks by provider and name, and what accepting needs; without *events*, all inline."""
        self._webhooks = webhooks
        self._registry = registry
        self._events = events
        self._intake = intake
        self._inline = inline
        self._batches = Batches(
            registry=registry, events=events, intake=intake, inline=inline, publishing=rules.publishing
        )
        self._telemetry = telemetry
        self._door = rules.door
        self._greeter = greeter
        self._rules = rules
        self._captured_keys = rules.captured_keys

    @property
    def webhooks(self) -> Mapping[tuple[str, str], InboundWebhook]:
        """The mounted webhooks by provider and name."""
        return self._webhooks

    async def accept(
        self, request: IncomingRequest, provider: str, name: str = "default", *, place: Place | None = None
    ) -> Answer:
        """Return the answer to *request*, after everything that it promises is on disk.

        Never raises for anything that a request contains. Handlers that the provider waits for run at
        *place*, or on threads and the event loop of this process.

        * 2xx: verified and kept, or a repeat of what is kept; or a handshake.
        * 400, 401, 403, 404, 405, 408, 413, 429: not accepted, nothing was changed.
        * 503 with ``Retry-After``: the store is away, or a key cannot be fetched, or what confirms be called.
        * Whatever its handlers answer, where the provider waits for them.
        """
        try:
            webhook, whole = await self._read(request, provider, name)
        except RequestRejected as rejection:
            answer = refused(rejection)
            return closing(answer) if announces_body(Headers(request.headers)) else answer
        answer = await self._answer(webhook, whole, received=request.headers, place=place)
        cut_short = answer.status >= 400 and self._door.is_flooded_by(request.remote_address)
        return closing(answer) if cut_short else answer

    async def verified(self, request: IncomingRequest, provider: str, name: str = "default") -> WebhookEvent:
        """Return the event of *request*, which verifies; it is neither kept nor handled.

        Raises:
            RequestRejected: It does not verify, or cannot be read.
        """
        webhook, whole = await self._read(request, provider, name)
        now = self._rules.now()
        try:
            webhook = await with_key(webhook, whole, self._rules.find_key, self._registry)
            judgement = first_of(self._judge(webhook, whole, now))
        except RequestRejected as rejection:
            raise self._refusal(rejection, whole, (provider, name), webhook=webhook) from rejection
        event = self._event(webhook, whole, judgement=judgement, headers=request.headers, now=now)
        return seen_by_handlers(event, webhook)

    async def _read(
        self, request: IncomingRequest, provider: str, name: str
    ) -> tuple[InboundWebhook, RawRequest]:
        """Return the webhook that *request* is for, and it with its whole body.

        Raises:
            RequestRejected: It leads nowhere, or its body is too large, too slow, or not whole.
        """
        head = self._raw(request, Headers(request.headers), b"")
        webhook: InboundWebhook | None = None
        try:
            webhook = await self._let_in(head, provider, name)
            body = await read_body(
                request,
                head.headers,
                limit=self._limit(webhook),
                seconds=self._door.body_seconds(head.remote_address),
                arriving=self._door.arriving,
                slow=self._door.slow_body(head.remote_address),
            )
        except RequestRejected as rejection:
            raise self._refusal(
                rejection, head, (provider, name), webhook=webhook, body_was_read=False
            ) from rejection
        return webhook, self._raw(request, head.headers, body)

    async def accept_whole(
        self,
        request: RawRequest,
        provider: str,
        name: str = "default",
        *,
        received: tuple[tuple[str, str], ...],
        place: Place | None = None,
    ) -> Answer:
        """Return the answer to *request* as ``accept`` does, for a request whose body is here.

        Its ``public_url`` is this gateway's; *received* are its headers as they came, in order.
        """
        webhook: InboundWebhook | None = None
        try:
            webhook = await self._let_in(request, provider, name)
            check_size(request.body, self._limit(webhook))
        except RequestRejected as rejection:
            return refused(self._refusal(rejection, request, (provider, name), webhook=webhook))
        return await self._answer(webhook, request, received=received, place=place)

    async def _answer(
        self,
        webhook: InboundWebhook,
        request: RawRequest,
        *,
        received: tuple[tuple[str, str], ...],
        place: Place | None,
    ) -> Answer:
        """Answer a request that was let in."""
        began = time.perf_counter()
        try:
            if webhook.handshakes:
                greeting = webhook.greet(request, parse_json=self._rules.parse_json)
                if greeting is not None:
                    return await self._greet(webhook, request, greeting)
            webhook = await with_key(webhook, request, self._rules.find_key, self._registry)
            now = self._rules.now()
            judgements = self._judge(webhook, request, now)
            greeting = judgements[0].greeting if judgements else None
            if greeting is not None and not greeting.is_event:
                return await self._greet(webhook, request, greeting)
            events = [
                self._event(webhook, request, judgement=judgement, headers=received, now=now)
                for judgement in judgements
            ]
            answer, duplicates = await self._take_in(webhook, events, place)
        except RequestRejected as rejection:
            way_in = (webhook.provider, webhook.name)
            return refused(self._refusal(rejection, request, way_in, webhook=webhook))
        except StorageUnavailable as error:
            self._telemetry.tell(StoreFailed("accept", str(error)))
            return UNAVAILABLE
        if webhook.rate_limit is not None:
            self._door.count_event(webhook, webhook.rate_limit)
        if self._telemetry.is_heard(EventAccepted):
            seconds = time.perf_counter() - began
            for event, duplicate in zip(events, duplicates, strict=True):
                self._telemetry.tell(EventAccepted(event, duplicate, seconds))
        if greeting is not None and answer.status < 300:
            return await self._greeter.answer(webhook, greeting)
        return answer

    async def _let_in(self, request: RawRequest, provider: str, name: str) -> InboundWebhook:
        """Judge the head of *request*, before its body is read."""
        webhook = self._webhooks.get((provider, name))
        if self._captured_keys is not None and (provider, name) in self._captured_keys:
            webhook = await self._captured_keys.webhook((provider, name))
        if webhook is None:
            raise UnknownWebhook
        webhook.check_head(method=request.method, remote_address=request.remote_address)
        if webhook.rate_limit is not None and request.method == "POST":
            await self._door.take_token(webhook, webhook.rate_limit)
        return webhook

    async def _greet(self, webhook: InboundWebhook, request: RawRequest, greeting: Greeting) -> Answer:
        if greeting.captured is not None:
            await keep_captured(self._captured_keys, greeting.captured, webhook, request)
        self._give_back(webhook, request)
        return await self._greeter.answer(webhook, greeting)

    def _give_back(self, webhook: InboundWebhook | None, request: RawRequest) -> None:
        if webhook is not None and webhook.rate_limit is not None and request.method == "POST":
            self._door.give_back(webhook, webhook.rate_limit)

    def _refusal(
        self,
        rejection: RequestRejected,
        request: RawRequest,
        way_in: tuple[str, str],
        *,
        webhook: InboundWebhook | None,
        body_was_read: bool = True,
    ) -> RequestRejected:
        """Count and tell a refusal, and return what is answered; *webhook* is where a token was taken."""
        if not getattr(rejection, "verified", False):
            self._give_back(webhook, request)
            if not isinstance(rejection, (TooManyRequests, TooBusy)):
                rejection = self._door.strike(request.remote_address, rejection)
        self._tell_rejection(rejection, request, *way_in, body_was_read=body_was_read)
        return rejection

    def refuse_plain(self, request: RawRequest | IncomingRequest, provider: str, name: str) -> Answer:
        """Return the answer to a request that did not come over HTTPS."""
        head = (
            request if isinstance(request, RawRequest) else self._raw(request, Headers(request.headers), b"")
        )
        answer = refused(
            self._refusal(HttpsRequired(), head, (provider, name), webhook=None, body_was_read=False)
        )
        return answer if head is request else closing(answer)

    def public_url(self, path: str, query: str = "") -> str | None:
        """Return how providers reach *path*; None where that is not configured."""
        if self._rules.public_url is None:
            return None
        return f"{self._rules.public_url}{path}" + (f"?{query}" if query else "")

    def _limit(self, webhook: InboundWebhook) -> int:
        return webhook.body.max_bytes or self._rules.max_body_bytes

    def _raw(self, request: IncomingRequest, headers: Headers, body: bytes) -> RawRequest:
        return RawRequest(
            method=request.method,
            path=request.path,
            query=request.query,
            headers=headers,
            body=body,
            remote_address=request.remote_address,
            public_url=self.public_url(request.path, request.query),
        )

    def _judge(self, webhook: InboundWebhook, request: RawRequest, now: datetime) -> Sequence[Judgement]:
        processor = self._registry.processor(webhook.provider, webhook.name)
        return webhook.judge_all(
            request,
            now=now,
            parse_json=self._rules.parse_json,
            verifier=None if processor is None else processor.verifier,
        )

    def _event(
        self,
        webhook: InboundWebhook,
        raw: RawRequest,
        *,
        judgement: Judgement,
        headers: tuple[tuple[str, str], ...],
        now: datetime,
    ) -> ReceivedEvent:
        return ReceivedEvent(
            id=self._rules.new_id("evt_"),
            tenant=webhook.tenant,
            provider=webhook.provider,
            webhook_name=webhook.name,
            event_type=judgement.event_type,
            action=judgement.action,
            event_id=judgement.event_id,
            method=raw.method,
            path=raw.path,
            query=raw.query,
            headers=headers,
            body=raw.body if judgement.body is None else judgement.body,
            remote_address=raw.remote_address,
            received_at=now,
            occurred_at=judgement.occurred_at,
            proof=judgement.proof,
            dedupe_keys=judgement.dedupe_keys,
        )

    async def _take_in(
        self, webhook: InboundWebhook, events: Sequence[ReceivedEvent], place: Place | None
    ) -> tuple[Answer, Sequence[bool]]:
        """Handle the events now, or keep them for a worker; return the answer, and which are repeats."""
        is_inline = (webhook.mode or self._rules.mode) == "inline"
        if webhook.batch is not None:
            return await self._batches.take_in(webhook, events, place=place, is_inline=is_inline)
        (event,) = events
        if is_inline:
            answer, duplicate = await self._inline.answer(webhook, event, place)
            return answer, (duplicate,)
        outcome = await self._keep(webhook, event)
        answer = accepted(event, outcome) if webhook.response is None else replied(webhook.response)
        return answer, (outcome.duplicate,)

    async def _keep(self, webhook: InboundWebhook, event: ReceivedEvent) -> Accepted:
        processor = self._registry.processor(webhook.provider, webhook.name)
        handlings = handlings_for(event, webhook, processor, publishing=self._rules.publishing)
        if self._events is None:
            raise StorageUnavailable
        offer = self._intake.offer() if handlings else None
        outcome = await self._events.accept(event, handlings, handoff=offer)
        if outcome.claims:
            self._intake.take(outcome.claims)
        return outcome

    def _tell_rejection(
        self,
        rejection: RequestRejected,
        request: RawRequest,
        provider: str,
        name: str,
        *,
        body_was_read: bool,
    ) -> None:
        log_refusal(rejection, provider=provider, name=name)
        own_id, now = self._rules.new_id("rej_"), self._rules.now()
        kept = rejection_of(
            rejection, request, provider=provider, name=name, id=own_id, now=now, body_was_read=body_was_read
        )
        self._telemetry.tell(EventRejected(kept))
