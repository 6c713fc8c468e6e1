"""``webhooks trigger``: a correctly signed sample of any packaged provider. Floor 10."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smart_api_integrations.errors import InvalidInput

if TYPE_CHECKING:
    from smart_api_integrations.core.outbound_request import Answer
    from smart_api_integrations.core.webhook_schema import RawRequest

DEFAULT_TARGET = "http://127.0.0.1:8000"
# A person at a terminal names the URL, so private networks are open here; the internet's are anyway.
OPEN_NETWORKS = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
TIMEOUT_SECONDS = 30.0


def trigger(
    provider: Annotated[str, typer.Argument(help="The provider, as in `github`.")],
    event: Annotated[str, typer.Argument(help="The event type, as in `push` or `pull_request.opened`.")],
    to: Annotated[str, typer.Option(help="The server, or the whole URL of a way in.")] = DEFAULT_TARGET,
    secret: Annotated[
        str | None, typer.Option(help="Signs the request; else the provider's variable.")
    ] = None,
    payload_file: Annotated[
        Path | None, typer.Option(help="A JSON file to send instead of the sample.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many different events to send.")] = 1,
    bad_signature: Annotated[bool, typer.Option("--bad-signature", help="Sign with a wrong secret.")] = False,
    webhook: Annotated[str, typer.Option(help="Which of the provider's webhooks.")] = "default",
    as_json: Annotated[bool, typer.Option("--json", help="Print each answer as one line of JSON.")] = False,
) -> None:
    """Send a correctly signed sample event of a packaged provider.

    Exit code 1 where an answer is not 2xx.

    Examples:

        webhooks trigger github push

        webhooks trigger stripe invoice.paid --secret whsec_test --to http://127.0.0.1:8000

        webhooks trigger github push --bad-signature
    """
    payload = None if payload_file is None else _read_payload(payload_file)
    wrong = secrets.token_hex(24) if bad_signature else None
    requests = [
        _signed(provider, event, webhook=webhook, secret=wrong or secret, payload=payload)
        for _ in range(count)
    ]
    answers = asyncio.run(_send(requests, to))
    for answer in answers:
        _show(answer, as_json=as_json)
    if not all(200 <= answer.status < 300 for answer in answers):
        raise typer.Exit(1)


def _read_payload(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        message = f"{file} cannot be read as JSON: {error}"
        raise InvalidInput(message) from error


def _signed(provider: str, event: str, *, webhook: str, secret: str | None, payload: Any) -> RawRequest:
    from smart_api_integrations.application.configuration import settings_from_surroundings
    from smart_api_integrations.application.parts import build_catalogue
    from smart_api_integrations.providers.samples import signed_request

    catalogue = build_catalogue(settings_from_surroundings(), os.environ)
    return signed_request(
        catalogue.source(provider, webhook),
        event,
        now=datetime.now(UTC),
        delivery_id=f"test_{secrets.token_hex(12)}",
        secret=secret,
        payload=payload,
    )


async def _send(requests: Sequence[RawRequest], to: str) -> list[Answer]:
    from smart_api_integrations.core.outbound_request import OutboundRequest
    from smart_api_integrations.network.address_guard import AddressGuard
    from smart_api_integrations.network.http_transport import HttpTransport

    transport = HttpTransport(AddressGuard([ip_network(network) for network in OPEN_NETWORKS]))
    try:
        return [
            await transport.send(
                OutboundRequest(
                    url=_target(to, request),
                    headers=dict(request.headers),
                    body=request.body,
                    method=request.method,
                ),
                timeout=TIMEOUT_SECONDS,
            )
            for request in requests
        ]
    finally:
        await transport.close()


def _target(to: str, request: RawRequest) -> str:
    """Return the URL: a server's gets the way in's path, one with a path of its own is taken as it is."""
    scheme, _, rest = to.partition("://")
    return to if "/" in rest.rstrip("/") else f"{scheme}://{rest.rstrip('/')}{request.path}"


def _show(answer: Answer, *, as_json: bool) -> None:
    text = answer.body.decode("utf-8", "replace")
    if as_json:
        typer.echo(json.dumps({"status": answer.status, "answer": _parsed(text)}))
    else:
        typer.echo(f"{answer.status} {text}")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
