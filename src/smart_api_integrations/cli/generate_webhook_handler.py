"""``webhooks generate-webhook-handler``: a typed handler class for a provider's events. Floor 10."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from smart_api_integrations.errors import InvalidInput


def generate_webhook_handler(
    provider: Annotated[str, typer.Argument(help="The provider, as in `github`.")],
    more_events: Annotated[
        list[str] | None, typer.Argument(help="More events.", metavar="[EVENT]...")
    ] = None,
    events: Annotated[
        list[str] | None,
        typer.Option(
            help="The events: `--events push pull_request`, `--events push,pull_request`, or repeated."
        ),
    ] = None,
    output_file: Annotated[
        Path | None,
        typer.Option("--output-file", "--output", "-o", help="Where to write it; else it is printed."),
    ] = None,
    schema: Annotated[
        list[str] | None,
        typer.Option(
            metavar="EVENT=FILE", help="A JSON Schema of an event's payload, instead of the samples."
        ),
    ] = None,
    webhook: Annotated[str, typer.Option(help="Which of the provider's webhooks.")] = "default",
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a handler class with a typed method for each event.

    Without `--events`, one for each event that the provider's file has a sample of.

    Examples:

        webhooks generate-webhook-handler github --events push pull_request --output-file handlers/github.py

        webhooks generate-webhook-handler stripe --events invoice.paid --schema invoice.paid=invoice.json
    """
    from smart_api_integrations.application.configuration import settings_from_surroundings
    from smart_api_integrations.application.surroundings import build_catalogue
    from smart_api_integrations.typed_handlers import handler_source

    if output_file is not None:
        _check_free(output_file, force=force)
    catalogue = build_catalogue(settings_from_surroundings(), os.environ)
    names = [name for text in (*(events or ()), *(more_events or ())) for name in text.split(",") if name]
    made = handler_source(
        catalogue.source(provider, webhook), names, schemas=dict(_read_schema(text) for text in schema or ())
    )
    if made.untyped:
        typer.echo(
            f"note: there is no sample of {', '.join(made.untyped)}, so the payload is dict[str, Any] there; "
            "give a JSON Schema with --schema EVENT=FILE",
            err=True,
        )
    if output_file is None:
        typer.echo(made.text, nl=False)
        return
    _write(output_file, made.text)
    typer.echo(f"{output_file}: {made.class_name}", err=True)


def _check_free(file: Path, *, force: bool) -> None:
    if file.exists() and not force:
        message = f"{file} is there already; --force writes over it."
        raise InvalidInput(message)


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror or error}"
        raise InvalidInput(message) from error


def _read_schema(text: str) -> tuple[str, Any]:
    event, equals, file = text.partition("=")
    if not (event and equals and file):
        message = f"--schema {text}: expected EVENT=FILE, as in push=push.schema.json."
        raise InvalidInput(message)
    try:
        schema = json.loads(Path(file).read_bytes())
    except (OSError, ValueError) as error:
        message = f"{file} cannot be read as JSON: {error}"
        raise InvalidInput(message) from error
    if not isinstance(schema, dict):
        message = f"{file} holds no JSON Schema: expected an object."
        raise InvalidInput(message)
    return event, schema
