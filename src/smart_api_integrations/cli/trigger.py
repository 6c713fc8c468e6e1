"""``webhooks trigger`` and, in the seeds' spelling, ``webhooks test-webhook``. Floor 10."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smart_api_integrations.cli.dev_secret import secrets_of_folder
from smart_api_integrations.cli.faults import CommandFailed, Exit
from smart_api_integrations.cli.inputs import read_bytes, read_secret
from smart_api_integrations.cli.options import (
    Handlers,
    Json,
    ProviderName,
    ProvidersDir,
    SecretFile,
    SecretText,
    WebhookName,
)
from smart_api_integrations.cli.sending import SERVER, is_this_machine, send_all, shown
from smart_api_integrations.cli.serve import import_handlers
from smart_api_integrations.errors import InvalidInput

if TYPE_CHECKING:
    from smart_api_integrations.application.rehearsal import Rehearsal
    from smart_api_integrations.core.webhook_schema import RawRequest
    from smart_api_integrations.providers.catalogue import Source
    from smart_api_integrations.settings import Settings


def trigger(
    provider: ProviderName,
    event: Annotated[
        str | None, typer.Argument(help="The event type, as in `push` or `pull_request.opened`.")
    ] = None,
    event_option: Annotated[str | None, typer.Option("--event", help="The same as EVENT.")] = None,
    payload: Annotated[
        str | None,
        typer.Option(help="Sent instead of the sample: a file where one of that name exists, else JSON."),
    ] = None,
    payload_file: Annotated[
        Path | None, typer.Option(help="A JSON file, sent instead of the sample.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            "--url",
            help="The server, or the whole URL of a way in.  [default: http://127.0.0.1:8000]",
        ),
    ] = None,
    here: Annotated[
        bool, typer.Option("--here", help="Run it in this process; no server is needed.")
    ] = False,
    handlers: Handlers = None,
    providers: ProvidersDir = None,
    webhook: WebhookName = "default",
    secret: SecretText = None,
    secret_file: SecretFile = None,
    bad_signature: Annotated[bool, typer.Option("--bad-signature", help="Sign with a wrong secret.")] = False,
    count: Annotated[int, typer.Option(min=1, help="How many different events to send.")] = 1,
    list_handlers: Annotated[
        bool, typer.Option("--list-handlers", help="Show what would run on it, and send nothing.")
    ] = False,
    sample_payload: Annotated[
        bool, typer.Option("--sample-payload", help="Print the payload, and send nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Send a correctly signed sample event; trigger and test-webhook are the same.

    It goes to the server at --to. With --here, or with --handlers, it is verified and its handlers run in
    this process. The exit code is 1 where it was refused or a handler failed.

    Examples:

        webhooks trigger github push
        webhooks test-webhook stripe --event invoice.paid --payload test_payment.json
        webhooks test-webhook github push --payload '{"ref": "refs/heads/main"}' --handlers shop.webhooks
        webhooks trigger github push --bad-signature --to http://127.0.0.1:9000
    """
    from smart_api_integrations.application.configuration import settings_from_surroundings
    from smart_api_integrations.application.trying import pretty, read_payload

    settings = settings_from_surroundings(providers_dir=providers, handlers=handlers)
    nowhere = here or list_handlers or sample_payload or (handlers is not None and to is None)
    target = None if nowhere else to or SERVER
    environ = _environ(settings.providers_dir, target)
    source = _source(settings, environ, provider, webhook)
    own = read_secret(secret, secret_file)
    signer = _Signer(source, _named(source, event, event_option), secret=own, bad=bad_signature)
    body = read_payload(payload, payload_file, read=read_bytes)
    if list_handlers:
        _show_handlers(settings, source, signer.request(body), as_json=as_json)
    elif sample_payload:
        typer.echo(pretty(signer.request(body).body))
    elif target is None:
        _run(settings, environ, signer, body, as_json=as_json)
    else:
        _send(signer, body, target, count=count, as_json=as_json)


class _Signer:
    """Makes different requests of one event."""

    def __init__(self, source: Source, event: str, *, secret: str | None, bad: bool) -> None:
        self.source = source
        self.secret = secret
        self._event = event
        self._bad = bad

    def request(self, payload: Any) -> RawRequest:
        from smart_api_integrations.providers.made_secrets import made_signer, stranger_of
        from smart_api_integrations.providers.samples import signed_request

        right = self.secret or made_signer(self.source)
        return signed_request(
            self.source,
            self._event,
            now=datetime.now(UTC),
            delivery_id=f"test_{secrets.token_hex(12)}",
            secret=stranger_of(self.source) if self._bad else right,
            payload=payload,
        )


def _environ(providers_dir: str, target: str | None) -> dict[str, str]:
    """Return the environment, with secrets for what is not set where a made one will do.

    In this process nobody else has to know it; a server in development has that of its folder.
    """
    made: Mapping[str, str] = {}
    if target is None:
        from smart_api_integrations.providers.catalogue import load_definitions
        from smart_api_integrations.providers.made_secrets import make_secrets

        folder = Path(providers_dir)
        known = load_definitions(folder if folder.is_dir() else None).values()
        made = make_secrets(known, os.environ, secret=secrets.token_hex(32))
    elif is_this_machine(target):
        made = secrets_of_folder(providers_dir)
    return {**os.environ, **made}


def _source(settings: Settings, environ: Mapping[str, str], provider: str, webhook: str) -> Source:
    from smart_api_integrations.application.surroundings import build_catalogue

    return build_catalogue(settings, environ).source(provider, webhook)


def _named(source: Source, event: str | None, option: str | None) -> str:
    """Return the event that is named, in either spelling.

    Raises:
        InvalidInput: None is, or two.
    """
    from smart_api_integrations.providers.samples import known_events

    if event is not None and option is not None and event != option:
        message = "EVENT and --event differ: leave one out."
        raise InvalidInput(message)
    named = event or option
    if named is None:
        known = ", ".join(known_events(source))
        message = f"No event is named; {source.definition.title} has samples of: {known or 'none'}."
        raise InvalidInput(message)
    return named


def _send(signer: _Signer, payload: Any, to: str, *, count: int, as_json: bool) -> None:
    answers = asyncio.run(send_all([signer.request(payload) for _ in range(count)], to))
    for answer in answers:
        typer.echo(shown(answer, as_json=as_json))
    if not all(200 <= answer.status < 300 for answer in answers):
        raise typer.Exit(Exit.FAILURE)


def _run(
    settings: Settings, environ: Mapping[str, str], signer: _Signer, payload: Any, *, as_json: bool
) -> None:
    from smart_api_integrations.application.rehearsal import rehearse
    from smart_api_integrations.providers.made_secrets import find_made_key

    import_handlers(settings.handlers)
    form = signer.source.definition.secret_form
    if form is not None and signer.secret is not None:
        environ = {**environ, form.names[0]: signer.secret}
    provider, webhook = signer.source.key
    with redirect_stdout(sys.stderr):  # what handlers print is not what this command answers
        ran = asyncio.run(
            rehearse(
                signer.request(payload),
                settings,
                environ,
                provider=provider,
                webhook=webhook,
                find_key=find_made_key,
            )
        )
    typer.echo(json.dumps(ran.as_json(), ensure_ascii=False) if as_json else _told(ran))
    if not ran.succeeded:
        raise typer.Exit(Exit.FAILURE)


def _told(ran: Rehearsal) -> str:
    """Return what became of a request, as lines for people."""
    answer = ran.answer if isinstance(ran.answer, str) else json.dumps(ran.answer, ensure_ascii=False)
    lines = [f"{ran.status} {answer}".rstrip()]
    if ran.reason:
        lines.append(f"  refused   {ran.reason}")
    for handler in ran.as_json()["handlers"]:
        result = json.dumps(handler["result"], ensure_ascii=False) if handler["result"] is not None else ""
        ended = handler["error"] or result
        lines.append(
            f"  {handler['state']:<16}{handler['handler']}  {handler['duration_ms']} ms  {ended}".rstrip()
        )
    if not ran.outcomes and not ran.reason:
        lines.append("  no_handler      nothing is registered for this event")
    return "\n".join(lines)


def _show_handlers(settings: Settings, source: Source, request: RawRequest, *, as_json: bool) -> None:
    from smart_api_integrations.core.webhook_registry import get_webhook_registry

    import_handlers(settings.handlers)
    judged = source.webhook.extraction.read(source.webhook.first_view(request))
    processor = get_webhook_registry().processor(*source.key)
    found = () if processor is None else processor.route(judged.event_type, judged.action)
    for handler in found:
        typer.echo(json.dumps({"handler": handler.name}) if as_json else handler.name)
    if not found:
        message = f"No handler runs on {judged.event_type}."
        raise CommandFailed(
            message,
            code="no_handler",
            exit_code=Exit.NOT_FOUND,
            hint="Name the modules that hold handlers with --handlers.",
        )
