"""``webhooks serve``. Floor 10."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smart_api_integrations.cli.curl import as_curl
from smart_api_integrations.errors import ConfigurationError

HANDLER_THREADS = "webhooks-handler"

if TYPE_CHECKING:
    from smart_api_integrations.application.platform import Platform
    from smart_api_integrations.settings import Settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen at.  [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen at.  [default: 8000]")] = None,
    database_url: Annotated[
        str | None,
        typer.Option(help="`sqlite:///file` or `postgresql://…`.  [default: sqlite:///webhooks.db]"),
    ] = None,
    providers: Annotated[
        str | None, typer.Option(help="Folder of your own providers.  [default: providers]")
    ] = None,
    handlers: Annotated[str | None, typer.Option(help="Modules with your handlers, comma-separated.")] = None,
    roles: Annotated[
        str | None, typer.Option(help="What this process does.  [default: gateway,worker,api,monitor]")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(help="Processes that share the port.  [default: 1]", show_default=False)
    ] = None,
    log_format: Annotated[
        str | None, typer.Option(help="`json` or `text`.  [default: text in a terminal, else json]")
    ] = None,
    listen_fd: Annotated[int | None, typer.Option(hidden=True)] = None,
    tether_fd: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run the server: the ways in, the worker, the API and the dashboard.

    Everything can also be set by `WEBHOOKS_*` variables and in `webhooks.toml`.

    With several processes one more watches them: it starts again what ends, replaces them one by one at
    SIGHUP, and stops them in order at SIGTERM.

    Examples:

        webhooks serve

        webhooks serve --handlers shop.webhooks --database-url postgresql://localhost/webhooks

        webhooks serve --processes 4 --roles gateway,api
    """
    from smart_api_integrations.application.configuration import settings_from_surroundings

    given = {
        "host": host,
        "port": port,
        "database_url": database_url,
        "providers_dir": providers,
        "handlers": handlers,
        "roles": roles,
        "processes": processes,
        "log_format": log_format,
    }
    settings = settings_from_surroundings(**given)
    if tether_fd is None:
        run_on(settings, given=given)
    else:
        _run_tethered(settings, listen_fd=listen_fd, tether_fd=tether_fd)


def run_on(settings: Settings, *, given: Mapping[str, Any] | None = None) -> None:
    """Run a server on *settings* until it is told to stop.

    Where there are several processes, they read their settings anew, but for those *given*.

    Raises:
        ConfigurationError: The settings cannot be used, or the address is taken.
        StorageUnavailable: The store cannot be reached.
    """
    if settings.processes > 1:
        from smart_api_integrations.cli.several import run_several

        run_several(settings, given or {})
        return
    from smart_api_integrations.server.logs import configure_logging
    from smart_api_integrations.server.serve import serve as run

    configure_logging(style=settings.log_format, level=settings.log_level)
    import_handlers(settings.handlers)
    with _best_loop() as runner:
        runner.run(run(settings, ready=announce))
    _leave()


def _run_tethered(settings: Settings, *, listen_fd: int | None, tether_fd: int) -> None:
    """Run one process of several; the parent is told when it is ready."""
    from smart_api_integrations.server.child import READY
    from smart_api_integrations.server.logs import configure_logging
    from smart_api_integrations.server.serve import serve as run

    configure_logging(style=settings.log_format, level=settings.log_level)
    import_handlers(settings.handlers)
    with socket.socket(fileno=tether_fd) as tether, _best_loop() as runner:
        runner.run(run(settings, ready=lambda *_: tether.sendall(READY), listen_fd=listen_fd, tether=tether))
    _leave()


def _leave() -> None:
    """End the process though a handler's thread still runs: it cannot be stopped, and its work went back."""
    threads = [thread for thread in threading.enumerate() if thread.name.startswith(HANDLER_THREADS)]
    for thread in threads:
        thread.join(timeout=0.1)
    if any(thread.is_alive() for thread in threads):
        logging.getLogger(__name__).warning(
            "A handler that did not finish was left behind", extra={"action": "stop"}
        )
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)


def _best_loop() -> asyncio.Runner:
    import uvloop

    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


def import_handlers(modules: Sequence[str]) -> None:
    """Import the modules that register handlers; the current folder is searched first.

    Raises:
        ConfigurationError: One cannot be imported; the message says which and why.
    """
    if modules:
        sys.path.insert(0, str(Path.cwd()))
    for module in modules:
        try:
            importlib.import_module(module)
        except (Exception, SystemExit) as error:
            message = f"The handler module {module!r} cannot be imported: {type(error).__name__}: {error}"
            raise ConfigurationError(message) from error


def announce(platform: Platform, url: str) -> None:
    """Say that the server is ready, where the dashboard is, and how to try it."""
    from smart_api_integrations.server.listening import greeting
    from smart_api_integrations.server.service_manager import READY, notify

    notify(READY)
    typer.echo(greeting(platform.settings.roles, url))
    request = platform.sample()
    if request is not None:
        typer.echo(f"Try it:\n  {as_curl(request, url)}")
    sys.stdout.flush()
