"""Slack in a Django project of one file: its challenge is answered, its events reach a function.

export SLACK_SIGNING_SECRET=…
python django_app.py runserver
"""

from __future__ import annotations

import sys

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import execute_from_command_line
from django.urls import include, path

from smart_api_integrations.webhooks import WebhookEvent, webhook_handler

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        INSTALLED_APPS=["smart_api_integrations.frameworks.django"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="of this example alone",  # noqa: S106 - nothing here is signed with it
    )
    django.setup()

urlpatterns = [path("", include("smart_api_integrations.frameworks.django.urls"))]
mentions: list[str] = []


@webhook_handler("slack", "app_mention")
def on_mention(event: WebhookEvent) -> dict[str, bool]:
    """Remember what was said."""
    mentions.append(event.payload["event"]["text"])
    return {"noted": True}


application = WSGIHandler()

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
