"""Playing the examples of a ``webhook.yaml``: what a request comes to, by name. Floor 3."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import RequestRejected
from smart_api_integrations.providers.definitions import Definition
from smart_api_integrations.providers.webhook_yaml import Example

_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)


def play(definition: Definition, example: Example) -> str:
    """Return what became of the example's request, to be compared with ``example.expect``.

    ``accepted``, ``verified`` (where the example asks for no more), the refusing exception's name, or
    what was read differently from what the example says.
    """
    form = definition.secret_form
    secrets = () if form is None else (form.decode(form.names[0], example.secret),)
    webhook = replace(definition.webhook, secrets=secrets)
    now = example.now or _ANY_TIME
    try:
        if example.expect == "verified":
            webhook.verify(_request(example), now=now)
            return "verified"
        judgement = webhook.judge(_request(example), now=now)
    except RequestRejected as rejection:
        return type(rejection).__name__
    for word in ("event_type", "action", "event_id"):
        expected, found = getattr(example, word), getattr(judgement, word)
        if expected is not None and found != expected:
            return f"accepted, but {word} is {found!r}"
    return "accepted"


def _request(example: Example) -> RawRequest:
    headers = [
        (name, value)
        for name, values in example.headers.items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    return RawRequest(
        method=example.method, query=example.query, headers=Headers(headers), body=example.body.encode()
    )
