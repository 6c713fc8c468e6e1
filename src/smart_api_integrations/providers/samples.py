"""Signed requests as a provider would send them, for ``webhooks trigger`` and tests. Floor 3.

A provider's ``webhook.yaml`` holds samples of its common events; any other event gets a small payload
with the type, the action and the id put where the webhook reads them. In a sample's texts
``{delivery_id}``, ``{sha1}``, ``{now}``, ``{unix}`` and ``{unix_ms}`` stand for what differs from one
delivery to the next: where a provider signs the body alone, equal bodies would be one event.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

from smart_api_integrations.core.inbound_webhook import InboundWebhook
from smart_api_integrations.core.request_view import FORM_TYPE, RequestView
from smart_api_integrations.core.signatures import Secret
from smart_api_integrations.core.templates import Reference, Template, compile_template
from smart_api_integrations.core.timestamps import format_timestamp
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import InvalidInput, SecretMissing
from smart_api_integrations.providers.batch_samples import as_batch, events_in, sign_each
from smart_api_integrations.providers.catalogue import Source
from smart_api_integrations.providers.webhook_yaml import SampleBlock

_TIMES: Mapping[str, str] = {"now": "rfc3339", "unix": "s", "unix_ms": "ms"}
EXAMPLE_URL = "https://webhooks.example.com"
"""Stands in what a provider signs, where it signs the URL and none is configured."""
_EVENT = re.compile(r"[A-Za-z0-9/][A-Za-z0-9_.:/-]{0,199}")


def signed_request(
    source: Source,
    event: str,
    *,
    now: datetime,
    delivery_id: str,
    secret: str | Sequence[Secret] | None = None,
    payload: Any = None,
) -> RawRequest:
    """Return a request for *event* that verifies at *source*.

    Args:
        source: The webhook that it is for.
        event: A type, or a type with its action: ``pull_request.opened``.
        now: When it is signed.
        delivery_id: Stands where the provider puts the event's id; another one makes another event.
        secret: Signs it; the webhook's newest one otherwise. Where the provider signs with a key pair, the
            private key; where it proves itself in several ways, one secret for each of them.
        payload: Sent instead of the sample; what it lacks of type, action and id is added.

    Raises:
        InvalidInput: *event* cannot be an event type, or is a known one misspelt; or the webhook's
            scheme cannot be signed for, or only with the provider's private key.
        SecretMissing: There is no secret.
    """
    sample = find_sample(source.definition.samples, event)
    draft = _draft(source, event, sample=sample, payload=deepcopy(payload))
    if payload is None:
        draft.payload = _fill(draft.payload, _words(now, delivery_id, source.webhook.variables))
    rules = source.webhook.batch
    if rules is not None and not draft.form:
        draft.payload = as_batch(draft.payload, rules)
    extraction = source.webhook.extraction
    _place(extraction.event_type, draft.event, draft, over=sample is None and payload is None)
    if draft.action is not None and extraction.action is not None:
        _place(extraction.action, draft.action, draft)
    if extraction.event_id is not None:
        _place(extraction.event_id, delivery_id, draft, over=payload is None)
    path = usual_path(source)
    request = replace(draft.request(path), public_url=source.called_url(path, server_url=EXAMPLE_URL))
    secrets = signing_secrets(source, secret)
    scheme = source.webhook.scheme
    if rules is not None and rules.verify_each:
        return sign_each(request, rules, scheme, now=now, secrets=secrets, message_id=delivery_id)
    return scheme.sign(
        request,
        now=now,
        secrets=secrets,
        message_id=delivery_id,
        variables=source.webhook.variables,
    )


def known_events(source: Source) -> tuple[str, ...]:
    """Return the events that the source has samples of, as ``type`` or ``type.action``."""
    return tuple(dict.fromkeys(_name(sample) for sample in source.definition.samples))


def find_sample(samples: tuple[SampleBlock, ...], event: str) -> SampleBlock | None:
    """Return the sample of *event*, or None where any small payload must do.

    Raises:
        InvalidInput: *event* cannot be a type, or differs from a known one by case or separators only.
    """
    names = {_name(sample): sample for sample in reversed(samples)}
    types = {sample.event: sample for sample in reversed(samples)}
    found = names.get(event) or types.get(event)
    if found is not None:
        return found
    letters = _letters(event)
    alike = [name for name in {**names, **types} if _letters(name) == letters]
    if alike or not _EVENT.fullmatch(event):
        known = ", ".join(alike or names) or "any word without blanks"
        message = f"The event {event!r} is unknown; known are: {known}."
        raise InvalidInput(message)
    return None


@dataclass(slots=True, kw_only=True)
class _Draft:
    """A request that is being written."""

    event: str
    action: str | None
    payload: Any
    form: bool = False
    is_sample: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    webhook: InboundWebhook

    def view(self) -> RequestView:
        """Return what its first event is read from."""
        return self.webhook.first_view(self.request("/"))

    def request(self, path: str, headers: Mapping[str, str] | None = None) -> RawRequest:
        if self.form:
            body = urlencode(self.payload).encode()
        else:
            body = json.dumps(self.payload, ensure_ascii=False, separators=(",", ":")).encode()
        return RawRequest(path=path, headers=Headers(headers or self.headers), body=body)


def _draft(source: Source, event: str, *, sample: SampleBlock | None, payload: Any) -> _Draft:
    form = sample is not None and sample.form
    headers = {"Content-Type": FORM_TYPE if form else "application/json"}
    if sample is not None:
        content = sample.payload if payload is None else payload
        headers |= sample.headers
        return _Draft(
            event=sample.event,
            action=sample.action,
            payload=content,
            form=form,
            is_sample=payload is None,
            headers=headers,
            webhook=source.webhook,
        )
    kind, dot, action = (
        event.partition(".") if source.webhook.extraction.action is not None else (event, "", "")
    )
    content = {"created_at": "{now}", "data": {"sample": "{delivery_id}"}} if payload is None else payload
    return _Draft(
        event=kind,
        action=action if dot else None,
        payload=content,
        headers=headers,
        webhook=source.webhook,
    )


def _fill(value: Any, words: Mapping[str, str | int]) -> Any:
    """Return a copy of *value* with its placeholders filled; one that stands alone keeps its kind."""
    if isinstance(value, dict):
        return {key: _fill(item, words) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, words) for item in value]
    if not isinstance(value, str) or "{" not in value:
        return value
    if value in words:
        return words[value]
    for placeholder, text in words.items():
        value = value.replace(placeholder, str(text))
    return value


def _words(now: datetime, delivery_id: str, variables: Mapping[str, str]) -> Mapping[str, str | int]:
    """Return what the placeholders of a sample stand for, in the order in which they are filled."""
    times = {f"{{{word}}}": format_timestamp(now, unit) for word, unit in _TIMES.items()}
    return {
        "{delivery_id}": delivery_id,
        "{sha1}": hashlib.sha1(delivery_id.encode(), usedforsecurity=False).hexdigest(),
        **{f"{{env:{name}}}": text for name, text in variables.items()},
        **{word: int(text) if word in {"{unix}", "{unix_ms}"} else text for word, text in times.items()},
    }


def _place(template: Template, value: str, draft: _Draft, *, over: bool = False) -> None:
    """Put *value* where *template* reads it; what it reads already stays, unless *over*.

    The body of a sample is as the provider sends it: only a place that it has is written to. Elsewhere
    places are made until the template reads something.
    """
    if not over and template.render(draft.view()):
        return
    kinds = ("header", "json_key", *(("form",) if draft.form else ("json", "item")))
    references = [each for each in template.references if each.kind in kinds]
    if draft.is_sample:
        there = (each for each in references if each.kind == "header" or _reads(each, draft))
        references = list(there)[:1]
    for number, reference in enumerate(references):
        if number == 0 or not _reads(reference, draft):
            _write(reference, value, draft)
        if template.render(draft.view()):
            return


def _write(reference: Reference, value: str, draft: _Draft) -> None:
    if reference.kind == "header":
        draft.headers[reference.argument] = value
    elif reference.kind == "item" and draft.webhook.batch is not None:
        for event in events_in(draft.payload, draft.webhook.batch)[:1]:
            _set(event, reference.argument.split("."), value)
    elif reference.kind == "json_key":
        draft.payload = {value: draft.payload}
    else:
        steps = [reference.argument] if draft.form else reference.argument.split(".")
        _set(draft.payload, steps, value)


def _reads(reference: Reference, draft: _Draft) -> bool:
    written = f"{{{reference.kind}:{reference.argument}}}"
    return compile_template(written).render(draft.view()) is not None


def _set(payload: Any, steps: list[str], value: str) -> None:
    for step, following in pairwise(steps):
        if isinstance(payload, list):
            payload = payload[int(step)] if step.isdigit() and int(step) < len(payload) else None
        else:
            made: Any = [{}] if following == "0" else {}
            payload = payload.setdefault(step, made) if isinstance(payload, dict) else None
    if isinstance(payload, dict):
        payload[steps[-1]] = value


def signing_secrets(source: Source, given: str | Sequence[Secret] | None = None) -> Sequence[Secret]:
    """Return what signs for *source*: what is *given*, or else its own secrets; none where it needs none.

    Raises:
        SecretMissing: There is none, or what is given is blank.
        ConfigurationError: What is given is not in the encoding that the provider documents.
    """
    form = source.definition.secret_form
    if given is not None and not isinstance(given, str):
        return given
    if form is None:  # it needs none, or its public key is fetched: then the private one is given
        return () if given is None else (Secret(name="the private key", text=given, key=given.encode()),)
    if given is not None:
        signer = form.decode_signer(form.names[0], given)
        return (signer, *(other for other in source.webhook.secrets if other.part != signer.part))
    if not source.webhook.secrets:
        message = f"{form.names[0]} is not set: set it to the webhook's signing secret."
        raise SecretMissing(message)
    return source.webhook.secrets


def usual_path(source: Source) -> str:
    """Return the path that every webhook has beside its own."""
    provider, name = source.key
    return f"/webhooks/{provider}" + ("" if name == "default" else f"/{name}")


def _name(sample: SampleBlock) -> str:
    return f"{sample.event}.{sample.action}" if sample.action else sample.event


def _letters(event: str) -> str:
    return re.sub(r"[^a-z0-9]", "", event.lower())
