"""``webhooks endpoints``: the URLs that messages go to. Floor 10."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from smart_api_integrations.cli.asking import KeyFile, ServerUrl, open_desk
from smart_api_integrations.cli.group import group
from smart_api_integrations.cli.inputs import read_bytes
from smart_api_integrations.cli.options import DatabaseUrl, Json
from smart_api_integrations.cli.records import ExportFormat, Format, Limit, Records, Where

program = group(
    "List, show and export endpoints, and rotate their secrets, on a database or against a server."
)
ENDPOINTS = Records(
    path="/api/webhooks", columns=("id", "url", "events", "active", "description"), paged=False
)


@program.command("list")
def list_endpoints(
    limit: Limit = 1000,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """List endpoints, oldest first; secrets are masked.

    Examples:

        webhooks endpoints list
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    asyncio.run(ENDPOINTS.listed(where, limit=limit, as_json=as_json))


@program.command("show")
def show_endpoint(
    endpoint_id: Annotated[str, typer.Argument(help="Its id.")],
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Show one endpoint with the statistics of its attempts; its secret is masked.

    Examples:

        webhooks endpoints show ep_01JD8ZK3Y4E5F6G7H8J9K0M1N2
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    asyncio.run(ENDPOINTS.shown(where, endpoint_id, as_json=as_json))


@program.command("export")
def export_endpoints(
    form: ExportFormat = Format.NDJSON,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
) -> None:
    """Print every endpoint, oldest first; secrets are masked.

    Examples:

        webhooks endpoints export --format csv
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    asyncio.run(ENDPOINTS.exported(where, form=form))


@program.command("rotate")
def rotate_secret(
    endpoint_id: Annotated[str, typer.Argument(help="Its id.")],
    grace: Annotated[
        float, typer.Option("--grace-hours", help="How long the old secret signs too; 0 ends it at once.")
    ] = 24,
    key_pair: Annotated[
        bool, typer.Option("--key-pair", help="Make an Ed25519 key pair, whsk_…, instead of whsec_….")
    ] = False,
    secret_file: Annotated[
        Path | None, typer.Option("--secret-file", help="Take the new secret from this file; - is the input.")
    ] = None,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Give an endpoint a new signing secret and print it once; the old one signs beside it for a while.

    Examples:

        webhooks endpoints rotate ep_01JD8ZK3Y4E5F6G7H8J9K0M1N2

        webhooks endpoints rotate ep_01JD8ZK3Y4E5F6G7H8J9K0M1N2 --grace-hours 0
    """
    secret = None if secret_file is None else read_bytes(secret_file).decode("utf-8", "replace").strip()
    body = {
        "secret": secret,
        "kind": "key_pair" if key_pair else "shared",
        "grace_seconds": grace * 3600,
    }
    where = Where(url=url, database_url=database_url, key_file=key_file)
    rotated = asyncio.run(_rotated(where, endpoint_id, body))
    if as_json:
        typer.echo(json.dumps(rotated, ensure_ascii=False))
        return
    typer.echo(rotated["secret"])
    if rotated["public_key"]:
        typer.echo(f"public key: {rotated['public_key']}", err=True)
    for old in rotated["old_secrets"]:
        typer.echo(f"{old['secret']} signs until {old['expires_at']}", err=True)


async def _rotated(where: Where, endpoint_id: str, body: Mapping[str, Any]) -> Any:
    async with open_desk(url=where.url, database_url=where.database_url, key_file=where.key_file) as desk:
        return await desk.ask(f"{ENDPOINTS.path}/{endpoint_id}/secret/rotate", method="POST", body=body)
