"""Signed requests of any known provider, for tests of an application that receives them. Floor 10."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from smart_api_integrations.core.signatures.fetched_keys import FetchedKeyScheme
from smart_api_integrations.core.webhook_schema import Headers, RawRequest, WebhookEvent
from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.providers.catalogue import Source, load_catalogue, load_definitions
from smart_api_integrations.providers.made_secrets import key_pair, made_signer, make_secrets, stranger_of
from smart_api_integrations.providers.samples import EXAMPLE_URL, signed_request

TEST_SECRET = "746573742d7365637265742d6f662d746865" + "2d7465737473206e6f742d7265616c"
"""Valid as text, as hex and as base64: whatever encoding a provider's secrets have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedWebhook:
    """A request as its provider would send it, ready for any test client.

    Flask: ``client.post(hook.path, data=hook.body, headers=hook.headers)``. FastAPI:
    ``client.post(hook.path, content=hook.body, headers=hook.headers)``. Django:
    ``client.post(hook.path, data=hook.body, content_type=hook.content_type, **hook.wsgi_headers)``.

    Attributes:
        provider: Whose request it is.
        webhook_name: Which of the provider's webhooks it is for.
        path: ``/webhooks/<provider>`` and, unless it is the default one, the webhook's name.
        headers: With the signature.
        body: The exact bytes that are signed.
        event: What a handler gets for it.
    """

    provider: str
    webhook_name: str
    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    event: WebhookEvent

    @property
    def payload(self) -> Any:
        """The parsed body."""
        return self.event.payload

    @property
    def content_type(self) -> str:
        """The body's type."""
        return Headers(self.headers)["content-type"]

    @property
    def wsgi_headers(self) -> dict[str, str]:
        """The headers as Django's test client takes them: ``HTTP_X_SIGNATURE``; without the content type."""
        return {
            f"HTTP_{name.upper().replace('-', '_')}": value
            for name, value in self.headers.items()
            if name.lower() not in {"content-type", "content-length"}
        }

    @property
    def request(self) -> RawRequest:
        """The request as the gateway takes it."""
        return RawRequest(
            path=self.path,
            headers=Headers(self.headers),
            body=self.body,
            public_url=EXAMPLE_URL + self.path,
        )


class SignedWebhooks:
    """Makes signed requests: ``webhook("github", "push")``, or ``webhook.github("push")``."""

    def __init__(self, providers_dir: Path | None = None) -> None:
        """Know the packaged providers and, over them, those in *providers_dir*."""
        self._providers_dir = providers_dir

    def __call__(
        self,
        provider: str,
        event: str,
        payload: Any = None,
        *,
        webhook_name: str = "default",
        secret: str | None = None,
        now: datetime | None = None,
        bad_signature: bool = False,
        **changes: Any,
    ) -> SignedWebhook:
        """Return a request for *event* of *provider* that verifies.

        Args:
            provider: ``github``.
            event: A type, or a type with its action: ``pull_request.opened``.
            payload: Sent instead of the sample.
            webhook_name: Which of the provider's webhooks.
            secret: Signs it; what the provider's variable holds otherwise.
            now: When it is signed; an old one is refused by providers that sign a time.
            bad_signature: Sign with a secret that nobody has.
            **changes: Laid over the sample's payload, mappings within mappings.

        Raises:
            NotFound: The provider or webhook is unknown.
            InvalidInput: The event cannot be one, *changes* do not fit, or the scheme cannot be signed for.
            SecretMissing: There is nothing to sign with.
        """
        catalogue = load_catalogue(
            providers_dir=self._providers_dir, environ=os.environ, public_url=EXAMPLE_URL
        )
        source = catalogue.source(provider, webhook_name)
        signer = secret or made_signer(source)
        made = _Made(source, event, secret=signer, now=now or datetime.now(UTC))
        content = laid_over(_payload_of(made.signed(payload)), changes) if changes else payload
        request = made.signed(content)
        sent = made.signed(content, stranger_of(source)) if bad_signature else request
        return SignedWebhook(
            provider=provider,
            webhook_name=webhook_name,
            path=sent.path,
            headers=dict(sent.headers),
            body=sent.body,
            event=made.event(request),
        )

    def __getattr__(self, provider: str) -> Callable[..., SignedWebhook]:
        """Return the factory of one provider's requests."""
        if provider.startswith("_"):
            raise AttributeError(provider)

        def of_provider(event: str, payload: Any = None, **options: Any) -> SignedWebhook:
            return self(provider, event, payload, **options)

        return of_provider


@dataclass(frozen=True, slots=True)
class _Made:
    """How the requests of one call are made."""

    source: Source
    name: str
    secret: str | None = field(kw_only=True)
    now: datetime = field(kw_only=True)

    def signed(self, payload: Any, secret: str | None = None) -> RawRequest:
        return signed_request(
            self.source,
            self.name,
            now=self.now,
            delivery_id=f"test_{secrets.token_hex(12)}",
            secret=secret or self.secret,
            payload=payload,
        )

    def event(self, request: RawRequest) -> WebhookEvent:
        """Return what a handler gets for *request*."""
        form, webhook = self.source.definition.secret_form, self.source.webhook
        if self.secret is not None and form is not None and not form.algorithms:
            webhook = replace(webhook, secrets=(form.decode(form.names[0], self.secret),))
        if isinstance(webhook.scheme, FetchedKeyScheme):
            fetched = key_pair(webhook.scheme.address.algorithms[0]).secret
            webhook = replace(webhook, secrets=(fetched,))
        believed = replace(webhook, allowed_networks=())
        judged = believed.judge(request, now=self.now)
        body = request.body if judged.body is None else judged.body
        return WebhookEvent(
            provider=believed.provider,
            webhook_name=believed.name,
            type=judged.event_type,
            action=judged.action,
            event_id=judged.event_id,
            account=believed.read_again(replace(request, body=body))[1],
            payload=judged.payload,
            body=body,
            headers=request.headers,
            timestamp=self.now,
            verified=True,
        )


def secrets_for_tests(providers_dir: Path | None) -> Mapping[str, str]:
    """Return a secret, or a public key, for every variable that a provider reads and that is not set."""
    return make_secrets(load_definitions(providers_dir).values(), os.environ, secret=TEST_SECRET)


def laid_over(below: Any, changes: Mapping[str, Any]) -> Any:
    """Return *below* with *changes* in it, mappings within mappings.

    >>> laid_over({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}})
    {'a': {'b': 3, 'c': 2}}

    Raises:
        InvalidInput: *below* is no mapping.
    """
    if not isinstance(below, Mapping):
        message = "The sample's payload is no object: give the whole payload instead of changes to it."
        raise InvalidInput(message)
    merged = dict(below)
    for name, value in changes.items():
        inside = merged.get(name)
        both = isinstance(value, Mapping) and isinstance(inside, Mapping)
        merged[name] = laid_over(inside, value) if both else value
    return merged


def _payload_of(request: RawRequest) -> Any:
    try:
        return json.loads(request.body)
    except ValueError as error:
        message = "The sample is sent as a form: give the whole payload instead of changes to it."
        raise InvalidInput(message) from error
