"""``webhooks serve --processes N``: the parent's part. Floor 10.

It loads neither handlers nor the store: its children do, and so a new child has new code.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

import typer

from smart_api_integrations.server.listening import (
    check_exposure,
    greeting,
    has_stored_keys,
    listening_socket,
    url_of,
)
from smart_api_integrations.server.logs import configure_logging
from smart_api_integrations.server.supervisor import Supervisor, SupervisorRules
from smart_api_integrations.settings import ENVIRONMENT_PREFIX, Settings
from smart_api_integrations.storage.opening import refuse_several_processes

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # what ``watch.metrics`` reads; that loads too much for a parent
LISTEN_BACKLOG = 2048
CHILD = ("-m", "smart_api_integrations.cli", "serve")


def run_several(settings: Settings, given: Mapping[str, Any]) -> None:
    """Run the processes that *settings* ask for until told to stop.

    What was *given* goes to the children in their environment: a command line is for everybody to read.

    Raises:
        ConfigurationError: The settings cannot be used, or the address is taken.
        SystemExit: The processes could not be started; the code is theirs.
    """
    configure_logging(style=settings.log_format, level=settings.log_level)
    check_exposure(settings, has_stored_keys=asyncio.run(has_stored_keys(settings)))
    refuse_several_processes(settings.database_url)
    with (
        contextlib.closing(listening_socket(settings)) as listening,
        tempfile.TemporaryDirectory(prefix="webhooks-metrics-") as shared,
    ):
        url = url_of(settings, listening)
        listening.listen(LISTEN_BACKLOG)
        rules = SupervisorRules(
            command=CHILD,
            environ={SHARED_FOLDER: shared, **environment(given)},
            processes=settings.processes,
            shutdown_seconds=settings.shutdown_seconds,
            ready=lambda: _announce(settings, url),
        )
        code = Supervisor(listening, rules).run()
    if code:
        sys.exit(code)


def environment(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that say what was *given*, for a process that is one of several.

    >>> environment({"roles": ("api", "worker"), "host": None, "processes": 4})
    {'WEBHOOKS_ROLES': 'api,worker', 'WEBHOOKS_PROCESSES': '1'}
    """
    told = {**given, "processes": 1}
    return {
        ENVIRONMENT_PREFIX + name.upper(): _text(value) for name, value in told.items() if value is not None
    }


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def _announce(settings: Settings, url: str) -> None:
    typer.echo(f"{greeting(settings.roles, url)}   Processes: {settings.processes}")
    sys.stdout.flush()
