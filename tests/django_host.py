"""A Django project for tests: settings without a file, and applications over one URLconf."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import django
from django.conf import settings

INSTALLED = "smart_api_integrations.frameworks.django"


def set_up() -> None:
    """Configure Django once for the process."""
    if settings.configured:
        return
    settings.configure(
        ALLOWED_HOSTS=["*"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEBUG=False,
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", INSTALLED],
        MIDDLEWARE=[
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
        ],
        ROOT_URLCONF="tests_urls",
        SECRET_KEY="a key for tests alone",
        USE_TZ=True,
    )
    django.setup()


def urlconf(patterns: list[Any]) -> str:
    """Return the name of a module that holds *patterns*, in the place of the last one."""
    from django.urls import clear_url_caches  # noqa: PLC0415 - Django must be set up

    module = ModuleType("tests_urls")
    module.urlpatterns = patterns  # type: ignore[attr-defined]
    sys.modules["tests_urls"] = module
    clear_url_caches()
    return "tests_urls"


def routed(handlers: Mapping[str, object] | None, **options: Any) -> None:
    """Let Django serve the ways in of *handlers*."""
    from smart_api_integrations.frameworks.django import installed, webhook_routes  # noqa: PLC0415 - likewise

    installed.forget()
    urlconf(webhook_routes(handlers, **options))
