"""What the gateway answers to a provider, framework-free. Floor 4.

The texts of refusals are fixed, so that a sender learns nothing from them; the reason goes to telemetry
and to the dashboard (``research``: one message outside, the reason inside).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from smart_api_integrations.core.journal import Accepted, ReceivedEvent
from smart_api_integrations.core.records import record
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


@record
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
    503: b'{"success":false,"error":"The request cannot be taken at the moment. Please send it again."}',
}

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

UNSENDABLE = Answer(status=500, body=b'{"success":false,"error":"The handler\'s answer cannot be sent."}')

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2: a token
_HEADER_VALUE = re.compile(r"[ -~\xa0-\xff]*")
_OF_THE_CONNECTION = frozenset(
    {"connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
_WITHOUT_BODY = frozenset({204, 205, 304})


class UnsendableAnswer(Exception):
    """A handler's answer cannot be sent; the words say what is wrong with it, without a value."""


def handled(event: ReceivedEvent, response: WebhookResponse, *, duplicate: bool = False) -> Answer:
    """Return the answer to an event that was handled while its provider waited.

    Raises:
        UnsendableAnswer: It cannot be sent, or would be read as more than one answer.
    """
    own = {
        "id": event.id,
        "event_type": event.event_type,
        "event_id": event.event_id,
        "duplicate": duplicate,
    }
    fault = _status_fault(response.status_code) or _header_fault(response.headers)
    body, content_type = b"", JSON_TYPE
    if fault is None and response.status_code not in _WITHOUT_BODY:
        try:
            body, content_type = _content(response, own)
        except (TypeError, ValueError, RecursionError) as error:  # keys that are no text, a circle
            fault = f"its data is no JSON ({type(error).__name__})"
    fault = fault or _header_fault({"Content-Type": content_type})
    if fault is not None:
        raise UnsendableAnswer(fault)
    headers = {name.lower(): value for name, value in response.headers.items()}
    content_type = headers.pop("content-type", content_type)
    return Answer(
        status=int(response.status_code),
        body=body,
        content_type=content_type,
        headers=tuple(headers.items()),
    )


def _content(response: WebhookResponse, own: Mapping[str, Any]) -> tuple[bytes, str]:
    """Return the body and its type; what is *own* to the event only goes into the platform's form."""
    if response.body is not None:
        return response.rendered()
    return json.dumps({**response.json(), **own}, default=str).encode(), JSON_TYPE


def _status_fault(status: Any) -> str | None:
    if isinstance(status, int) and not isinstance(status, bool) and 200 <= status <= 599:
        return None
    return "its status_code is no whole number from 200 to 599"


def _header_fault(headers: Any) -> str | None:
    """Return why *headers* cannot be sent, without a value: a line end in one would begin another header."""
    if not isinstance(headers, Mapping):
        return "its headers are no mapping"
    for name, value in headers.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            return "the name of one of its headers is none that a header can have"
        if name.lower() in _OF_THE_CONNECTION:
            return f"its header {name} is the server's own to send"
        if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
            return f"the value of its header {name} is not text of printable Latin-1 characters"
    return None


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
    return Answer(status=status, body=_REFUSALS[status], headers=_refusal_headers(rejection))


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
