"""``webhooks event-types``: the catalogue of our own event types. Floor 10."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from smart_api_integrations.cli.asking import KeyFile, ServerUrl, open_desk
from smart_api_integrations.cli.faults import CommandFailed, Exit
from smart_api_integrations.cli.group import group
from smart_api_integrations.cli.inputs import read_bytes
from smart_api_integrations.cli.options import DatabaseUrl, Json
from smart_api_integrations.cli.records import Records, Where

program = group("List and change the catalogue of your own event types, on a database or against a server.")
TYPES = Records(
    path="/api/event-types", columns=("name", "description", "archived", "updated_at"), paged=False
)
Name = Annotated[str, typer.Argument(help="The type, such as order.created.")]


@program.command("list")
def list_types(
    archived: Annotated[bool, typer.Option("--archived", help="Archived ones too.")] = False,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """List the catalogue by name.

    Examples:

        webhooks event-types list
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    query = {"archived": "true"} if archived else None
    asyncio.run(TYPES.listed(where, query, limit=100_000, as_json=as_json))


@program.command("show")
def show_type(
    name: Name,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Show one type with its schema.

    Examples:

        webhooks event-types show order.created
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    asyncio.run(TYPES.shown(where, name, as_json=as_json))


@program.command("put")
def put_type(
    name: Name,
    description: Annotated[
        str | None, typer.Option("--description", help="What happened then.", show_default=False)
    ] = None,
    schema: Annotated[
        Path | None,
        typer.Option("--schema", help="The JSON Schema of its data; - is the input.", show_default=False),
    ] = None,
    archived: Annotated[
        bool | None,
        typer.Option("--archive/--restore", help="Offer it no longer, or again.", show_default=False),
    ] = None,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
) -> None:
    """Add a type, or change what is given of one that is there.

    Examples:

        webhooks event-types put order.created --description "An order was placed" --schema order.json
    """
    given = {
        "description": description,
        "schema": None if schema is None else _parsed(schema),
        "archived": archived,
    }
    values = {field: value for field, value in given.items() if value is not None}
    where = Where(url=url, database_url=database_url, key_file=key_file)
    typer.echo(json.dumps(asyncio.run(_put(where, name, values)), ensure_ascii=False, indent=2))


async def _put(where: Where, name: str, values: Mapping[str, Any]) -> Any:
    async with open_desk(url=where.url, database_url=where.database_url, key_file=where.key_file) as desk:
        known = {each["name"] for each in await desk.ask(TYPES.path, {"archived": "true"})}
        if name in known:
            return await desk.ask(f"{TYPES.path}/{name}", method="PATCH", body=values)
        return await desk.ask(TYPES.path, method="POST", body={"name": name, **values})


def _parsed(file: Path) -> Any:
    try:
        return json.loads(read_bytes(file))
    except ValueError as error:
        message = f"{file} is not JSON: {error}."
        raise CommandFailed(message, code="no_json", exit_code=Exit.USAGE) from error
