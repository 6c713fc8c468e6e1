"""Where the server listens: the address, whether it may, and a socket that somebody else opened. Floor 9.

A process that is started on a socket has it open already, from the supervisor of several processes or
from systemd (``LISTEN_FDS``, https://www.freedesktop.org/software/systemd/man/sd_listen_fds.html). Then
no connection is refused while processes come and go: the socket stays.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

from smart_api_integrations.application.parts import build_journal
from smart_api_integrations.application.surroundings import build_surroundings
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.settings import Settings

FIRST_PASSED = 3  # SD_LISTEN_FDS_START


def check_exposure(settings: Settings, *, has_stored_keys: bool = False) -> None:
    """Return if the server may listen where *settings* say.

    Raises:
        ConfigurationError: Others could reach it and no API key is set, or HTTPS is required and there is
            no proxy that could say so.
    """
    if settings.require_https and not settings.trusted_proxies:
        message = (
            "WEBHOOKS_REQUIRE_HTTPS needs WEBHOOKS_TRUSTED_PROXIES: the proxy that ends TLS says what came "
            "over HTTPS, and it is believed only if it is named."
        )
        raise ConfigurationError(message)
    if settings.is_loopback or settings.api_keys or has_stored_keys:
        return
    message = (
        f"Listening at {settings.host} lets other machines reach the API and the dashboard, and no API key "
        "is set.\nMake one and start again:\n"
        "  webhooks keys create --role admin\n"
        "or\n"
        '  export WEBHOOKS_API_KEYS="$(python3 -c '
        '\'import secrets; print("whk_" + secrets.token_urlsafe(32))\')"\n'
        "Or listen at 127.0.0.1, where nobody else can reach it."
    )
    raise ConfigurationError(message)


async def has_stored_keys(settings: Settings) -> bool:
    """Tell whether the store has an API key; it is opened only where the answer decides anything.

    Raises:
        ConfigurationError: The store cannot be opened as it is configured.
        StorageUnavailable: It cannot be reached.
    """
    if settings.is_loopback or settings.api_keys or is_missing(settings.database_url):
        return False
    journal = build_journal(settings, build_surroundings(settings, nullcontext))
    await journal.open()
    try:
        return await journal.access.has_keys()
    finally:
        await journal.close()


def is_missing(database_url: str) -> bool:
    """Tell whether *database_url* names an SQLite file that is not there."""
    scheme, _, file = database_url.partition(":///")
    return scheme == "sqlite" and not Path(file.partition("?")[0]).is_file()


def listening_socket(settings: Settings, passed: int | None = None) -> socket.socket:
    """Return the socket to listen with: the *passed* one by its number, systemd's, or a new one.

    Raises:
        ConfigurationError: The address is taken, or what was passed is no listening socket.
    """
    number = passed_by_systemd(os.environ, os.getpid()) if passed is None else passed
    return _bind(settings) if number is None else _adopt(number)


def passed_by_systemd(environ: Mapping[str, str], process: int) -> int | None:
    """Return the number of the socket that systemd opened for *process*, or None.

    >>> passed_by_systemd({"LISTEN_PID": "7", "LISTEN_FDS": "1"}, 7)
    3
    >>> passed_by_systemd({"LISTEN_PID": "8", "LISTEN_FDS": "1"}, 7) is None
    True
    """
    is_ours = environ.get("LISTEN_PID") == str(process) and environ.get("LISTEN_FDS", "0") not in {"", "0"}
    return FIRST_PASSED if is_ours else None


def url_of(settings: Settings, listening: socket.socket) -> str:
    """Return the server's URL at this machine."""
    port = listening.getsockname()[1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{port}"


def greeting(roles: Sequence[str], url: str) -> str:
    """Return the line that says what is where."""
    first = f"{'Dashboard' if 'api' in roles else 'Server'}: {url}/"
    ways_in = f"   Ways in: {url}/webhooks/<provider>" if "gateway" in roles else ""
    return f"Ready. {first}{ways_in}"


def _adopt(number: int) -> socket.socket:
    try:
        adopted = socket.socket(fileno=number)
    except OSError as error:
        message = f"There is no socket {number} to listen with: {error.strerror or error}"
        raise ConfigurationError(message) from error
    if adopted.family not in {socket.AF_INET, socket.AF_INET6}:
        adopted.close()
        message = "The socket that was passed is not one of TCP: write ListenStream=127.0.0.1:8000"
        raise ConfigurationError(message)
    return adopted


def _bind(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        message = (
            f"Cannot listen at {settings.host}:{settings.port}: {error.strerror or error}. "
            "Is another server running? Choose another port with --port."
        )
        raise ConfigurationError(message) from error
    listening.set_inheritable(True)
    return listening
