"""Playing the examples of a ``webhook.yaml``: what a request comes to, by name. Floor 3."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from cryptography.x509 import load_pem_x509_certificates

from smart_api_integrations.core.handshakes import Greeting
from smart_api_integrations.core.inbound_webhook import InboundWebhook, Judgement
from smart_api_integrations.core.signatures.certificates import CertificateRefused
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import KeyUnavailable, RequestRejected, SignatureMismatch
from smart_api_integrations.providers.definitions import Definition
from smart_api_integrations.providers.webhook_yaml import Example

_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)


def play(definition: Definition, example: Example) -> str:
    """Return what became of the example's request, to be compared with ``example.expect``.

    ``accepted``, ``verified`` (where the example asks for no more), ``handshake``, the refusing exception's
    name, or what was read or answered differently from what the example says.
    """
    webhook, request = _webhook(definition, example), _request(example)
    now = example.now or _ANY_TIME
    try:
        if example.expect == "verified":
            webhook.verify(request, now=now)
            return "verified"
        webhook.check_head(method=request.method, remote_address=None)
        greeting = webhook.greet(request)
        if greeting is not None:
            return _greeted(greeting, example)
        webhook = _with_key(webhook, request, example, now=now)
        judgements = webhook.judge_all(request, now=now)
    except RequestRejected as rejection:
        return type(rejection).__name__
    return _read(judgements[0], example) if judgements else "accepted"


def _read(judgement: Judgement, example: Example) -> str:
    if judgement.greeting is not None:
        return _greeted(judgement.greeting, example)
    for word in ("event_type", "action", "event_id"):
        expected, found = getattr(example, word), getattr(judgement, word)
        if expected is not None and found != expected:
            return f"accepted, but {word} is {found!r}"
    return "accepted"


def _with_key(
    webhook: InboundWebhook, request: RawRequest, example: Example, *, now: datetime
) -> InboundWebhook:
    """Return the webhook with the key that the example says is fetched, read as the platform reads it."""
    wanted = webhook.wanted_key(request)
    if wanted is None:
        return webhook
    roots = load_pem_x509_certificates(example.trusted.encode()) if example.trusted else ()
    try:
        keys = wanted.address.read((example.fetched or "").encode(), now=now, roots=roots)
    except CertificateRefused as error:
        raise SignatureMismatch from error
    except ValueError as error:
        raise KeyUnavailable from error
    return replace(webhook, secrets=keys.named(wanted.key_id))


def _greeted(greeting: Greeting, example: Example) -> str:
    answered = greeting.reply.body.decode()
    if example.answer is not None and answered != example.answer:
        return f"handshake, but the answer is {answered!r}"
    return "handshake"


def _webhook(definition: Definition, example: Example) -> InboundWebhook:
    form = definition.secret_form
    main = {} if form is None or example.secret is None else {form.names[0]: example.secret}
    environ = {**main, **example.environ}
    return replace(
        definition.webhook,
        secrets=definition.needs.read(environ),
        variables=environ,
        public_url=example.public_url,
        handshakes=tuple(handshake.resolved(environ) for handshake in definition.webhook.handshakes),
    )


def _request(example: Example) -> RawRequest:
    headers = [
        (name, value)
        for name, values in example.headers.items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    return RawRequest(
        method=example.method, query=example.query, headers=Headers(headers), body=example.body.encode()
    )
