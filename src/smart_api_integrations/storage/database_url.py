"""A database URL, read; or said to be unreadable without showing the password in it. Floor 3."""

from __future__ import annotations

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from smart_api_integrations.errors import ConfigurationError


def database_url(text: str) -> URL:
    """Return the parts of *text*.

    Raises:
        ConfigurationError: It is no URL.
    """
    try:
        return make_url(text)
    except (ArgumentError, ValueError):
        message = (
            "The database URL cannot be read: write sqlite:///webhooks.db or postgresql://user@host/name"
        )
        raise ConfigurationError(message) from None
