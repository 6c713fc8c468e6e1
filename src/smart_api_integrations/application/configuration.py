"""Reading settings where they are: arguments, the environment, ``webhooks.toml``. Floor 7."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.settings import ENVIRONMENT_PREFIX, Settings, read_settings

SETTINGS_FILE = "webhooks.toml"


def settings_from_surroundings(**given: Any) -> Settings:
    """Return the settings of this process; what is *given* wins, None means not given.

    Raises:
        ConfigurationError: Some are wrong; the message lists every fault.
    """
    return read_settings(given=given, environ=os.environ, toml=_file())


def sources_of(settings: Settings, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return where each setting that is no default comes from: the environment, the file, or a caller.

    It looks now at what was read at the start; what has been changed since is then told of a caller.
    """
    try:
        in_file = tomllib.loads(_file())
    except (ConfigurationError, tomllib.TOMLDecodeError):
        in_file = {}
    found = {}
    for name in settings.model_fields_set:
        variable = ENVIRONMENT_PREFIX + name.upper()
        if environ.get(variable):
            found[name] = variable
        else:
            found[name] = SETTINGS_FILE if name in in_file else "command line"
    return found


def _file() -> str:
    file = Path(SETTINGS_FILE)
    try:
        return file.read_text("utf-8") if file.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        message = f"{SETTINGS_FILE} cannot be read: {error}"
        raise ConfigurationError(message) from error
