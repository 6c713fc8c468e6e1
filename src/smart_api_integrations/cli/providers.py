"""``webhooks providers``: the senders that are known, and whether a ``webhook.yaml`` is right. Floor 10."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smart_api_integrations.cli.faults import Exit
from smart_api_integrations.cli.group import group
from smart_api_integrations.cli.options import Json, ProviderName, ProvidersDir
from smart_api_integrations.cli.tables import table

if TYPE_CHECKING:
    from smart_api_integrations.providers.catalogue import Catalogue, Source

program = group("List and show the senders that are known, and check a webhook.yaml.")


@program.command("list")
def list_providers(
    providers: ProvidersDir = None,
    ready: Annotated[bool, typer.Option("--ready", help="Only those whose secret is set.")] = False,
    as_json: Json = False,
) -> None:
    """List every sender, packaged or your own, and what is missing before it is received.

    Examples:

        webhooks providers list
        webhooks providers list --ready --json
    """
    sources = [source for source in _catalogue(providers).describe() if not (ready and source.missing)]
    if as_json:
        for source in sources:
            typer.echo(json.dumps(_line(source)))
        return
    rows = [
        (source.webhook.provider, source.webhook.name, source.webhook.scheme.name, _state(source))
        for source in sources
    ]
    typer.echo(table(("PROVIDER", "WEBHOOK", "SCHEME", "STATE"), rows))


@program.command("show")
def show_provider(provider: ProviderName, providers: ProvidersDir = None, as_json: Json = False) -> None:
    """Show one sender: its ways in, its secret's variable, and the events that there are samples of.

    Examples:

        webhooks providers show stripe
        webhooks providers show github --json
    """
    catalogue = _catalogue(providers)
    names = [name for known, name in catalogue.sources if known == provider] or ["default"]
    described = [_whole(catalogue.source(provider, name)) for name in names]
    if as_json:
        for whole in described:
            typer.echo(json.dumps(whole, ensure_ascii=False))
        return
    for whole in described:
        typer.echo("\n".join(f"{name:<14}{_shown(value)}" for name, value in whole.items()))


@program.command("check")
def check_providers(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="webhook.yaml files or folders of them.  [default: the providers folder]"),
    ] = None,
    providers: ProvidersDir = None,
    as_json: Json = False,
) -> None:
    """Check webhook.yaml files and play the signed examples in them; every fault is told at once.

    Secrets need not be set. The exit code is 6 where anything is wrong.

    Examples:

        webhooks providers check
        webhooks providers check providers/myapi/webhook.yaml
    """
    from smart_api_integrations.application.configuration import settings_from_surroundings
    from smart_api_integrations.cli.checking import check_file, yaml_files

    folder = Path(settings_from_surroundings(providers_dir=providers).providers_dir)
    checked = {file: check_file(file) for file in yaml_files(files or [folder])}
    for file, report in checked.items():
        if as_json:
            typer.echo(json.dumps({"file": str(file), **report.as_json()}, ensure_ascii=False))
        else:
            typer.echo("\n".join(report.as_lines(str(file))))
    if any(report.faults for report in checked.values()):
        raise typer.Exit(Exit.FINDINGS)


def _catalogue(providers: str | None) -> Catalogue:
    from smart_api_integrations.application.configuration import settings_from_surroundings
    from smart_api_integrations.application.surroundings import build_catalogue

    return build_catalogue(settings_from_surroundings(providers_dir=providers), os.environ)


def _state(source: Source) -> str:
    return "ready" if source.missing is None else f"{source.missing} is not set"


def _line(source: Source) -> dict[str, Any]:
    provider, name = source.key
    return {
        "provider": provider,
        "webhook_name": name,
        "title": source.definition.title,
        "scheme": source.webhook.scheme.name,
        "ready": source.missing is None,
        "missing": source.missing,
        "packaged": source.definition.packaged,
    }


def _whole(source: Source) -> dict[str, Any]:
    from smart_api_integrations.providers.samples import known_events

    provider, name = source.key
    form = source.definition.secret_form
    usual = f"/webhooks/{provider}" + ("" if name == "default" else f"/{name}")
    own = source.webhook.path
    return _line(source) | {
        "ways_in": [usual] if own is None or own.rstrip("/") == usual else [usual, own],
        "secrets": [] if form is None else list(form.names),
        "mode": source.webhook.mode,
        "events": list(source.webhook.events),
        "samples": list(known_events(source)),
        "documentation": source.webhook.documentation,
        "file": str(source.definition.origin),
    }


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return {None: "-", True: "yes", False: "no"}.get(value, str(value))
