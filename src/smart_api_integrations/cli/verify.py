"""``webhooks verify``: whether a request verifies, and if not, why. Floor 10."""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smart_api_integrations.cli.faults import Exit
from smart_api_integrations.cli.inputs import header_pairs, moment, read_bytes, read_secret
from smart_api_integrations.cli.options import (
    Json,
    ProviderName,
    ProvidersDir,
    SecretFile,
    SecretText,
    WebhookName,
)
from smart_api_integrations.errors import InvalidInput, SecretMissing

if TYPE_CHECKING:
    from smart_api_integrations.cli.explaining import Explained
    from smart_api_integrations.core.webhook_schema import RawRequest
    from smart_api_integrations.providers.catalogue import Source


def verify(
    provider: ProviderName,
    request: Annotated[
        Path | None,
        typer.Option(
            "--request",
            help="The whole request as JSON: `headers`, `body`, perhaps `body_encoding` and `query`.",
        ),
    ] = None,
    body: Annotated[
        Path | None, typer.Option("--body", help="The exact body, in a file; `-` is standard input.")
    ] = None,
    headers: Annotated[
        Path | None, typer.Option("--headers", help="A file of `Name: value` lines, as `curl -i` shows them.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", help="One more header, `Name: value`.")
    ] = None,
    public_url: Annotated[
        str | None, typer.Option("--public-url", help="The URL that was called, for senders that sign it.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", help="When it arrived, ISO 8601 or seconds.  [default: now]")
    ] = None,
    webhook: WebhookName = "default",
    providers: ProvidersDir = None,
    secret: SecretText = None,
    secret_file: SecretFile = None,
    as_json: Json = False,
) -> None:
    """Say whether a request verifies, and if not, which key, which bytes or which clock is to blame.

    What usually goes wrong is tried: a body that was written anew, a secret that is another webhook's or is
    read in the wrong encoding, a request that is too old. Secrets are never shown. The exit code is 6 where
    it does not verify.

    Examples:

        webhooks verify github --body body.json --headers headers.txt
        webhooks verify stripe --body body.json -H "Stripe-Signature: t=1700000000,v1=5257a8…"
    """
    from smart_api_integrations.application.configuration import settings_from_surroundings
    from smart_api_integrations.application.surroundings import build_catalogue
    from smart_api_integrations.cli.explaining import explain

    settings = settings_from_surroundings(providers_dir=providers)
    catalogue = build_catalogue(settings, os.environ)
    source = catalogue.source(provider, webhook)
    given, form = read_secret(secret, secret_file), source.definition.secret_form
    if given is None and source.missing is not None:
        message = (
            f"{source.missing} is not set: set it to the webhook's signing secret, or give --secret-file."
        )
        raise SecretMissing(message)
    judged = source.webhook
    if given is not None and form is not None:
        judged = replace(judged, secrets=(form.decode(form.names[0], given),))
    asked = _request(request, body, headers, header or [], public_url)
    if asked.public_url is None:
        asked = replace(asked, public_url=_called_url(source, asked))
    found = explain(
        judged,
        asked,
        now=moment(at),
        others={known: other for known, other in catalogue.webhooks.items() if known != source.key},
    )
    typer.echo(json.dumps(_as_json(found), ensure_ascii=False) if as_json else _as_text(found))
    if not found.verified:
        raise typer.Exit(Exit.FINDINGS)


def _called_url(source: Source, request: RawRequest) -> str | None:
    """Return the URL that was called, as the server knows it: from its settings, never from the request."""
    from smart_api_integrations.providers.samples import usual_path

    url = source.called_url(usual_path(source) if request.path == "/" else request.path)
    added = f"?{request.query}" if request.query and "?" not in (url or "") else ""
    return None if url is None else url + added


def _as_json(found: Explained) -> dict[str, Any]:
    return {"verified": found.verified, **asdict(found), "likely": list(found.likely)}


def _as_text(found: Explained) -> str:
    verdict = "verified" if found.verified else f"not verified: {found.reason}"
    lines = [f"{verdict}. {found.detail}"]
    lines += [f"  key     {found.key}", f"  bytes   {found.bytes}", f"  clock   {found.clock}"]
    return "\n".join([*lines, *(f"  likely  {sentence}" for sentence in found.likely)])


def _request(
    whole: Path | None, body: Path | None, headers: Path | None, header: list[str], public_url: str | None
) -> RawRequest:
    from smart_api_integrations.core.webhook_schema import Headers, RawRequest

    if (whole is None) == (body is None):
        message = "Give the request: either --request FILE, or --body FILE with --headers FILE or -H."
        raise InvalidInput(message)
    kept = {} if whole is None else _kept(whole)
    lines = "" if headers is None else read_bytes(headers).decode("latin-1")
    pairs = [*_pairs(kept.get("headers") or {}), *header_pairs(lines.splitlines()), *header_pairs(header)]
    return RawRequest(
        method=str(kept.get("method", "POST")),
        path=str(kept.get("path", "/")),
        query=str(kept.get("query", "")),
        headers=Headers(tuple(pairs)),
        body=_content(kept) if body is None else read_bytes(body),
        public_url=public_url,
    )


def _kept(file: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(read_bytes(file))
    except ValueError as error:
        message = f"{file} cannot be read as JSON: {error}"
        raise InvalidInput(message) from error
    if not isinstance(value, dict) or not isinstance(value.get("body"), str):
        message = (
            f"{file}: expected an object with `headers` and `body`, as `webhooks events show --json` prints."
        )
        raise InvalidInput(message)
    return value


def _pairs(headers: Any) -> list[tuple[str, str]]:
    """Return headers that are a mapping, or a list of pairs.

    Raises:
        InvalidInput: They are neither.
    """
    items = list(headers.items()) if isinstance(headers, dict) else headers
    if isinstance(items, list) and all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in items):
        return [(str(name), str(value)) for name, value in items]
    message = "`headers` must be an object, or a list of [name, value] pairs."
    raise InvalidInput(message)


def _content(kept: Mapping[str, Any]) -> bytes:
    if kept.get("body_encoding", "utf-8") != "base64":
        return str(kept["body"]).encode()
    try:
        return base64.b64decode(kept["body"], validate=True)
    except binascii.Error as error:
        message = "`body` is not the base64 that `body_encoding` promises."
        raise InvalidInput(message) from error
