"""``webhooks doctor``: whether a deployment is well, and what to do where it is not. Floor 10."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smart_api_integrations.cli.faults import Exit
from smart_api_integrations.cli.options import Handlers, Json, ProvidersDir
from smart_api_integrations.errors import WebhooksError

if TYPE_CHECKING:
    from smart_api_integrations.settings import Settings
    from smart_api_integrations.watch.checkup import Finding


def doctor(
    handlers: Handlers = None,
    providers: ProvidersDir = None,
    database_url: Annotated[str | None, typer.Option(help="The journal to look at.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="A warning is a fault too.")] = False,
    as_json: Json = False,
) -> None:
    """Look at a deployment: what `check` looks at, and the services, the store, its backlog, the disk.

    It connects to the database, to Redis and to the broker, and changes nothing. What is not well is told
    with what to do; the exit code is 6 where there is a fault.

    Examples:

        webhooks doctor
        webhooks doctor --strict --json
    """
    from smart_api_integrations.watch.checkup import Verdict

    findings = list(_findings(handlers=handlers, providers_dir=providers, database_url=database_url))
    for finding in findings:
        typer.echo(json.dumps(finding.as_json(), ensure_ascii=False) if as_json else finding.as_text())
    bad = {Verdict.FAIL, Verdict.WARN} if strict else {Verdict.FAIL}
    faults = sum(finding.verdict in bad for finding in findings)
    if not as_json:
        typer.echo(f"\n{len(findings)} looked at, {faults} to mend." if faults else "\nAll is well.")
    if faults:
        raise typer.Exit(Exit.FINDINGS)


def _findings(**given: Any) -> Iterator[Finding]:
    from smart_api_integrations.application.configuration import settings_from_surroundings
    from smart_api_integrations.watch.checkup import Finding, Verdict

    try:
        settings = settings_from_surroundings(**given)
    except WebhooksError as error:
        for line in str(error).splitlines()[1:]:
            yield Finding(
                Verdict.FAIL, "settings", line.removeprefix("- "), "See `docs/reference/settings.md`."
            )
        return
    yield Finding(Verdict.OK, "settings", "they can be used")
    yield from _of_check(settings)
    yield from asyncio.run(_of_checkup(settings))


def _of_check(settings: Settings) -> Iterator[Finding]:
    """Yield what ``webhooks check`` finds, in the same words."""
    from smart_api_integrations.cli.check import looks
    from smart_api_integrations.watch.checkup import Finding, Verdict

    for verdict, what, found in looks(settings):
        yield Finding(Verdict(verdict), what, found)


async def _of_checkup(settings: Settings) -> list[Finding]:
    from smart_api_integrations.application.parts import build_cipher
    from smart_api_integrations.watch.checkup import check_up

    return [finding async for finding in check_up(settings, cipher=partial(build_cipher, settings))]
