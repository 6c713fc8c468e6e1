"""``webhooks captured-keys``: secrets that providers bring by a handshake. Floor 10."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer

from smart_api_integrations.cli.asking import KeyFile, ServerUrl, open_desk
from smart_api_integrations.cli.faults import CommandFailed, Exit
from smart_api_integrations.cli.group import group
from smart_api_integrations.cli.options import DatabaseUrl, Json, ProviderName, WebhookName
from smart_api_integrations.cli.records import Where
from smart_api_integrations.cli.tables import table

program = group("Let a handshake bring a webhook's secret; list and forget what came.")
_COLUMNS = ("id", "variable", "captured_at", "remote_address", "awaited_until")


@program.command("await")
def await_captured_key(
    provider: ProviderName,
    webhook_name: WebhookName = "default",
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=24 * 60, help="How long it may take.")] = 60,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Open a webhook for the one handshake that brings its secret; then create the webhook at the sender.

    The first secret that comes is kept, encrypted, and used from then on beside those that are configured.
    Nothing that comes later replaces it. `captured-keys list` says when and where from it came.

    Examples:

        webhooks captured-keys await asana

        webhooks captured-keys await notion --minutes 10
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    key = asyncio.run(_ask(where, provider, webhook_name, "POST", query={"minutes": minutes}))
    if as_json:
        typer.echo(json.dumps(key))
        return
    until = datetime.fromisoformat(key["awaited_until"]).astimezone().strftime("%H:%M")
    typer.echo(f"The next handshake of {provider} may bring {key['variable']}, until {until}.")
    typer.echo("Now create the webhook there, with this server's address.", err=True)


@program.command("list")
def list_captured_keys(
    provider: ProviderName,
    webhook_name: WebhookName = "default",
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """List what is awaited and what came, newest first, without the secrets.

    Examples:

        webhooks captured-keys list asana
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    keys = asyncio.run(_ask(where, provider, webhook_name, "GET"))
    if as_json:
        for key in keys:
            typer.echo(json.dumps(key))
        return
    head = [name.upper().replace("_", " ") for name in _COLUMNS]
    typer.echo(table(head, [[key[name] or "" for name in _COLUMNS] for key in keys]))


@program.command("forget")
def forget_captured_keys(
    provider: ProviderName,
    webhook_name: WebhookName = "default",
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Remove what came and what is awaited: requests that are signed with it verify no more.

    Examples:

        webhooks captured-keys forget asana
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    found = asyncio.run(_ask(where, provider, webhook_name, "DELETE"))
    typer.echo(json.dumps(found) if as_json else f"Forgotten: {found['forgotten']}.")


@program.command("reveal")
def reveal_captured_key(
    provider: ProviderName,
    webhook_name: WebhookName = "default",
    database_url: DatabaseUrl = None,
) -> None:
    """Print the newest secret that came, in the clear: Notion asks for it before it sends events.

    Only on the machine that has the database and its key; no server answers this.

    Examples:

        webhooks captured-keys reveal notion
    """
    typer.echo(asyncio.run(_reveal(database_url, provider, webhook_name)))


async def _ask(
    where: Where, provider: str, name: str, method: str, *, query: dict[str, Any] | None = None
) -> Any:
    path = f"/api/sources/{quote(provider, safe='')}/{quote(name, safe='')}/captured-keys"
    async with open_desk(
        url=where.url, database_url=where.database_url, key_file=where.key_file, own_providers=True
    ) as desk:
        return await desk.ask(path, query, method=method)


async def _reveal(database_url: str | None, provider: str, name: str) -> str:
    async with open_desk(database_url=database_url, own_providers=True) as desk:
        found = () if desk.platform is None else await desk.platform.brought_keys.secrets(provider, name)
    if not found:
        message = f"No secret came for {provider}/{name}."
        hint = f"`webhooks captured-keys await {provider}` lets the next handshake bring one."
        raise CommandFailed(message, code="no_key", exit_code=Exit.NOT_FOUND, hint=hint)
    return found[0]
