"""``webhooks dead-letters``: work whose schedule is spent, and doing it again. Floor 10."""

from __future__ import annotations

import asyncio
import json
from enum import StrEnum
from typing import Annotated

import typer

from smart_api_integrations.cli.asking import KeyFile, ServerUrl, open_desk
from smart_api_integrations.cli.group import group
from smart_api_integrations.cli.options import DatabaseUrl, Json
from smart_api_integrations.cli.records import ExportFormat, Format, Limit, Records, Where

program = group("List, export and replay dead letters, on a database or against a server.")
DEAD_LETTERS = Records(
    path="/api/dead-letters",
    columns=("id", "updated_at", "kind", "target", "subject_id", "attempt_count"),
)


class DeadKind(StrEnum):
    """What is dead."""

    HANDLING = "handling"
    DELIVERY = "delivery"


Kind = Annotated[DeadKind | None, typer.Option("--kind", help="Only handlings, or only deliveries.")]


@program.command("list")
def list_dead_letters(
    kind: Kind = None,
    limit: Limit = 50,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """List dead letters, newest first.

    Examples:

        webhooks dead-letters list --kind handling
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    asyncio.run(DEAD_LETTERS.listed(where, {"kind": kind}, limit=limit, as_json=as_json))


@program.command("export")
def export_dead_letters(
    kind: Kind = None,
    form: ExportFormat = Format.NDJSON,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
) -> None:
    """Print every dead letter that fits, newest first.

    Examples:

        webhooks dead-letters export --format csv
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    asyncio.run(DEAD_LETTERS.exported(where, {"kind": kind}, form=form))


@program.command("replay")
def replay_dead_letter(
    work_id: Annotated[str, typer.Argument(help="Its id, `hdl_…` or `dlv_…`.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done again, and do nothing.")
    ] = False,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Make one dead letter due at once, its schedule from the beginning; a running worker does it.

    Examples:

        webhooks dead-letters replay dlv_01JD8ZK3Y4E5F6G7H8J9K0M1N2
    """
    if dry_run:
        typer.echo(f"Would make {work_id} due at once.", err=True)
        return
    found = asyncio.run(_replay(Where(url=url, database_url=database_url, key_file=key_file), work_id))
    typer.echo(json.dumps(found) if as_json else f"{found['id']} is due: {found['target']}")


async def _replay(where: Where, work_id: str) -> dict[str, str]:
    async with open_desk(url=where.url, database_url=where.database_url, key_file=where.key_file) as desk:
        found: dict[str, str] = await desk.ask(f"{DEAD_LETTERS.path}/{work_id}/replay", method="POST")
    return found
