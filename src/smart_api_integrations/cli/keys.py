"""``webhooks keys``: API keys, made on a database or against a server. Floor 10."""

from __future__ import annotations

import asyncio
import json
from enum import StrEnum
from typing import Annotated, Any

import typer

from smart_api_integrations.cli.asking import KeyFile, ServerUrl, open_desk
from smart_api_integrations.cli.group import group
from smart_api_integrations.cli.options import DatabaseUrl, Json
from smart_api_integrations.cli.records import Limit, Records, Where

program = group("Make, list, rotate and revoke API keys, on a database or against a server.")
KEYS = Records(
    path="/api/keys",
    columns=("id", "name", "prefix", "role", "state", "created_at", "last_used_at", "expires_at"),
)


class RoleName(StrEnum):
    """A named set of scopes."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


KeyId = Annotated[str, typer.Argument(help="Its id, `key_…`; `webhooks keys list` shows it.")]


@program.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="What it is for, as `ci` or a person's name.")] = "",
    role: Annotated[
        RoleName | None, typer.Option("--role", help="What it may do.  [default: viewer]")
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", help="Instead of a role: `read:events`, …; may be repeated."),
    ] = None,
    days: Annotated[float | None, typer.Option("--days", help="Until it ends by itself.")] = None,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Make an API key and print it: it is told once, and kept nowhere.

    A viewer sees everything but payloads; an operator sees them too, replays, sends and changes endpoints; an
    admin may everything.

    Examples:

        webhooks keys create ci --role viewer --days 90

        webhooks keys create shop --scope send:events
    """
    chosen = role or (None if scope else RoleName.VIEWER)
    asked = {
        "name": name or (f"{chosen} key" if chosen else "scoped key"),
        "role": chosen,
        "scopes": scope or [],
        "expires_in_days": days,
    }
    where = Where(url=url, database_url=database_url, key_file=key_file)
    _tell(asyncio.run(_send(where, "POST", KEYS.path, asked)), as_json=as_json)


@program.command("list")
def list_keys(
    limit: Limit = 50,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """List API keys, newest first; those of WEBHOOKS_API_KEYS are not among them.

    Examples:

        webhooks keys list
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    asyncio.run(KEYS.listed(where, limit=limit, as_json=as_json))


@program.command("rotate")
def rotate_key(
    key_id: KeyId,
    overlap_hours: Annotated[
        float, typer.Option("--overlap-hours", min=0, max=720, help="How long both keys work.")
    ] = 24,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Make a key like another one, and print it; the other one goes on for the overlap and then ends.

    Examples:

        webhooks keys rotate key_01JD8ZK3Y4E5F6G7H8J9K0M1N2 --overlap-hours 2
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    asked = {"overlap_hours": overlap_hours}
    _tell(asyncio.run(_send(where, "POST", f"{KEYS.path}/{key_id}/rotate", asked)), as_json=as_json)


@program.command("revoke")
def revoke_key(
    key_id: KeyId,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """End a key and its sessions at once; it stays in the list.

    Examples:

        webhooks keys revoke key_01JD8ZK3Y4E5F6G7H8J9K0M1N2
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    asyncio.run(_send(where, "DELETE", f"{KEYS.path}/{key_id}", None))
    typer.echo(json.dumps({"id": key_id, "state": "revoked"}) if as_json else f"{key_id} is revoked.")


async def _send(where: Where, method: str, path: str, body: Any) -> Any:
    desk = open_desk(
        url=where.url,
        database_url=where.database_url,
        key_file=where.key_file,
        makes_database=method == "POST",
    )
    async with desk as open_one:
        return await open_one.ask(path, method=method, body=body)


def _tell(made: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(made, ensure_ascii=False))
        return
    typer.echo(made["key"])
    ends = f", until {made['expires_at']}" if made["expires_at"] else ""
    can = made["role"] or ", ".join(made["scopes"])
    typer.echo(f"{made['id']} ({made['name']}): {can}{ends}. It is not shown again.", err=True)
