"""One way in for a provider, and the judgement of a request that comes through it. Floor 1.

Rules:

1. First the sender's address, where the webhook has a list of them; then the signature, over the exact
   bytes; only then is anything parsed.
2. A request is either judged whole or refused: ``VerificationFailed`` before it was believed,
   ``MalformedRequest`` with ``verified`` set after it. Nothing else comes out, whatever goes in.
3. Nothing here reads a clock, a store or the environment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from smart_api_integrations.core.batches import BatchRules, Item, split
from smart_api_integrations.core.deduplication import dedupe_keys
from smart_api_integrations.core.endpoint import DEFAULT_TENANT
from smart_api_integrations.core.event_types import matches
from smart_api_integrations.core.extraction import Extraction
from smart_api_integrations.core.handshakes import Greeting, Handshake, find_greeting, is_token, methods_of
from smart_api_integrations.core.journal import Proof
from smart_api_integrations.core.publish_maps import PublishMap
from smart_api_integrations.core.records import record
from smart_api_integrations.core.replies import Reply
from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.signatures import Scheme, Secret, Verified
from smart_api_integrations.core.signatures.fetched_keys import FetchedKeyScheme, WantedKey
from smart_api_integrations.core.signatures.verifier_scheme import GENERIC_SIGNATURE, VerifierScheme
from smart_api_integrations.core.source_addresses import Network, is_listed
from smart_api_integrations.core.templates import Template
from smart_api_integrations.core.webhook import WebhookVerifier
from smart_api_integrations.core.webhook_schema import RawRequest, parse_json, parse_kept_json
from smart_api_integrations.errors import (
    AddressNotAllowed,
    HandshakeRefused,
    MalformedRequest,
    MethodNotAllowed,
    SignatureMalformed,
    SignatureMismatch,
    SignatureMissing,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyRules:
    """How a webhook's bodies are read.

    Attributes:
        form_json_field: The form field that holds the JSON, for providers that can send a form.
        max_bytes: The largest body; None for the platform's own limit.
    """

    form_json_field: str | None = None
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """How many requests a webhook takes."""

    requests_per_minute: int
    burst_limit: int | None = None


@record
class Judgement:
    """What is known of a request that verified.

    Attributes:
        proof: Why it was believed.
        payload: The parsed body.
        event_type: The provider's word for what happened, or None.
        action: Its second half, or None.
        event_id: The provider's own id, or None.
        occurred_at: When the provider says that it happened, or None.
        dedupe_keys: What a store tells a duplicate by.
        greeting: What the handshake came to that the request is, or None. Such a request is an event only
            where the greeting says so; else nothing was read of it.
    """

    proof: Proof
    payload: Any = field(repr=False)
    event_type: str | None
    action: str | None
    event_id: str | None
    occurred_at: datetime | None
    dedupe_keys: tuple[bytes, ...]
    greeting: Greeting | None = None
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundWebhook:
    """One way in: ``provider`` and ``name``.

    Attributes:
        path: An address of its own beside ``/webhooks/{provider}[/{name}]``, or None.
        public_url: How its provider reaches it, where that is not the platform's own URL and path.
        scheme: How its requests are verified.
        secrets: Newest first; any of them verifies.
        variables: What its templates read of the environment.
        signature: Where a verifier of the user's own finds the signature.
        extraction: Where its requests say what they are about.
        body: How its bodies are read.
        batch: Where the events are, for a provider that sends several in one request.
        events: Patterns of the types that are handled; others are kept and ignored. Empty for all.
        mode: ``inline`` or ``queued``; None for the place's own default.
        allowed_networks: Where its requests may come from; empty for anywhere.
        documentation: The provider's page on its webhooks.
        handshakes: Requests that are answered without an event.
        response: The answer to an accepted event; None for the platform's own.
        signed_once: Whether the same signed bytes are the same event; not so where a provider's
            notifications say only that something happened.
        publish: Which internal events its events are.
    """

    provider: str
    name: str = "default"
    tenant: str = DEFAULT_TENANT
    path: str | None = None
    public_url: str | None = None
    scheme: Scheme
    secrets: tuple[Secret, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    signature: Template = GENERIC_SIGNATURE
    extraction: Extraction = field(default_factory=Extraction)
    body: BodyRules = field(default_factory=BodyRules)
    batch: BatchRules | None = None
    events: tuple[str, ...] = ()
    mode: Literal["inline", "queued"] | None = None
    rate_limit: RateLimit | None = None
    allowed_networks: tuple[Network, ...] = ()
    documentation: str | None = None
    handshakes: tuple[Handshake, ...] = ()
    response: Reply | None = None
    signed_once: bool = True
    publish: tuple[PublishMap, ...] = ()

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that it takes, ``POST`` first."""
        return methods_of(self.handshakes)

    def check_head(self, *, method: str, remote_address: str | None) -> None:
        """Return if the head of a request is one that it takes: it is looked at before anything is read.

        Raises:
            MethodNotAllowed: It takes no such method.
            AddressNotAllowed: It is from an address that is not listed.
        """
        if method != "POST" and method not in self.methods:
            raise MethodNotAllowed(allowed=self.methods)
        if self.allowed_networks and not is_listed(remote_address, self.allowed_networks):
            raise AddressNotAllowed

    def greet(
        self, request: RawRequest, *, parse_json: Callable[[bytes], Any] = parse_json
    ) -> Greeting | None:
        """Return what the handshake comes to that *request* is, of those that need no signature.

        Raises:
            MalformedRequest: It is one, but cannot be answered.
            HandshakeRefused: Likewise.
        """
        return self._greeting(self._view(request, parse_json), verified=False)

    def wanted_key(
        self, request: RawRequest, *, parse_json: Callable[[bytes], Any] = parse_json
    ) -> WantedKey | None:
        """Return the key to fetch before *request* is judged, with it as ``secrets``; None for most webhooks.

        Raises:
            VerificationFailed: It carries no signature in form, or its key is where none may be fetched.
        """
        if not isinstance(self.scheme, FetchedKeyScheme):
            return None
        return self.scheme.wanted(self._view(request, parse_json))

    def judge(
        self,
        request: RawRequest,
        *,
        now: datetime,
        parse_json: Callable[[bytes], Any] = parse_json,
        verifier: WebhookVerifier | None = None,
    ) -> Judgement:
        """Verify *request*, then read it; of several events in it, the first.

        Args:
            request: What came off the socket.
            now: What the signed time is judged against.
            parse_json: Parses a body; raises ``MalformedRequest`` for what is not JSON.
            verifier: Replaces the scheme.

        Raises:
            VerificationFailed: It did not verify; nothing of it was parsed but what is signed. Or it is
                no ``POST`` and none of the handshakes.
            MalformedRequest: It verified, but cannot be read, or holds no event; ``verified`` is True.
        """
        if self.batch is not None:
            return first_of(self.judge_all(request, now=now, parse_json=parse_json, verifier=verifier))
        view = self._view(request, parse_json)
        verified = self._verify(view, now=now, verifier=verifier)
        greeting = self._greeting(view, verified=True) if self.handshakes else None
        if greeting is not None and not greeting.is_event:
            return _no_event(verified.proof, greeting)
        if greeting is None and request.method != "POST":
            raise HandshakeRefused
        try:
            return self._judgement(view, verified, greeting)
        except MalformedRequest as error:
            raise error.once_verified() from error

    def judge_all(
        self,
        request: RawRequest,
        *,
        now: datetime,
        parse_json: Callable[[bytes], Any] = parse_json,
        verifier: WebhookVerifier | None = None,
    ) -> Sequence[Judgement]:
        """Judge *request* as ``judge`` does; return a judgement of each event in it, in their order.

        None where its list is empty; one where it is a handshake, or the webhook takes one event at a time.

        Raises:
            VerificationFailed: It did not verify, or one of its events did not.
            MalformedRequest: It verified, but cannot be read, or holds too many events.
        """
        if self.batch is None:
            return (self.judge(request, now=now, parse_json=parse_json, verifier=verifier),)
        view = self._view(request, parse_json)
        if self.batch.verify_each and verifier is None:
            believed = self._verify_each(view, self.batch, now=now)
            verified = believed[0][1]
        else:
            believed = []
            verified = self._verify(view, now=now, verifier=verifier)
        greeting = self._greeting(view, verified=True) if self.handshakes else None
        if greeting is not None and not greeting.is_event:
            return (_no_event(verified.proof, greeting),)
        if greeting is None and request.method != "POST":
            raise HandshakeRefused
        try:
            believed = believed or _numbered(split(view, self.batch), verified)
            return [
                replace(self._judgement(item.view, proven, greeting), body=item.body)
                for item, proven in believed
            ]
        except MalformedRequest as error:
            raise error.once_verified() from error

    def verify(
        self, request: RawRequest, *, now: datetime, verifier: WebhookVerifier | None = None
    ) -> Verified:
        """Verify *request* without reading it.

        Raises:
            VerificationFailed: It did not verify.
        """
        view = self._view(request, parse_json)
        if self.batch is not None and self.batch.verify_each and verifier is None:
            return self._verify_each(view, self.batch, now=now)[0][1]
        return self._verify(view, now=now, verifier=verifier)

    def read_again(
        self, request: RawRequest, *, parse_json: Callable[[bytes], Any] = parse_kept_json
    ) -> tuple[Any, str | None]:
        """Return the payload and the account of a request that was judged before, from what is kept of it.

        Raises:
            MalformedRequest: The body cannot be read.
        """
        view = self._view(request, parse_json)
        return self.extraction.payload_of(view), self.extraction.account_of(view)

    def first_view(self, request: RawRequest) -> RequestView:
        """Return what *request* is read from, without verifying it; of several events in it, the first.

        Raises:
            MalformedRequest: It cannot be split.
        """
        view = self._view(request, parse_json)
        items = [] if self.batch is None else split(view, self.batch)
        return items[0].view if items else view

    def expects(self, event_type: str | None, action: str | None = None) -> bool:
        """Tell whether events of this type are handled, or only kept."""
        return not self.events or any(matches(pattern, event_type, action) for pattern in self.events)

    def _view(self, request: RawRequest, parse_json: Callable[[bytes], Any]) -> RequestView:
        view = RequestView(
            request,
            parse_json=parse_json,
            form_json_field=self.body.form_json_field,
            variables=self.variables,
        )
        if self.public_url is not None:
            # one that has a query of its own is the whole URL, as it was entered at the provider
            added = f"?{request.query}" if request.query and "?" not in self.public_url else ""
            view.url = self.public_url + added
        return view

    def _verify(self, view: RequestView, *, now: datetime, verifier: WebhookVerifier | None) -> Verified:
        if self.allowed_networks and not is_listed(view.request.remote_address, self.allowed_networks):
            raise AddressNotAllowed
        if verifier is None:
            verified = self.scheme.verify(view, now=now, secrets=self.secrets)
        else:
            scheme = VerifierScheme(verifier=verifier, signature=self.signature)
            verified = scheme.verify(view, now=now, secrets=self.secrets)
        if self.handshakes:
            self._refuse_answers(verified)
        return verified

    def _refuse_answers(self, verified: Verified) -> None:
        """Refuse a text that this webhook signs itself, for whoever asks."""
        signs = any(handshake.compute for handshake in self.handshakes)
        if signs and verified.signed is not None and is_token(verified.signed):
            message = "What is signed is a token as handshakes are answered with: that proves no event."
            raise SignatureMismatch(message)

    def _verify_each(
        self, view: RequestView, batch: BatchRules, *, now: datetime
    ) -> list[tuple[Item, Verified]]:
        """Verify every event by itself; a request without any has nothing that proves it."""
        try:
            items = split(view, batch)
        except MalformedRequest as error:
            raise SignatureMalformed(str(error)) from error
        if not items:
            raise SignatureMissing
        return [(item, self._verify(item.view, now=now, verifier=None)) for item in items]

    def _judgement(self, view: RequestView, verified: Verified, greeting: Greeting | None) -> Judgement:
        payload = self.extraction.payload_of(view)
        extracted = self.extraction.read(view)
        return Judgement(
            proof=verified.proof,
            payload=payload,
            event_type=extracted.event_type,
            action=extracted.action,
            event_id=extracted.event_id,
            occurred_at=extracted.occurred_at,
            dedupe_keys=dedupe_keys(
                tenant=self.tenant,
                provider=self.provider,
                webhook_name=self.name,
                event_id=extracted.exact_event_id,
                signed=verified.signed if self.signed_once else None,
            ),
            greeting=greeting,
        )

    def _greeting(self, view: RequestView, *, verified: bool) -> Greeting | None:
        return find_greeting(self.handshakes, view, verified=verified, secrets=self.secrets)


def first_of(judgements: Sequence[Judgement]) -> Judgement:
    """Return the first of what ``judge_all`` returned.

    Raises:
        MalformedRequest: There is none.
    """
    if not judgements:
        message = "The request holds no event."
        raise MalformedRequest(message, verified=True)
    return judgements[0]


def _numbered(items: Sequence[Item], verified: Verified) -> list[tuple[Item, Verified]]:
    """Return *items* with what proves each: the bytes that were signed together, and its place among them."""
    if verified.signed is None:
        return [(item, verified) for item in items]
    whole = hashlib.sha256(verified.signed).digest()  # once: a batch may be large, and long
    return [
        (item, replace(verified, signed=whole + place.to_bytes(4, "big"))) for place, item in enumerate(items)
    ]


def _no_event(proof: Proof, greeting: Greeting) -> Judgement:
    return Judgement(
        proof=proof,
        payload=None,
        event_type=None,
        action=None,
        event_id=None,
        occurred_at=None,
        dedupe_keys=(),
        greeting=greeting,
    )
