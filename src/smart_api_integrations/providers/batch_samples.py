"""Samples of providers that send several events in one request. Floor 3.

A sample's payload is the request's whole JSON, or one event, which is sent as a list of one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from smart_api_integrations.core.batches import BatchRules
from smart_api_integrations.core.references import items_at
from smart_api_integrations.core.signatures import Scheme, Secret
from smart_api_integrations.core.webhook_schema import RawRequest
from smart_api_integrations.errors import InvalidInput


def as_batch(payload: Any, rules: BatchRules) -> Any:
    """Return *payload* as the provider sends it: with the list of events that *rules* tell of.

    >>> as_batch({"id": 1}, BatchRules(items="entry.*.changes", each="value"))
    {'entry': [{'changes': [{'value': {'id': 1}}]}]}
    """
    if events_in(payload, rules) or (not rules.items and isinstance(payload, list)):
        return payload
    for step in reversed(rules.each.split(".") if rules.each else []):
        payload = {step: payload}
    payload = [payload]
    for step in reversed(rules.items.split(".") if rules.items else []):
        payload = [payload] if step == "*" else {step: payload}
    return payload


def events_in(payload: Any, rules: BatchRules) -> list[dict[str, Any]]:
    """Return the events in a whole payload, the very objects."""
    if not rules.items and not isinstance(payload, list):
        return []
    found = items_at(payload, rules.items)
    if rules.each:
        found = [event for item in found for event in items_at(item, rules.each)]
    return [event for event in found if isinstance(event, dict)]


def sign_each(
    request: RawRequest,
    rules: BatchRules,
    scheme: Scheme,
    *,
    now: datetime,
    secrets: Sequence[Secret],
    message_id: str,
) -> RawRequest:
    """Return *request* with every event of it signed by itself.

    Raises:
        InvalidInput: There is no event in it, or the scheme cannot sign one.
    """
    payload = json.loads(request.body) if request.body[:1] in (b"{", b"[") else None
    events = events_in(payload, rules)
    if not events:
        message = "A request cannot be signed here: it holds no JSON list of events."
        raise InvalidInput(message)
    signed = request
    for event in events:
        alone = replace(request, body=_dump(event))
        signed = scheme.sign(alone, now=now, secrets=secrets, message_id=message_id)
        event.update(json.loads(signed.body))
    return replace(signed, body=_dump(payload))


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
