"""``manage.py test_webhook``: try a provider's handlers with a signed request, here and now. Floor 9."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from smart_api_integrations.application.trying import read_payload
from smart_api_integrations.application.webhook_trial import WebhookTrial
from smart_api_integrations.errors import WebhooksError
from smart_api_integrations.frameworks.django.installed import reception


class Command(BaseCommand):
    """Send a signed request through verification and handlers, and print what its sender would get."""

    help = "Send a signed webhook through verification and its handlers, and print the answer."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take provider, event and what is to be done with them."""
        parser.add_argument("provider", help="The provider's name, as in providers/<name>/webhook.yaml.")
        parser.add_argument("event", help="The event's type: user.created, pull_request.opened.")
        parser.add_argument("--webhook-name", default="default", help="Which of the provider's webhooks.")
        parser.add_argument("--payload", metavar="JSON", help="The payload, or the name of a file with it.")
        parser.add_argument("--payload-file", metavar="FILE", help="A file with the payload.")
        parser.add_argument("--list-handlers", action="store_true", help="List the handlers; run nothing.")
        parser.add_argument(
            "--sample-payload", action="store_true", help="Print a sample payload; run nothing."
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Run the command.

        Raises:
            CommandError: The request was refused, a handler failed, or something cannot be used.
        """
        try:
            self._handle(**options)
        except WebhooksError as error:
            raise CommandError(str(error)) from error

    def _handle(
        self,
        *,
        provider: str,
        event: str,
        webhook_name: str,
        payload: str | None,
        payload_file: str | None,
        list_handlers: bool,
        sample_payload: bool,
        **_: Any,
    ) -> None:
        opened = reception()
        trial = WebhookTrial(
            catalogue=opened.catalogue, settings=opened.settings, provider=provider, name=webhook_name
        )
        if list_handlers:
            self._list(trial)
        elif sample_payload:
            self.stdout.write(trial.sample(event))
        else:
            answer = trial.run(event, read_payload(payload, payload_file))
            told = f"{answer.status} {answer.body.decode()}"
            if answer.status >= 400:
                raise CommandError(told)
            self.stdout.write(self.style.SUCCESS(told))

    def _list(self, trial: WebhookTrial) -> None:
        found = list(trial.handlers())
        for pattern, name in found:
            self.stdout.write(f"{pattern}  {name}")
        if not found:
            self.stdout.write(f"No handler of {trial.provider}/{trial.name} is registered.")
