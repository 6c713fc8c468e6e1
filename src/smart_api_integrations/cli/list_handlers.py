"""``webhooks list-handlers``: which handlers run on which events. Floor 10."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from smart_api_integrations.cli.faults import CommandFailed, Exit
from smart_api_integrations.cli.options import Handlers, Json
from smart_api_integrations.cli.serve import import_handlers
from smart_api_integrations.cli.tables import table


def list_handlers(
    provider: Annotated[str | None, typer.Argument(help="Only those of this sender.")] = None,
    handlers: Handlers = None,
    as_json: Json = False,
) -> None:
    """Show which handlers run on which events, in the order in which they were registered.

    The modules are those of --handlers, WEBHOOKS_HANDLERS or webhooks.toml.

    Examples:

        webhooks list-handlers --handlers shop.webhooks
        webhooks list-handlers github --json
    """
    from smart_api_integrations.application.configuration import settings_from_surroundings

    import_handlers(settings_from_surroundings(handlers=handlers).handlers)
    found = [entry for entry in _registered() if provider in {None, entry["provider"]}]
    if not found:
        whose = "" if provider is None else f" for {provider}"
        message = f"No handler is registered{whose}."
        raise CommandFailed(
            message,
            code="no_handler",
            exit_code=Exit.NOT_FOUND,
            hint="Name the modules that hold handlers: --handlers shop.webhooks, or WEBHOOKS_HANDLERS.",
        )
    if as_json:
        for entry in found:
            typer.echo(json.dumps(entry))
        return
    head = ("SOURCE", "EVENTS", "HANDLER", "ATTEMPTS")
    rows = [(_source(entry), entry["events"], entry["handler"], str(entry["attempts"])) for entry in found]
    typer.echo(table(head, rows))


def _registered() -> Iterator[dict[str, Any]]:
    from smart_api_integrations.core.webhook_registry import get_webhook_registry

    for processor in get_webhook_registry():
        for known in processor.handlers.values():
            for handler in known:
                yield {
                    "provider": processor.provider,
                    "webhook_name": processor.name,
                    "events": handler.pattern,
                    "handler": handler.name.split(":", 2)[-1],
                    "attempts": handler.schedule.attempts,
                    "timeout_seconds": None if handler.timeout is None else handler.timeout.total_seconds(),
                    "concurrency": handler.concurrency,
                }


def _source(entry: dict[str, Any]) -> str:
    name = entry["webhook_name"]
    return str(entry["provider"]) + ("" if name == "default" else f"/{name}")
