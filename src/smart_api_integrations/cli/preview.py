"""``webhooks preview``: what a filter and a transformation would do to a message. Floor 10."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from smart_api_integrations.cli.asking import KeyFile, ServerUrl, open_desk
from smart_api_integrations.cli.faults import CommandFailed, Exit
from smart_api_integrations.cli.inputs import read_bytes
from smart_api_integrations.cli.options import DatabaseUrl, Json
from smart_api_integrations.cli.records import Where


def preview(
    filter_text: Annotated[
        str | None, typer.Option("--filter", help="CEL, such as data.total > 100.", show_default=False)
    ] = None,
    transformation: Annotated[
        str | None, typer.Option("--transformation", help="CEL, such as {'text': event}.", show_default=False)
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option("--endpoint", help="Take what is not given from this endpoint.", show_default=False),
    ] = None,
    message: Annotated[
        str | None, typer.Option("--message", help="Try it on this kept message.", show_default=False)
    ] = None,
    event: Annotated[str, typer.Option("--event", help="Or on one of this type.")] = "example.event",
    data: Annotated[
        Path | None,
        typer.Option("--data", help="With the JSON of this file; - is the input.", show_default=False),
    ] = None,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Say whether a filter is true of a message, and print what a transformation makes of it.

    Nothing is sent. The exit code is 1 where an expression cannot be computed.

    Examples:

        webhooks preview --filter 'data.total > 100' --data order.json
    """
    given = {
        "filter": filter_text,
        "transformation": transformation,
        "webhook_id": endpoint,
        "message_id": message,
    }
    body: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if message is None:
        body |= {"event": event, "data": None if data is None else _parsed(data)}
    where = Where(url=url, database_url=database_url, key_file=key_file)
    found = asyncio.run(_asked(where, body))
    if found["fault"] is not None:
        hint = (
            "A delivery like this is a dead letter that names the fault; mend the expression and replay it."
        )
        raise CommandFailed(found["fault"], code="expression_failed", exit_code=Exit.FAILURE, hint=hint)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        typer.echo(
            json.dumps(found["body"], ensure_ascii=False, indent=2) if found["wanted"] else "not wanted"
        )


async def _asked(where: Where, body: Mapping[str, Any]) -> Any:
    async with open_desk(url=where.url, database_url=where.database_url, key_file=where.key_file) as desk:
        return await desk.ask("/api/preview", method="POST", body=body)


def _parsed(file: Path) -> Any:
    try:
        return json.loads(read_bytes(file))
    except ValueError as error:
        message = f"{file} is not JSON: {error}."
        raise CommandFailed(message, code="no_json", exit_code=Exit.USAGE) from error
