"""The application as Django installs it. Floor 9."""

from django.apps import AppConfig
from django.core.checks import register
from django.core.signals import request_started, setting_changed
from django.utils.module_loading import autodiscover_modules

from smart_api_integrations.frameworks.django.checks import check_handlers, check_providers
from smart_api_integrations.frameworks.django.installed import forget, reception


class SmartApiIntegrationsConfig(AppConfig):
    """Finds handlers, checks the configuration, and starts the platform with the first request."""

    name = "smart_api_integrations.frameworks.django"
    label = "smart_api_integrations"
    verbose_name = "Smart API Integrations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import every installed application's ``webhooks.py``, which registers its handlers."""
        autodiscover_modules("webhooks")
        register(check_providers)
        register(check_handlers)
        setting_changed.connect(forget, dispatch_uid=self.label)
        request_started.connect(_begin, dispatch_uid=self.label)


def _begin(**_: object) -> None:
    """Let what waits in the store be worked on: a server is up, whatever is asked of it first."""
    if reception.cache_info().currsize:
        reception().begin()
