"""``webhooks sign``: the headers that make a body verify, as the sender would write them. Floor 10."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smart_api_integrations.cli.inputs import header_pairs, moment, read_bytes, read_secret
from smart_api_integrations.cli.options import (
    Json,
    ProviderName,
    ProvidersDir,
    SecretFile,
    SecretText,
    WebhookName,
)
from smart_api_integrations.cli.sending import SERVER

if TYPE_CHECKING:
    from smart_api_integrations.core.webhook_schema import RawRequest
    from smart_api_integrations.providers.catalogue import Source


def sign(
    provider: ProviderName,
    body: Annotated[
        Path, typer.Option("--body", help="The file to sign, byte for byte; `-` is standard input.")
    ],
    event: Annotated[
        str | None, typer.Option("--event", help="Names the event, where the sender does so in a header.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", help="A header that goes with it, `Name: value`.")
    ] = None,
    curl: Annotated[
        str | None, typer.Option("--curl", help="Print a curl command for this server instead of headers.")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", help="When it is signed, ISO 8601 or seconds.")] = None,
    message_id: Annotated[
        str | None, typer.Option("--id", help="The message id, where one is signed.")
    ] = None,
    webhook: WebhookName = "default",
    providers: ProvidersDir = None,
    secret: SecretText = None,
    secret_file: SecretFile = None,
    as_json: Json = False,
) -> None:
    """Sign a body as the sender would, with the secret that is configured.

    Prints the headers one a line, ready for `verify --headers` or for a test; the secret is never printed.

    Examples:

        webhooks sign github --body push.json --event push
        echo '{"id": "evt_1"}' | webhooks sign stripe --body - --curl http://127.0.0.1:8000
    """
    from smart_api_integrations.application.configuration import settings_from_surroundings
    from smart_api_integrations.application.surroundings import build_catalogue

    settings = settings_from_surroundings(providers_dir=providers)
    source = build_catalogue(settings, os.environ).source(provider, webhook)
    signed = signed_body(
        source,
        read_bytes(body),
        headers=[*_event_header(source, event), *header_pairs(header or [])],
        secret=read_secret(secret, secret_file),
        at=at,
        message_id=message_id,
    )
    if curl is not None:
        typer.echo(_curl(signed, curl))
    elif as_json:
        typer.echo(json.dumps(dict(signed.headers), ensure_ascii=False))
    else:
        for name, value in signed.headers.items():
            typer.echo(f"{name}: {value}")


def signed_body(
    source: Source,
    body: bytes,
    *,
    headers: list[tuple[str, str]],
    secret: str | None = None,
    at: str | None = None,
    message_id: str | None = None,
) -> RawRequest:
    """Return the request that *source* believes, with *body* as it is.

    Raises:
        SecretMissing: There is none to sign with.
        InvalidInput: The scheme cannot be signed for, or *at* is no time.
    """
    from smart_api_integrations.core.webhook_schema import Headers, RawRequest
    from smart_api_integrations.providers.samples import signing_secrets, usual_path

    path = usual_path(source)
    public_url = source.called_url(path, server_url=SERVER)
    request = RawRequest(path=path, headers=Headers(headers), body=body, public_url=public_url)
    if "content-type" not in request.headers:
        request.headers["Content-Type"] = "application/json"
    return source.webhook.scheme.sign(
        request,
        now=moment(at),
        secrets=signing_secrets(source, secret),
        message_id=message_id or f"msg_{secrets.token_hex(12)}",
        variables=source.webhook.variables,
    )


def _event_header(source: Source, event: str | None) -> list[tuple[str, str]]:
    references = source.webhook.extraction.event_type.references
    headers = [reference.argument for reference in references if reference.kind == "header"]
    return [(headers[0], event)] if event is not None and headers else []


def _curl(request: RawRequest, to: str) -> str:
    from smart_api_integrations.cli.curl import as_curl
    from smart_api_integrations.cli.sending import target

    return as_curl(request, target(to, request).removesuffix(request.path))
