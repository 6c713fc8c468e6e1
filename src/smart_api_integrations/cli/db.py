"""``webhooks db``: the database that everything is kept in. Floor 10."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smart_api_integrations.cli.asking import Desk, open_desk
from smart_api_integrations.cli.faults import CommandFailed, Exit
from smart_api_integrations.cli.group import group
from smart_api_integrations.cli.options import DatabaseUrl, Json

if TYPE_CHECKING:
    from smart_api_integrations.application.platform import Platform

program = group("Bring the schema up to date, back the database up, forget what is old, seal secrets anew.")


@program.command("status")
def show_status(database_url: DatabaseUrl = None, as_json: Json = False) -> None:
    """Say where the database's schema is, and where this program's; nothing is changed.

    Examples:

        webhooks db status
    """
    from smart_api_integrations.application.configuration import settings_from_surroundings
    from smart_api_integrations.storage.schema_status import schema_status

    current, newest = schema_status(settings_from_surroundings(database_url=database_url).database_url)
    told = {"schema": current, "newest": newest, "is_current": current == newest}
    words = "up to date" if current == newest else "to be upgraded by `webhooks db upgrade`"
    typer.echo(
        json.dumps(told) if as_json else f"The schema is at {current or 'nothing'} of {newest}: {words}."
    )
    if current != newest:
        raise typer.Exit(Exit.FINDINGS)


@program.command("upgrade")
def upgrade(database_url: DatabaseUrl = None) -> None:
    """Bring the schema up to date, as every start does; whole or not at all.

    Examples:

        webhooks db upgrade
    """
    asyncio.run(_upgrade(database_url))


@program.command("backup")
def back_up(
    file: Annotated[Path, typer.Argument(help="Where the copy goes; no file of that name may be there.")],
    database_url: DatabaseUrl = None,
) -> None:
    """Copy the database while it is used, as of one moment. PostgreSQL's is made by `pg_dump`.

    Secrets in it are encrypted: keep the key apart from it, and keep it.

    Examples:

        webhooks db backup webhooks-backup.db
    """
    from smart_api_integrations.application.configuration import settings_from_surroundings
    from smart_api_integrations.storage.backup import back_up as copy

    url = settings_from_surroundings(database_url=database_url).database_url
    typer.echo(
        f"{copy(url, file):,} bytes in {file}. The key that opens its secrets is not in it: keep it too."
    )


@program.command("purge")
def purge(database_url: DatabaseUrl = None, as_json: Json = False) -> None:
    """Forget now what is older than WEBHOOKS_RETENTION_* say; a running worker does so every hour.

    Examples:

        webhooks db purge
    """
    counts = asyncio.run(_purge(database_url))
    if as_json:
        typer.echo(json.dumps(counts))
        return
    for what, count in counts.items():
        typer.echo(f"{count:>9,}  {what.replace('_', ' ')}")


@program.command("rotate-keys")
def rotate_keys(database_url: DatabaseUrl = None, as_json: Json = False) -> None:
    """Encrypt every stored secret under the first of WEBHOOKS_ENCRYPTION_KEYS, batch by batch.

    Put the new key before the old one, restart what runs, then run this; the old key may go afterwards.
    Stopped half-way it goes on where it was when it is run again.

    Examples:

        webhooks db rotate-keys
    """
    count = asyncio.run(_rotate(database_url))
    told = f"{count:,} secrets were sealed anew. All of them open with the newest key: the older ones may go."
    typer.echo(json.dumps({"sealed_anew": count}) if as_json else told)


@asynccontextmanager
async def _platform(database_url: str | None) -> AsyncIterator[Platform]:
    async with open_desk(database_url=database_url) as desk:
        yield _of(desk)


def _of(desk: Desk) -> Platform:
    if desk.platform is None:
        message = "This is done on the database itself."
        raise CommandFailed(message, code="no_database", exit_code=Exit.USAGE)
    return desk.platform


async def _upgrade(database_url: str | None) -> None:
    async with _platform(database_url):
        typer.echo("The schema is up to date.")


async def _purge(database_url: str | None) -> dict[str, int]:
    async with _platform(database_url) as platform:
        counts = await platform.retention.purge()
    if counts is None:
        message = "Another process forgets what is old just now."
        raise CommandFailed(
            message, code="busy", exit_code=Exit.TEMPORARY, hint="Try again in a few minutes."
        )
    return {str(what): count for what, count in counts.items()}


async def _rotate(database_url: str | None) -> int:
    async with _platform(database_url) as platform:
        count, cursor, is_last = 0, "", False
        while not is_last:
            batch = await platform.journal.upkeep.seal_anew(after=cursor)
            count, cursor, is_last = count + batch.count, batch.cursor, batch.is_last
    return count
