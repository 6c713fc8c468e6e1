"""``webhooks events``: the events that came in. Floor 10."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from smart_api_integrations.cli.asking import KeyFile, ServerUrl, open_desk
from smart_api_integrations.cli.group import group
from smart_api_integrations.cli.options import DatabaseUrl, Json
from smart_api_integrations.cli.records import ExportFormat, Format, Limit, Records, Where

program = group("List, show, export and replay the events that came in, on a database or against a server.")
EVENTS = Records(
    path="/api/received",
    columns=("id", "received_at", "provider", "event_type", "action", "state", "size", "duplicates"),
)

Provider = Annotated[str | None, typer.Option("--provider", help="Only this sender's.")]
EventType = Annotated[str | None, typer.Option("--event-type", "--event", help="Only of this type.")]


@program.command("list")
def list_events(
    provider: Provider = None,
    event_type: EventType = None,
    event_id: Annotated[
        str | None, typer.Option("--event-id", help="The one with this id, the sender's or ours.")
    ] = None,
    limit: Limit = 50,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """List events, newest first.

    Examples:

        webhooks events list --provider stripe -n 10
        webhooks events list --json --url https://hooks.example.com
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    query = {"provider": provider, "event_type": event_type, "event_id": event_id}
    asyncio.run(EVENTS.listed(where, query, limit=limit, as_json=as_json))


@program.command("show")
def show_event(
    event_id: Annotated[str, typer.Argument(help="Our id, `evt_…`.")],
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Show one event: request, proof, and everything that it led to. Signatures are masked.

    Examples:

        webhooks events show evt_01JD8ZK3Y4E5F6G7H8J9K0M1N2
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    asyncio.run(EVENTS.shown(where, event_id, as_json=as_json))


@program.command("export")
def export_events(
    provider: Provider = None,
    event_type: EventType = None,
    form: ExportFormat = Format.NDJSON,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
) -> None:
    """Print every event that fits, newest first.

    Examples:

        webhooks events export --provider stripe --format csv
        webhooks events export --url https://hooks.example.com
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    asyncio.run(EVENTS.exported(where, {"provider": provider, "event_type": event_type}, form=form))


@program.command("replay")
def replay_event(
    event_id: Annotated[str, typer.Argument(help="Our id, `evt_…`.")],
    handler: Annotated[
        str | None, typer.Option("--handler", help="Only this one: `provider:name:module.function`.")
    ] = None,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Run an event's handlers again, or one of them; a running worker does it.

    Examples:

        webhooks events replay evt_01JD8ZK3Y4E5F6G7H8J9K0M1N2
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    asyncio.run(EVENTS.done_again(where, event_id, "replay", as_json=as_json, handler=handler))


@program.command("tail")
def tail_events(
    provider: Provider = None,
    event_type: EventType = None,
    last: Annotated[int, typer.Option("--last", "-n", min=0, max=200, help="How many to begin with.")] = 10,
    once: Annotated[bool, typer.Option("--once", help="Print those and stop.")] = False,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Print the newest events, then each one as it comes, and again when its state changes.

    `webhooks listen` forwards events and keeps its place; this only looks on.

    Examples:

        webhooks events tail --provider stripe
        webhooks events tail --url https://hooks.example.com --json
    """
    from smart_api_integrations.cli.event_tail import EventTail

    where = Where(url=url, database_url=database_url, key_file=key_file)
    tail = EventTail({"provider": provider, "event_type": event_type}, as_json=as_json)
    asyncio.run(tail.follow(where, last=last, once=once))


@program.command("expunge")
def expunge_event(
    event_id: Annotated[str, typer.Argument(help="Our id, `evt_…`.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
) -> None:
    """Forget an event's body, headers and query, and what its attempts said. It cannot be done again then.

    Examples:

        webhooks events expunge evt_01JD8ZK3Y4E5F6G7H8J9K0M1N2
    """
    if not yes:
        typer.confirm(f"Forget the payload of {event_id} for good?", abort=True, err=True)
    where = Where(url=url, database_url=database_url, key_file=key_file)
    asyncio.run(_expunge(where, event_id))
    typer.echo(f"The payload of {event_id} is forgotten.")


async def _expunge(where: Where, event_id: str) -> None:
    async with open_desk(url=where.url, database_url=where.database_url, key_file=where.key_file) as desk:
        await desk.ask(f"{EVENTS.path}/{event_id}/payload", method="DELETE")
