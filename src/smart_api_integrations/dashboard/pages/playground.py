"""``/playground``: publishing an event, sending a signed sample, trying an expression. Floor 8."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_api_integrations.application.audit_trail import VIEW_PAYLOAD, note
from smart_api_integrations.application.identifiers import ulids
from smart_api_integrations.core.expressions import LONGEST_SOURCE
from smart_api_integrations.core.message_expressions import content_of
from smart_api_integrations.core.publish_maps import variables_of
from smart_api_integrations.core.webhook_schema import RawRequest
from smart_api_integrations.dashboard.desk import Desk, asked, read_form
from smart_api_integrations.dashboard.views.playground import Sent, sent, tried
from smart_api_integrations.errors import InvalidInput, NotFound
from smart_api_integrations.providers.catalogue import Source
from smart_api_integrations.providers.samples import known_events, signed_request
from smart_api_integrations.receive.assigning import seen_by_handlers

MESSAGE = {"event": "order.created", "data": '{\n  "order": 1042,\n  "total": 49.0\n}', "metadata": ""}
SAMPLE = {"source": "", "event": "", "payload": "", "forge": ""}

_new_id = ulids()


def create_routes(desk: Desk) -> list[Route]:
    """Return the routes of the three forms."""

    async def publishing(request: Request) -> Response:
        return await desk.page(request, "playground_publish.html", form=MESSAGE, fault="")

    async def publish(request: Request) -> Response:
        return await _publish(desk, request)

    async def sampling(request: Request) -> Response:
        return await _sample_page(desk, request, form=SAMPLE | {"source": asked(request, "source")})

    async def sample(request: Request) -> Response:
        return await _send_sample(desk, request)

    async def expression(request: Request) -> Response:
        return await _expression(desk, request)

    return [
        Route("/playground", publishing, methods=["GET"]),
        Route("/playground", publish, methods=["POST"]),
        Route("/playground/sample", sampling, methods=["GET"]),
        Route("/playground/sample", sample, methods=["POST"]),
        Route("/playground/expression", expression, methods=["GET"]),
    ]


async def _publish(desk: Desk, request: Request) -> Response:
    form = MESSAGE | await read_form(request)
    try:
        published = await desk.platform.publish(
            form["event"].strip(), _json("data", form["data"]), _json("metadata", form["metadata"])
        )
    except InvalidInput as error:
        return await desk.page(request, "playground_publish.html", form=form, fault=str(error), status=422)
    return desk.go(request, f"/messages/{published.message_id}")


def _json(field: str, text: str) -> Any:
    if not text.strip():
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"{field}: it is not JSON: {error}"
        raise InvalidInput(message) from error


async def _sample_page(
    desk: Desk,
    request: Request,
    *,
    form: Mapping[str, str],
    fault: str = "",
    result: Sent | None = None,
    status: int = 200,
) -> Response:
    mounted = [source for source in desk.platform.sources.values() if source.missing is None]
    chosen = _chosen(desk, form["source"]) if form["source"] else next(iter(mounted), None)
    return await desk.page(
        request,
        "playground_sample.html",
        form=dict(form) | {"source": "" if chosen is None else ":".join(chosen.key)},
        sources=[(":".join(source.key), source.definition.title, source.key[1]) for source in mounted],
        events=() if chosen is None else known_events(chosen),
        fault=fault,
        result=result,
        status=status,
    )


def _chosen(desk: Desk, word: str) -> Source:
    provider, _, name = word.partition(":")
    source = desk.platform.sources.get((provider, name or "default"))
    if source is None or source.missing is not None:
        message = f"No source {word[:80]} is set up here."
        raise NotFound(message)
    return source


async def _send_sample(desk: Desk, request: Request) -> Response:
    form = SAMPLE | await read_form(request)
    source = _chosen(desk, form["source"])
    try:
        made = signed_request(
            source,
            form["event"].strip() or next(iter(known_events(source)), "ping"),
            now=desk.journal.now(),
            delivery_id=_new_id("test_"),
            secret=secrets.token_hex(32) if form["forge"] else None,
            payload=_json("payload", form["payload"]),
        )
    except InvalidInput as error:
        return await _sample_page(desk, request, form=form, fault=str(error), status=422)
    answer = await desk.platform.gateway.accept_whole(
        _from_here(made, source), *source.key, received=tuple(made.headers.items())
    )
    result = sent(answer.status, answer.body)
    return await _sample_page(desk, request, form=form, result=result)


def _from_here(made: RawRequest, source: Source) -> RawRequest:
    """Return the request as if it came from an address that the source lets in."""
    networks = source.webhook.allowed_networks
    return replace(made, remote_address=str(networks[0].network_address) if networks else "127.0.0.1")


async def _expression(desk: Desk, request: Request) -> Response:
    text = request.query_params.get("expression", "")[: LONGEST_SOURCE + 1]
    subject = asked(request, "on").strip()
    body, variables, said = await _subject(desk, subject)
    result = None
    if text.strip() and body is not None:
        note(request.scope, action=VIEW_PAYLOAD, target=subject or said)
        result = tried(text, body)
    return await desk.page(
        request,
        "playground_expression.html",
        text=text,
        subject=subject,
        found=said,
        variables=variables,
        has_subject=body is not None,
        result=result,
    )


async def _subject(desk: Desk, subject: str) -> tuple[Mapping[str, Any] | None, tuple[str, ...], str]:
    """Return what an expression reads of an event or a message, the names in it, and which one it is."""
    if not subject:
        newest = await desk.journal.messages.messages(limit=1)
        subject = newest[0].id if newest else ""
        if not subject:
            events = await desk.journal.events.summaries(limit=1)
            subject = events[0].id if events else ""
    data = await _data(desk, subject) if subject else None
    return data, tuple(data) if data is not None else (), subject


async def _data(desk: Desk, subject: str) -> Mapping[str, Any] | None:
    """Return what expressions read of the message or the event with this id; None where there is none."""
    if subject.startswith("msg_"):
        trace = await desk.journal.messages.trace(subject)
        message = next((each for each in trace.messages if each.id == subject), None) if trace else None
        return None if message is None else content_of(message.body)
    found = await desk.journal.events.trace(await desk.journal.events.find(subject) or subject)
    event = None if found is None else found.event
    source = None if event is None else desk.platform.sources.get((event.provider, event.webhook_name))
    if event is None or source is None:
        return None
    return variables_of(seen_by_handlers(event, source.webhook), webhook_name=event.webhook_name)
