"""``webhooks check``: whether a server would start here, and what it would do. Floor 10."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smart_api_integrations.cli.faults import Exit
from smart_api_integrations.cli.options import Handlers, Json, ProvidersDir
from smart_api_integrations.errors import WebhooksError

if TYPE_CHECKING:
    from smart_api_integrations.settings import Settings

Finding = tuple[str, str, str]
"""``ok``, ``warn`` or ``fail``; what was looked at; what was found."""


def check(
    handlers: Handlers = None,
    providers: ProvidersDir = None,
    strict: Annotated[bool, typer.Option("--strict", help="A warning is a fault too.")] = False,
    as_json: Json = False,
) -> None:
    """Check the configuration as a server would read it: settings, senders, secrets, handlers.

    Nothing is opened or changed. Every fault is told at once; the exit code is 6 where there is one.

    Examples:

        webhooks check
        webhooks check --strict --handlers shop.webhooks
    """
    findings = list(_findings(handlers=handlers, providers_dir=providers))
    for verdict, what, found in findings:
        line = {"verdict": verdict, "what": what, "found": found}
        typer.echo(json.dumps(line, ensure_ascii=False) if as_json else f"{verdict:<5} {what:<10} {found}")
    bad = {"fail", "warn"} if strict else {"fail"}
    if any(verdict in bad for verdict, _, _ in findings):
        raise typer.Exit(Exit.FINDINGS)


def _findings(**given: Any) -> Iterator[Finding]:
    from smart_api_integrations.application.configuration import settings_from_surroundings

    try:
        settings = settings_from_surroundings(**given)
    except WebhooksError as error:
        yield from (("fail", "settings", line.removeprefix("- ")) for line in str(error).splitlines()[1:])
        return
    yield "ok", "settings", settings.database_url.rpartition("@")[2]
    yield from looks(settings)


def looks(settings: Settings) -> Iterator[Finding]:
    """Yield what is found of *settings* that can be used."""
    for look in (_exposure, _senders, _handlers):
        yield from _looked(look, settings)


def _looked(look: Callable[[Settings], Iterator[Finding]], settings: Settings) -> Iterator[Finding]:
    """Yield what *look* finds; what it raises is a fault."""
    try:
        yield from look(settings)
    except WebhooksError as error:
        what = look.__name__.strip("_")
        yield from (("fail", what, line.strip()) for line in str(error).splitlines() if line.strip())


def _exposure(settings: Settings) -> Iterator[Finding]:
    from smart_api_integrations.server.listening import check_exposure, has_stored_keys

    stored = asyncio.run(has_stored_keys(settings))
    check_exposure(settings, has_stored_keys=stored)
    keys = f"{len(settings.api_keys)} API keys" if settings.api_keys else "this machine alone"
    keys = "API keys of the database" if stored else keys
    yield "ok", "exposure", f"{settings.host}:{settings.port}, {keys}"


def _senders(settings: Settings) -> Iterator[Finding]:
    from smart_api_integrations.application.surroundings import build_catalogue

    if not Path(settings.providers_dir).is_dir():
        yield "ok", "senders", f"no folder {settings.providers_dir}: the packaged ones only"
    catalogue = build_catalogue(settings, os.environ)
    names = ", ".join("/".join(key).removesuffix("/default") for key in catalogue.webhooks)
    yield (
        ("ok", "senders", names) if names else ("warn", "senders", "no secret is set, so nothing is received")
    )
    for warning in catalogue.warnings:
        yield "warn", "senders", warning


def _handlers(settings: Settings) -> Iterator[Finding]:
    from smart_api_integrations.application.surroundings import build_catalogue
    from smart_api_integrations.application.unreachable import webhooks_with_handlers
    from smart_api_integrations.cli.serve import import_handlers
    from smart_api_integrations.core.webhook_registry import get_webhook_registry

    import_handlers(settings.handlers)
    found = list(webhooks_with_handlers(build_catalogue(settings, os.environ), get_webhook_registry()))
    if not found:
        yield "warn", "handlers", "none is registered: events are kept, and nothing runs on them"
    for each in found:
        told = f"{each.name}: {each.count}"
        if each.reason is None:
            yield "ok", "handlers", told
        else:
            yield "warn" if each.may_open else "fail", "handlers", f"{told}, but {each.reason}: {each.to_do}"
