"""Writing into a request what a template would read there: the sender's side. Floor 1.

For samples and tests: where a provider puts its signature, its time or its id, be it a header, the query,
a form field or a place in the JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.templates import Reference, Template
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import InvalidInput


def place(request: RawRequest, template: Template, value: str) -> RawRequest:
    """Return *request* with *value* where *template* reads first; a ``*`` in a header's name becomes 1.

    Raises:
        InvalidInput: The template reads nothing that a sender could write.
    """
    is_form = RequestView(request).is_form
    for reference in template.references:
        if reference.kind in _BODIES and (reference.kind == "form") is not is_form:
            continue
        write = _WRITERS.get(reference.kind)
        if write is not None:
            return write(request, reference, value)
    message = f"A request cannot be signed here: nothing can be written where {template} reads."
    raise InvalidInput(message)


def _into_header(request: RawRequest, reference: Reference, value: str) -> RawRequest:
    name = reference.argument.replace("*", "1")
    known = request.headers
    kept = [(each, text) for each in known for text in known.get_all(each) if each.lower() != name.lower()]
    return replace(request, headers=Headers([*kept, (name, value)]))


def _into_query(request: RawRequest, reference: Reference, value: str) -> RawRequest:
    pairs = [
        pair for pair in parse_qsl(request.query, keep_blank_values=True) if pair[0] != reference.argument
    ]
    query = urlencode([*pairs, (reference.argument, value)], quote_via=quote)
    url = request.public_url
    if url is not None:
        url = f"{url.partition('?')[0]}?{query}"
    return replace(request, query=query, public_url=url)


def _into_form(request: RawRequest, reference: Reference, value: str) -> RawRequest:
    pairs = [
        pair
        for pair in parse_qsl(request.body.decode(), keep_blank_values=True)
        if pair[0] != reference.argument
    ]
    return replace(request, body=urlencode([*pairs, (reference.argument, value)]).encode())


def _into_json(request: RawRequest, reference: Reference, value: str) -> RawRequest:
    try:
        payload = json.loads(request.body or b"{}")
    except ValueError as error:
        message = "A request cannot be signed here: its body is not JSON."
        raise InvalidInput(message) from error
    set_path(payload, reference.argument.split("."), value)
    return replace(request, body=json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode())


def set_path(payload: Any, steps: list[str], value: Any) -> None:
    """Set what *steps* lead to, making the objects on the way; a ``*`` is every item that is there.

    Digits stay a number where a number was.
    """
    step, *rest = steps
    places: Iterable[Any] = ()
    if isinstance(payload, list):
        places = range(len(payload)) if step == "*" else [int(step)] if step.isdigit() else []
    elif isinstance(payload, dict):
        places = list(payload) if step == "*" else [step]
    for place_ in places:
        _set_in(payload, place_, rest, value)


def _set_in(payload: Any, key: Any, rest: list[str], value: Any) -> None:
    if not rest:
        number = isinstance(payload, dict) and isinstance(payload.get(key), int) and str(value).isdigit()
        payload[key] = int(value) if number else value
        return
    if isinstance(payload, dict) and not isinstance(payload.get(key), (dict, list)):
        payload[key] = {}
    set_path(payload[key], rest, value)


_BODIES = ("form", "json", "item")
_WRITERS: Mapping[str, Callable[[RawRequest, Reference, str], RawRequest]] = {
    "header": _into_header,
    "query": _into_query,
    "form": _into_form,
    "json": _into_json,
    "item": _into_json,
}
