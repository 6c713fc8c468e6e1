"""The reception of the installed application, from Django's settings. Floor 9."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, close_old_connections, connections

from smart_api_integrations.application.reception import Reception, open_reception
from smart_api_integrations.errors import ConfigurationError

SETTING = "SMART_API_INTEGRATIONS"


@lru_cache(maxsize=1)
def reception() -> Reception:
    """Return the reception that Django's settings describe, made once.

    Raises:
        ConfigurationError: A setting, a provider's YAML or a secret cannot be used.
    """
    opened = open_reception(**_own_settings())
    if opened.webhooks is not None:
        opened.webhooks.run_handlers_inside(fresh_connections)
    return opened


def forget(*, setting: str = SETTING, **_: object) -> None:
    """Read the settings anew at the next request, where *setting* is ours; stops what ran on the old ones."""
    if setting in {SETTING, "DATABASES"}:
        if reception.cache_info().currsize:
            webhooks = reception().webhooks
            if webhooks is not None:
                webhooks.stop()
        reception.cache_clear()


def _own_settings() -> dict[str, Any]:
    own = dict(getattr(settings, SETTING, {}))
    alias = own.pop("database", None)
    if alias is not None:
        if "database_url" in own:
            message = f"{SETTING}: give 'database', an alias of DATABASES, or 'database_url', not both."
            raise ConfigurationError(message)
        own["database_url"] = database_url(alias)
    return {name: str(value) if name == "providers_dir" else value for name, value in own.items()}


def database_url(alias: str) -> str:
    """Return where Django's database *alias* is, as our settings write it.

    Raises:
        ConfigurationError: There is none of this name, it lives in memory, or its engine is no store of ours.
    """
    if alias not in connections:
        message = f"{SETTING}: 'database' is {alias!r}; DATABASES has {', '.join(connections)}."
        raise ConfigurationError(message)
    connection = connections[alias]
    writers = {"sqlite": _sqlite_url, "postgresql": _postgres_url}
    if connection.vendor not in writers:
        message = (
            f"{SETTING}: the database {alias!r} is of {connection.vendor}, which cannot be a store; give a "
            "'database_url' (sqlite:///… or postgresql://…)."
        )
        raise ConfigurationError(message)
    return writers[connection.vendor](connection.settings_dict)


def _sqlite_url(database: Mapping[str, Any]) -> str:
    name = str(database["NAME"])
    if name == ":memory:" or "mode=memory" in name:
        message = (
            f"{SETTING}: Django's database is in memory, which no other connection sees. In tests give it a "
            "file (DATABASES['default']['TEST']['NAME']), or leave 'database' out: handlers then run at once."
        )
        raise ConfigurationError(message)
    return f"sqlite:///{name}"


def _postgres_url(database: Mapping[str, Any]) -> str:
    password = f":{quote(database['PASSWORD'], safe='')}" if database.get("PASSWORD") else ""
    user = f"{quote(database['USER'], safe='')}{password}@" if database.get("USER") else ""
    host = database.get("HOST") or ""
    if host.startswith("/"):  # a socket's folder
        return f"postgresql://{user}/{quote(database['NAME'])}?host={quote(host)}"
    port = f":{database['PORT']}" if database.get("PORT") else ""
    return f"postgresql://{user}{host}{port}/{quote(database['NAME'])}"


@contextmanager
def fresh_connections() -> Iterator[None]:
    """Give a handler that a worker runs connections that still work, and let go of those that do not."""
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()


def prepare_store(alias: str) -> None:
    """Make the journal's tables, where the journal is in the database *alias*, or in none of Django's.

    Raises:
        ConfigurationError: The store is set up in a way that would lose events.
        StorageUnavailable: It cannot be reached.
    """
    own = getattr(settings, SETTING, {}).get("database", DEFAULT_DB_ALIAS)
    webhooks = reception().webhooks if own == alias else None
    if webhooks is not None and not webhooks.is_running:
        webhooks.open()
        webhooks.stop()
