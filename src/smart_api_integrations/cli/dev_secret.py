"""The secret that ``webhooks dev`` makes for a folder, and ``webhooks trigger`` signs with. Floor 10."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from smart_api_integrations.errors import ConfigurationError

FILE = ".webhooks-dev-secret"


def secrets_to_set(providers_dir: str) -> Mapping[str, str]:
    """Return the folder's secret, made where there is none, for every variable that is not set.

    Raises:
        ConfigurationError: A webhook.yaml cannot be used, or the secret cannot be kept.
    """
    return for_unset(providers_dir, _made())


def secrets_of_folder(providers_dir: str) -> Mapping[str, str]:
    """Return the same where the folder has a secret; else nothing."""
    return for_unset(providers_dir, _made()) if Path(FILE).is_file() else {}


def for_unset(providers_dir: str, secret: str) -> Mapping[str, str]:
    """Return *secret* for every variable that a sender reads and that is not set.

    Raises:
        ConfigurationError: A webhook.yaml cannot be used.
    """
    from smart_api_integrations.providers.catalogue import load_definitions

    folder = Path(providers_dir)
    found: dict[str, str] = {}
    for definition in load_definitions(folder if folder.is_dir() else None).values():
        form = definition.secret_form
        if form is None or form.algorithms or any(name in os.environ for name in form.names):
            continue
        try:
            form.decode(form.names[0], secret)
        except ConfigurationError:
            continue  # a key of another kind: only the sender has one
        found[form.names[0]] = secret
    return found


def _made() -> str:
    """Return the folder's secret; the first call makes it, readable for its owner alone."""
    file = Path(FILE)
    try:
        if not file.exists():
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
                opened.write(secrets.token_hex(32) + "\n")
        return file.read_text("utf-8").strip()
    except OSError as error:
        message = f"{FILE} cannot be kept here: {error.strerror or error}. Start it in a folder of your own."
        raise ConfigurationError(message) from error
