"""``webhooks forward-rules``: rules that make messages of received events. Floor 10."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from smart_api_integrations.cli.asking import KeyFile, ServerUrl, open_desk
from smart_api_integrations.cli.group import group
from smart_api_integrations.cli.options import DatabaseUrl, Json
from smart_api_integrations.cli.records import Records, Where

program = group("List, add and delete the rules that forward received events, on a database or a server.")
RULES = Records(
    path="/api/forward-rules",
    columns=("id", "source", "events", "message_type", "endpoint_id", "active"),
    paged=False,
)
RuleId = Annotated[str, typer.Argument(help="The rule's id.")]


@program.command("list")
def list_rules(
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """List the rules, oldest first.

    Examples:

        webhooks forward-rules list
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    asyncio.run(RULES.listed(where, limit=100_000, as_json=as_json))


@program.command("add")
def add_rule(
    source: Annotated[str, typer.Option("--source", help="Which ways in: github:default, github:*.")] = "*",
    event: Annotated[
        list[str] | None, typer.Option("--event", help="Which types; may be given again.", show_default="*")
    ] = None,
    filter_text: Annotated[
        str | None, typer.Option("--filter", help="CEL over payload, event and headers.", show_default=False)
    ] = None,
    transformation: Annotated[
        str | None, typer.Option("--transformation", help="CEL: the message's data.", show_default=False)
    ] = None,
    message_type: Annotated[
        str, typer.Option("--message-type", help="The message's type.")
    ] = "{provider}.{type}",
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", help="Send to this endpoint alone.", show_default=False)
    ] = None,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
) -> None:
    """Add a rule: it takes the events that are received from now on.

    Examples:

        webhooks forward-rules add --source github:default --event push --message-type code.pushed
    """
    body = {
        "source": source,
        "events": event or ["*"],
        "filter": filter_text,
        "transformation": transformation,
        "message_type": message_type,
        "endpoint_id": endpoint,
    }
    where = Where(url=url, database_url=database_url, key_file=key_file)
    added = asyncio.run(_asked(where, RULES.path, "POST", body))
    typer.echo(json.dumps(added, ensure_ascii=False, indent=2))


@program.command("delete")
def delete_rule(
    rule_id: RuleId,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
) -> None:
    """Delete a rule; what it had taken and was not forwarded yet is skipped.

    Examples:

        webhooks forward-rules delete fwd_01JD8ZK3Y4E5F6G7H8J9K0M1N2
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    asyncio.run(_asked(where, f"{RULES.path}/{rule_id}", "DELETE", None))
    typer.echo(f"{rule_id} is deleted.")


async def _asked(where: Where, path: str, method: str, body: Mapping[str, Any] | None) -> Any:
    async with open_desk(url=where.url, database_url=where.database_url, key_file=where.key_file) as desk:
        return await desk.ask(path, method=method, body=body)
