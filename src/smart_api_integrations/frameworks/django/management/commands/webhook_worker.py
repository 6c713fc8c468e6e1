"""``manage.py webhook_worker``: run handlers and deliveries in a process of their own. Floor 9."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from smart_api_integrations.errors import WebhooksError
from smart_api_integrations.frameworks.django.installed import reception
from smart_api_integrations.frameworks.working import work_until_told


class Command(BaseCommand):
    """Run handlers and deliveries until SIGINT or SIGTERM."""

    help = "Run webhook handlers and deliveries until this is told to stop (SIGINT, SIGTERM)."

    def handle(self, *_: Any, **__: Any) -> None:
        """Run the command.

        Raises:
            CommandError: There is no store, or it cannot be used.
        """
        try:
            work_until_told(reception(), say=self.stdout.write)
        except WebhooksError as error:
            raise CommandError(str(error)) from error
