"""The commands ``flask webhooks …``. Floor 9."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from smart_api_integrations.application.reception import Reception
from smart_api_integrations.application.trying import read_payload
from smart_api_integrations.application.webhook_trial import WebhookTrial
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.errors import WebhooksError
from smart_api_integrations.frameworks.working import work_until_told


def add_commands(group: click.Group, reception: Reception) -> None:
    """Add the commands to *group*."""
    group.help = "Receive webhooks: list, try out, work."
    group.command("list")(_told(lambda: _list(reception)))
    group.command("worker")(_told(lambda: _work(reception)))
    test = _told(lambda **given: _test(reception, **given))
    for parameter in (
        click.option("--sample-payload", is_flag=True, help="Print the sample payload and run nothing."),
        click.option("--payload-file", metavar="FILE", help="A file with the payload."),
        click.option("--payload", metavar="JSON", help="The payload, or the name of a file with it."),
        click.option("--webhook-name", default="default", show_default=True),
        click.argument("event"),
        click.argument("provider"),
    ):
        test = parameter(test)
    group.command("test")(test)


def _list(reception: Reception) -> None:
    """List the ways in, and the handlers behind each."""
    for provider, name in reception.catalogue.webhooks:
        click.echo(f"/webhooks/{provider}" + ("" if name == "default" else f"/{name}"))
        processor = get_webhook_registry().processor(provider, name)
        for pattern, handlers in (processor.handlers if processor else {}).items():
            for handler in handlers:
                click.echo(f"  {pattern}  {handler.name}")


def _test(
    reception: Reception,
    *,
    provider: str,
    event: str,
    webhook_name: str,
    payload: str | None,
    payload_file: str | None,
    sample_payload: bool,
) -> None:
    """Send a signed request through verification and handlers, here, and print the answer."""
    trial = WebhookTrial(
        catalogue=reception.catalogue, settings=reception.settings, provider=provider, name=webhook_name
    )
    if sample_payload:
        click.echo(trial.sample(event))
        return
    answer = trial.run(event, read_payload(payload, payload_file))
    click.echo(f"{answer.status} {answer.body.decode()}")
    if answer.status >= 400:
        raise SystemExit(1)


def _work(reception: Reception) -> None:
    """Run handlers and deliveries until this is told to stop (SIGINT, SIGTERM)."""
    work_until_told(reception, say=click.echo)


def _told(command: Callable[..., None]) -> Callable[..., None]:
    """Return *command* with its faults told in a sentence."""

    @wraps(command)
    def run(**given: Any) -> None:
        try:
            command(**given)
        except WebhooksError as error:
            raise click.ClickException(str(error)) from error

    return run
