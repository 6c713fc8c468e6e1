"""``webhooks deliveries``: what was sent, and is to be sent, to endpoints. Floor 10."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from smart_api_integrations.cli.asking import KeyFile, ServerUrl
from smart_api_integrations.cli.group import group
from smart_api_integrations.cli.options import DatabaseUrl, Json
from smart_api_integrations.cli.records import ExportFormat, Format, Limit, Records, Where

program = group("List, show, export and resend deliveries, on a database or against a server.")
DELIVERIES = Records(
    path="/api/deliveries",
    columns=("id", "created_at", "webhook_id", "status", "attempt_count", "next_attempt_at"),
)

EndpointId = Annotated[str | None, typer.Option("--endpoint", help="Only those to this endpoint.")]


@program.command("list")
def list_deliveries(
    endpoint: EndpointId = None,
    limit: Limit = 50,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """List deliveries, newest first.

    Examples:

        webhooks deliveries list -n 10
        webhooks deliveries list --json --url https://hooks.example.com
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    asyncio.run(DELIVERIES.listed(where, {"webhook_id": endpoint}, limit=limit, as_json=as_json))


@program.command("show")
def show_delivery(
    delivery_id: Annotated[str, typer.Argument(help="Its id, `dlv_…`.")],
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Show one delivery with its message and every attempt.

    Examples:

        webhooks deliveries show dlv_01JD8ZK3Y4E5F6G7H8J9K0M1N2
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    asyncio.run(DELIVERIES.shown(where, delivery_id, as_json=as_json))


@program.command("export")
def export_deliveries(
    endpoint: EndpointId = None,
    form: ExportFormat = Format.NDJSON,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
) -> None:
    """Print every delivery that fits, newest first.

    Examples:

        webhooks deliveries export --format csv
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    asyncio.run(DELIVERIES.exported(where, {"webhook_id": endpoint}, form=form))


@program.command("resend")
def resend_delivery(
    delivery_id: Annotated[str, typer.Argument(help="Its id, `dlv_…`.")],
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Send one message to its endpoint again, its schedule from the beginning; a running worker does it.

    Examples:

        webhooks deliveries resend dlv_01JD8ZK3Y4E5F6G7H8J9K0M1N2
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    asyncio.run(DELIVERIES.done_again(where, delivery_id, "resend", as_json=as_json))
