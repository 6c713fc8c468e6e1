"""Django: an application to put into ``INSTALLED_APPS``, with views and commands. Floor 9.

::

    path("", include("smart_api_integrations.frameworks.django.urls"))             # every way in
    path("webhooks/<str:provider>/", webhook_view)                                  # or by hand

    SMART_API_INTEGRATIONS = {"database": "default"}     # keep what comes in, in Django's own database
    SMART_API_INTEGRATIONS = {"database_url": "…"}       # or elsewhere; without either handlers run at once

Handlers are found in every installed application's ``webhooks.py``. Where the provider waits, a plain handler
runs in the request's thread, with its connections and its transaction.
"""

from smart_api_integrations.frameworks.django.publishing import publish_on_commit
from smart_api_integrations.frameworks.django.views import async_webhook_view, webhook_routes, webhook_view
from smart_api_integrations.frameworks.routes import get_webhook_routes

__all__ = [
    "async_webhook_view",
    "get_webhook_routes",
    "publish_on_commit",
    "webhook_routes",
    "webhook_view",
]
