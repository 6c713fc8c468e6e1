"""``webhooks alerts``: what was alarming, and whether somebody hears of it. Floor 10."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import typer

from smart_api_integrations.cli.asking import KeyFile, ServerUrl, open_desk
from smart_api_integrations.cli.faults import CommandFailed, Exit
from smart_api_integrations.cli.group import group
from smart_api_integrations.cli.options import DatabaseUrl, Json
from smart_api_integrations.cli.records import Limit, Records, Where
from smart_api_integrations.cli.tables import table

program = group("List alerts, and try the channels that tell of them.")
ALERTS = Records(
    path="/api/alerts",
    columns=("id", "state", "severity", "rule", "title", "opened_at", "resolved_at"),
)


@program.command("list")
def list_alerts(
    limit: Limit = 50,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """List alerts, newest first.

    Examples:

        webhooks alerts list --json
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    asyncio.run(ALERTS.listed(where, {}, limit=limit, as_json=as_json))


@program.command("test")
def try_channels(
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Send a test to every channel that is set up, and say what each answered.

    Without `--url` it is this machine's settings whose channels are tried.

    Examples:

        webhooks alerts test
    """
    answers = asyncio.run(_test(Where(url=url, database_url=database_url, key_file=key_file)))
    if as_json:
        typer.echo(json.dumps(answers))
    elif answers:
        typer.echo(table(["CHANNEL", "ANSWER"], [[name, answer] for name, answer in answers.items()]))
    if not answers:
        message = "No channel is set up."
        hint = "Set WEBHOOKS_ALERTS_SLACK_URL, or another of the WEBHOOKS_ALERTS_… settings."
        raise CommandFailed(message, code="no_channel", exit_code=Exit.CONFIGURATION, hint=hint)
    if any(answer != "ok" for answer in answers.values()):
        raise typer.Exit(Exit.TEMPORARY)


async def _test(where: Where) -> dict[str, Any]:
    async with open_desk(url=where.url, database_url=where.database_url, key_file=where.key_file) as desk:
        answers: dict[str, Any] = (await desk.ask("/api/alerts/test", method="POST"))["channels"]
        return answers
