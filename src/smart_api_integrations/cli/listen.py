"""``webhooks listen``: print or forward what arrives, from where it was left. Floor 10.

The events are in the journal whether or not anybody listens, so nothing is missed: a place in the list is
kept in a file, and moves on when an event was printed, or answered by the address that it was forwarded to.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smart_api_integrations.cli.asking import Desk, KeyFile, ServerUrl, open_desk
from smart_api_integrations.cli.faults import CommandFailed, Exit
from smart_api_integrations.cli.options import DatabaseUrl, Json
from smart_api_integrations.cli.sending import open_transport, send_one
from smart_api_integrations.cli.tables import harmless
from smart_api_integrations.errors import DeliveryError

if TYPE_CHECKING:
    from smart_api_integrations.core.webhook_schema import RawRequest
    from smart_api_integrations.network.http_transport import HttpTransport

EVENTS = "/api/received"
LOOK_SECONDS = 0.5
AGAIN_SECONDS = 2.0
_REMEMBERED = 100
_OF_THE_CONNECTION = frozenset(
    {"host", "content-length", "connection", "transfer-encoding", "keep-alive", "te", "upgrade", "expect"}
)


@dataclass(slots=True, kw_only=True)
class Place:
    """Where in the list of events one is.

    Events may be kept in another order than their ids say, so the last ones are remembered, not the last one.

    Attributes:
        file: Where it is kept.
        seen: The ids of the last events, oldest first; None before the first look.
    """

    file: Path
    seen: list[str] | None = field(default=None)

    @classmethod
    def kept_in(cls, file: Path) -> Place:
        """Return the place that *file* holds; an unread one where there is none."""
        try:
            seen = json.loads(file.read_text("utf-8"))["seen"]
        except (OSError, ValueError, KeyError, TypeError):
            seen = None
        return cls(file=file, seen=seen)

    def moved_to(self, event_ids: Sequence[str]) -> None:
        """Remember that *event_ids* are done, on disk."""
        self.seen = [*(self.seen or ()), *event_ids][-_REMEMBERED:]
        self.file.parent.mkdir(parents=True, exist_ok=True)
        draft = self.file.with_suffix(".new")
        draft.write_text(json.dumps({"seen": self.seen}), "utf-8")
        draft.replace(self.file)

    async def unseen(self, desk: Desk, query: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the events that are new, oldest first."""
        known = set(self.seen or ())
        oldest = min(known, default="")
        found: list[dict[str, Any]] = []
        async for event in desk.pages(EVENTS, query):
            if event["id"] not in known:
                found.append(event)
            if event["id"] <= oldest:
                break
        return [event for event in reversed(found) if event["id"] > oldest]


def listen(
    forward_to: Annotated[
        str | None, typer.Option("--forward-to", help="Send each event, as it came, to this URL.")
    ] = None,
    provider: Annotated[str | None, typer.Option("--provider", help="Only this sender's.")] = None,
    event_type: Annotated[
        str | None, typer.Option("--event-type", "--event", help="Only of this type.")
    ] = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Begin with the oldest event, whatever was seen.")
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help="Stop when nothing is left, instead of waiting.")
    ] = False,
    state: Annotated[
        Path | None,
        typer.Option("--state", help="Keeps the place.  [default: one per question, in your home]"),
    ] = None,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Print each event as it arrives, or forward it to an application that is being developed.

    The first time it begins with what comes from now on; after that where it was left, so what arrived
    meanwhile comes first. While --forward-to cannot be reached, its events wait. Requests are forwarded byte
    for byte, with their signature; a server shows no signatures, so with --url they are signed anew with
    the secret that is set here.

    Examples:

        webhooks listen
        webhooks listen --forward-to http://127.0.0.1:5000/webhooks/stripe --provider stripe
        webhooks listen --url https://hooks.example.com --json
    """
    query = {"provider": provider, "event_type": event_type}
    question = [
        url or database_url or "",
        forward_to or "",
        provider or "",
        event_type or "",
        str(Path.cwd()),
    ]
    place = Place(file=state) if from_start and state else Place.kept_in(state or _state_file(question))
    if from_start:
        place.seen = []
    listening = _Listening(place, query, forward_to=forward_to, as_json=as_json)
    asyncio.run(listening.run(url=url, database_url=database_url, key_file=key_file, once=once))


def _state_file(question: Sequence[str]) -> Path:
    home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    name = hashlib.sha256("\0".join(question).encode()).hexdigest()[:16]
    return home / "smart-api-integrations" / f"listen-{name}.json"


class _Listening:
    def __init__(self, place: Place, query: dict[str, Any], *, forward_to: str | None, as_json: bool) -> None:
        self._place = place
        self._query = query
        self._forward_to = forward_to
        self._as_json = as_json

    async def run(
        self, *, url: str | None, database_url: str | None, key_file: Path | None, once: bool
    ) -> None:
        """Look, print or forward, and look again."""
        asked = open_desk(url=url, database_url=database_url, key_file=key_file)
        async with asked as desk, open_transport() as transport:
            if self._place.seen is None:
                await self._begin(desk)
            while True:
                for event in await self._place.unseen(desk, self._query):
                    await self._take(desk, transport, event)
                    self._place.moved_to([event["id"]])
                if once:
                    return
                await asyncio.sleep(LOOK_SECONDS)

    async def _begin(self, desk: Desk) -> None:
        newest = [event["id"] async for event in desk.pages(EVENTS, self._query, limit=_REMEMBERED)]
        self._place.moved_to(newest[::-1])
        typer.echo("Waiting for the first event.", err=True)

    async def _take(self, desk: Desk, transport: HttpTransport, event: dict[str, Any]) -> None:
        answer = None if self._forward_to is None else await self._forwarded(desk, transport, event)
        if self._as_json:
            line = json.dumps(event if answer is None else {**event, "forwarded": answer}, ensure_ascii=False)
        else:
            kind = ".".join(filter(None, (event["event_type"] or "-", event["action"])))
            line = harmless(f"{event['received_at']}  {event['provider']}  {kind}  {event['id']}")
            line += "" if answer is None else f"  {answer}"
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    async def _forwarded(self, desk: Desk, transport: HttpTransport, event: dict[str, Any]) -> int:
        """Return what the address answered, however long it takes until it answers."""
        request = await _request(desk, event)
        told = False
        while True:
            try:
                return (await send_one(transport, request, self._forward_to or "")).status
            except DeliveryError as error:
                if not told:
                    typer.echo(f"{self._forward_to}: {error}; kept, and tried again.", err=True)
                told = True
                await asyncio.sleep(AGAIN_SECONDS)


async def _request(desk: Desk, event: dict[str, Any]) -> RawRequest:
    """Return the request as it came; signed anew where its signature cannot be seen."""
    from smart_api_integrations.core.webhook_schema import Headers, RawRequest

    if desk.platform is None:
        return _signed_anew(event, await desk.ask(f"{EVENTS}/{event['id']}"))
    trace = await desk.platform.journal.events.trace(event["id"])
    if trace is None or trace.event is None:
        message = f"The event {event['id']} is not in the journal any more."
        raise CommandFailed(message, code="not_found", exit_code=Exit.NOT_FOUND)
    kept = trace.event
    return RawRequest(
        method=kept.method, query=kept.query, headers=Headers(_forwardable(kept.headers)), body=kept.body
    )


def _signed_anew(event: dict[str, Any], shown: dict[str, Any]) -> RawRequest:
    import base64

    from smart_api_integrations.application.configuration import settings_from_surroundings
    from smart_api_integrations.application.surroundings import build_catalogue
    from smart_api_integrations.cli.sign import signed_body
    from smart_api_integrations.core.masking import is_sensitive

    text: str = shown["body"]
    body = base64.b64decode(text) if shown["body_encoding"] == "base64" else text.encode()
    kept = [(name, value) for name, value in shown["headers"] if not is_sensitive(name)]
    source = build_catalogue(settings_from_surroundings(), os.environ).source(
        event["provider"], event["webhook_name"]
    )
    return signed_body(source, body, headers=list(_forwardable(kept)), message_id=event["event_id"])


def _forwardable(headers: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    """Return the headers without those of the connection that they came over (RFC 9110, 7.6.1)."""
    return tuple((name, text) for name, text in headers if name.lower() not in _OF_THE_CONNECTION)
