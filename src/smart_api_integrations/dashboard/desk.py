"""What every page has at hand: the platform, the renderer, and reading a form. Floor 8."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from smart_api_integrations.application.audit_trail import VIEW_PAYLOAD, note
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.journal import EventSummary, Trace, Work
from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.core.withholding import trace_without_payloads
from smart_api_integrations.dashboard.kept_answers import KeptAnswers
from smart_api_integrations.dashboard.permissions import may
from smart_api_integrations.dashboard.rendering import Renderer
from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.storage.protocols import Journal

DAY = timedelta(hours=24)
PAGE_LENGTH = 50
LONGEST_FORM = 64 * 1024
MOST_FIELDS = 200
LONGEST_ID = 128


class Desk:
    """Serves one request's needs."""

    def __init__(self, platform: Platform, renderer: Renderer) -> None:
        """Take both."""
        self.platform = platform
        self._renderer = renderer
        self.kept = KeptAnswers()

    @property
    def journal(self) -> Journal:
        """The store."""
        return self.platform.journal

    @property
    def has_keys(self) -> bool:
        """Whether a call to the API needs a key."""
        return bool(self.platform.settings.api_keys)

    def visible(self, request: Request, trace: Trace, target: str) -> Trace:
        """Return *trace* as whoever asks may see it, and have it logged that they saw payloads."""
        if not may(request, "read:payloads"):
            return trace_without_payloads(trace)
        note(request.scope, action=VIEW_PAYLOAD, target=target)
        return trace

    def base(self, request: Request) -> str:
        """Return how this server is reached: the configured URL, else the one that was asked for."""
        return (self.platform.settings.public_url or f"{request.url.scheme}://{request.url.netloc}").rstrip(
            "/"
        )

    async def page(self, request: Request, template: str, *, status: int = 200, **context: Any) -> Response:
        """Render a page; the rail's count is read here."""
        backlog = await self.journal.work.backlog()
        return self._renderer.render(request, template, backlog=backlog, status=status, **context)

    def plain_page(self, request: Request, template: str, *, status: int, **context: Any) -> Response:
        """Render a page without asking the store for anything."""
        return self._renderer.render(request, template, backlog=None, status=status, **context)

    async def traces_of(self, works: Sequence[Work]) -> list[Trace | None]:
        """Return the trace that each piece of work belongs to, for the last thing that was said there."""
        events, messages = self.journal.events, self.journal.messages
        stores = {Kind.HANDLING: events.trace, Kind.DELIVERY: messages.trace}
        return await asyncio.gather(*(stores[work.kind](work.subject_id) for work in works))

    async def newest_event(self, provider: str, name: str) -> EventSummary | None:
        """Return the newest event of one webhook, looked for among its provider's newest."""
        for length in (
            1,
            PAGE_LENGTH,
        ):  # nearly every provider has one webhook: its newest event is found at once
            events = await self.journal.events.summaries(limit=length, provider=provider)
            found = next((event for event in events if event.webhook_name == name), None)
            if found is not None or len(events) < length:
                return found
        return None

    def go(self, request: Request, path: str) -> Response:
        """Send the browser to another page of ours, after a form or a search."""
        return RedirectResponse(request.scope.get("root_path", "") + path, status_code=303)


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form that a page of ours sent; of repeated ones the last.

    Raises:
        InvalidInput: It is no such form, or larger than one.
    """
    return dict(await read_fields(request))


async def read_fields(request: Request) -> list[tuple[str, str]]:
    """Return the fields of a form in their order, repeated ones repeated; raises as ``read_form``."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        message = "This is not a form: send application/x-www-form-urlencoded."
        raise InvalidInput(message)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_FORM:
            message = f"The form is larger than {LONGEST_FORM} bytes."
            raise InvalidInput(message)
    try:
        text = body.decode("utf-8")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        message = "The form cannot be read: it must be UTF-8, with few fields."
        raise InvalidInput(message) from error


def asked(request: Request, name: str) -> str:
    """Return a parameter of the query, cut at a length that no id has; empty where it is absent."""
    return request.query_params.get(name, "")[:LONGEST_ID]
