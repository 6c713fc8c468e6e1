"""What the gateway answers to a provider, framework-free. Floor 4.

The texts of refusals are fixed, so that a sender learns nothing from them; the reason goes to telemetry
and to the dashboard (``research``: one message outside, the reason inside).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from json.encoder import encode_basestring_ascii as quoted

from smart_api_integrations.core.journal import Accepted, ReceivedEvent
from smart_api_integrations.core.replies import Reply
from smart_api_integrations.core.webhook_schema import WebhookResponse
from smart_api_integrations.errors import (
    KeyUnavailable,
    MethodNotAllowed,
    RequestRejected,
    TooBusy,
    TooManyRequests,
)

JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status, a body, and headers beyond the content's type and length."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()


_REFUSALS: dict[int, bytes] = {
    400: b'{"success":false,"error":"The request cannot be read."}',
    401: b'{"success":false,"error":"The request could not be verified."}',
    403: b'{"success":false,"error":"The request is not allowed here."}',
    404: b'{"success":false,"error":"No webhook is known under this address."}',
    405: b'{"success":false,"error":"This address takes another method."}',
    408: b'{"success":false,"error":"The request body did not arrive in time."}',
    413: b'{"success":false,"error":"The request body is too large."}',
    429: b'{"success":false,"error":"Too many requests. Please send it again later."}',
    503: b'{"success":false,"error":"Too many requests are arriving. Please send it again."}',
}

_NO_KEY = b'{"success":false,"error":"The request cannot be verified at the moment. Please send it again."}'

UNAVAILABLE = Answer(
    status=503,
    body=b'{"success":false,"error":"The event could not be stored. Please send it again."}',
    headers=(("retry-after", "5"),),
)

NO_EVENTS = Answer(
    status=200,
    body=b'{"success":true,"id":null,"event_type":null,"event_id":null,"duplicate":false}',
)

NOT_CONFIRMED = Answer(
    status=503,
    body=b'{"success":false,"error":"The address could not be confirmed. Please send it again."}',
    headers=(("retry-after", "5"),),
)


BUSY = Answer(
    status=503,
    body=b'{"success":false,"error":"The event is being handled. Please send it again later."}',
    headers=(("retry-after", "30"),),
)

_UNREADABLE = b'{"success":false,"error":"The handler\'s answer cannot be sent."}'


def handled(event: ReceivedEvent, response: WebhookResponse, *, duplicate: bool = False) -> Answer:
    """Return the answer to an event that was handled while its provider waited."""
    own = {
        "id": event.id,
        "event_type": event.event_type,
        "event_id": event.event_id,
        "duplicate": duplicate,
    }
    headers = tuple((name.lower(), value) for name, value in response.headers.items())
    try:
        if response.body is None:
            body, content_type = json.dumps({**response.json(), **own}, default=str).encode(), JSON_TYPE
        else:
            body, content_type = response.rendered()
    except (TypeError, ValueError, RecursionError):  # keys that are no text, a circle
        return Answer(status=500, body=_UNREADABLE)
    return Answer(status=response.status_code, body=body, content_type=content_type, headers=headers)


def accepted(event: ReceivedEvent, outcome: Accepted) -> Answer:
    """Return the answer to an event that is in the journal."""
    text = (
        f'{{"success":true,"id":"{outcome.event_id}","event_type":{_json(event.event_type)},'
        f'"event_id":{_json(event.event_id)},"duplicate":{"true" if outcome.duplicate else "false"}}}'
    )
    return Answer(status=200, body=text.encode())


def replied(reply: Reply) -> Answer:
    """Return the answer that a provider's YAML words."""
    return Answer(
        status=reply.status, body=reply.body, content_type=reply.content_type, headers=reply.headers
    )


def refused(rejection: RequestRejected) -> Answer:
    """Return the fixed answer to a request that was not accepted."""
    status = rejection.status_hint
    body = _NO_KEY if isinstance(rejection, KeyUnavailable) else _REFUSALS[status]
    return Answer(status=status, body=body, headers=_refusal_headers(rejection))


def closing(answer: Answer) -> Answer:
    """Return *answer* with the connection closed behind it: what is left of the body is not read."""
    return replace(answer, headers=(*answer.headers, ("connection", "close")))


def _refusal_headers(rejection: RequestRejected) -> tuple[tuple[str, str], ...]:
    if isinstance(rejection, MethodNotAllowed):
        return (("allow", ", ".join(rejection.allowed)),)
    if isinstance(rejection, TooManyRequests):
        return (("retry-after", str(rejection.retry_after)),)
    return (("retry-after", "5"),) if isinstance(rejection, (KeyUnavailable, TooBusy)) else ()


def _json(text: str | None) -> str:
    return "null" if text is None else quoted(text)
