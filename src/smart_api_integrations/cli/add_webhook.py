"""``webhooks add-webhook``: write ``providers/<name>/webhook.yaml``, checked before it is there. Floor 10."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from smart_api_integrations.cli.options import Json, ProvidersDir
from smart_api_integrations.cli.webhook_files import check_text, new_text, write_file
from smart_api_integrations.errors import InvalidInput

_Events = Annotated[
    list[str] | None, typer.Option("--event", "--events", help="An event that you expect; may be repeated.")
]
_MoreEvents = Annotated[
    list[str] | None, typer.Argument(metavar="[EVENT]...", help="The events that you expect.")
]
_SecretEnv = Annotated[
    str | None,
    typer.Option(
        "--secret-env", "--signing-secret-env", help="The secret's variable.  [default: NAME_WEBHOOK_SECRET]"
    ),
]
_Path = Annotated[str | None, typer.Option(help="An address of its own.  [default: /webhooks/NAME/]")]
_Type = Annotated[
    str | None, typer.Option(help="hmac_sha256, hmac_sha1, custom …; packaged senders know theirs.")
]
_SignatureHeader = Annotated[str | None, typer.Option(help="The header with the signature.")]
_TimestampHeader = Annotated[str | None, typer.Option(help="The header with the signed time.")]
_Tolerance = Annotated[int | None, typer.Option(help="Seconds that a request may be old.")]
_EventHeader = Annotated[str | None, typer.Option(help="The header that names the event.")]
_Rate = Annotated[int | None, typer.Option(help="How many requests are taken.")]
_Name = Annotated[
    str, typer.Option("--webhook-name", "--webhook", "--name", help="Another webhook of the same sender.")
]
_Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the file, and write nothing.")]


def add_webhook(
    provider: Annotated[str, typer.Argument(help="The sender's name: a-z, 0-9, - and _.")],
    more_events: _MoreEvents = None,
    events: _Events = None,
    secret_env: _SecretEnv = None,
    path: _Path = None,
    verification_type: _Type = None,
    signature_header: _SignatureHeader = None,
    timestamp_header: _TimestampHeader = None,
    replay_tolerance: _Tolerance = None,
    event_header: _EventHeader = None,
    requests_per_minute: _Rate = None,
    webhook_name: _Name = "default",
    providers: ProvidersDir = None,
    force: _Force = False,
    dry_run: _DryRun = False,
    as_json: Json = False,
) -> None:
    """Write providers/NAME/webhook.yaml for a sender.

    A packaged sender needs nothing but its secret: the file then says what you want to differ. At a terminal
    the signature header of an unknown sender is asked for. A file that is there is never overwritten without
    --force; another --webhook-name is added to it.

    Examples:

        webhooks add-webhook stripe --events payment_intent.succeeded --secret-env STRIPE_WEBHOOK_SECRET
        webhooks add-webhook myapi user.created user.deleted --signature-header X-MyAPI-Signature
        webhooks add-webhook github release --webhook-name releases
    """
    from smart_api_integrations.application.configuration import settings_from_surroundings

    folder = Path(settings_from_surroundings(providers_dir=providers).providers_dir)
    keys: dict[str, Any] = {
        "path": path or _usual_path(provider, webhook_name),
        "verify_signature": True,
        "signing_secret_env": secret_env or _usual_variable(provider),
        "verification_type": verification_type,
        "signature_header": signature_header or _asked_header(provider, verification_type),
        "timestamp_header": timestamp_header,
        "replay_tolerance": replay_tolerance,
        "event_header": event_header,
        "events": [*(events or []), *(more_events or [])],
        "rate_limit": {"requests_per_minute": requests_per_minute} if requests_per_minute else None,
    }
    file = folder / _checked_name(provider) / "webhook.yaml"
    text = new_text(file, webhook_name, {name: value for name, value in keys.items() if value}, force=force)
    check_text(provider, text)
    if dry_run:
        typer.echo(text, nl=False)
        return
    write_file(file, text)
    if as_json:
        typer.echo(
            json.dumps({"file": str(file), "secret_env": keys["signing_secret_env"], "path": keys["path"]})
        )
        return
    typer.echo(f"Wrote {file}.")
    typer.echo(
        f"Next: export {keys['signing_secret_env']}=… and `webhooks serve`; its way in is {keys['path']}",
        err=True,
    )


def _checked_name(provider: str) -> str:
    from smart_api_integrations.providers.webhook_yaml import NAME

    if not re.fullmatch(NAME, provider):
        message = f"{provider!r} cannot be a name: a-z, 0-9, - and _ (at most 63), a letter or digit first."
        raise InvalidInput(message)
    return provider


def _usual_path(provider: str, name: str) -> str:
    return f"/webhooks/{provider}/" + ("" if name == "default" else f"{name}/")


def _usual_variable(provider: str) -> str:
    packaged = _packaged(provider)
    return packaged or re.sub(r"[^A-Z0-9]", "_", provider.upper()) + "_WEBHOOK_SECRET"


def _packaged(provider: str) -> str | None:
    """Return the variable that a packaged sender's secret is in, or None where it is no packaged one."""
    from smart_api_integrations.providers.catalogue import load_catalogue

    source = load_catalogue(providers_dir=None, environ={}).sources.get((provider, "default"))
    form = None if source is None else source.definition.secret_form
    return None if form is None else form.names[0]


def _asked_header(provider: str, verification_type: str | None) -> str | None:
    """Ask a person for the signature header of a sender that is not packaged; a script is not asked."""
    if not sys.stdin.isatty() or verification_type is not None or _packaged(provider) is not None:
        return None
    answer: str = typer.prompt("Which header holds the signature?", default="X-Webhook-Signature", err=True)
    return answer
