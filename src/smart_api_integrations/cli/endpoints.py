"""``webhooks endpoints``: the URLs that messages go to. Floor 10."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from smart_api_integrations.cli.asking import KeyFile, ServerUrl
from smart_api_integrations.cli.group import group
from smart_api_integrations.cli.options import DatabaseUrl, Json
from smart_api_integrations.cli.records import ExportFormat, Format, Limit, Records, Where

program = group("List, show and export endpoints, on a database or against a server.")
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
