"""Reading settings where they are: arguments, the environment, ``webhooks.toml``. Floor 7."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.settings import Settings, read_settings

SETTINGS_FILE = "webhooks.toml"


def settings_from_surroundings(**given: Any) -> Settings:
    """Return the settings of this process; what is *given* wins, None means not given.

    Raises:
        ConfigurationError: Some are wrong; the message lists every fault.
    """
    file = Path(SETTINGS_FILE)
    try:
        text = file.read_text("utf-8") if file.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        message = f"{SETTINGS_FILE} cannot be read: {error}"
        raise ConfigurationError(message) from error
    return read_settings(given=given, environ=os.environ, toml=text)
