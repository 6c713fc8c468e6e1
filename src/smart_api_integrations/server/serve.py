"""Running the server: bind, say that it is ready, stop in order. Floor 9."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import FrameType
from typing import Any

import uvicorn

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.application.publishing import publish
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.server.application import create_app
from smart_api_integrations.server.ingest import Ingest
from smart_api_integrations.server.ingest_protocol import ingest_protocol
from smart_api_integrations.settings import Settings

logger = logging.getLogger(__name__)

BACKLOG = 2048
HEADER_LIMIT = 16 * 1024
# With futures alive across a commit, default thresholds make full collections cost a tenth of the time.
GC_THRESHOLD = 50_000


def check_exposure(settings: Settings) -> None:
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
    if settings.is_loopback or settings.api_keys:
        return
    message = (
        f"Listening at {settings.host} lets other machines reach the API and the dashboard, and no API key "
        "is set.\nMake one and start again:\n"
        '  export WEBHOOKS_API_KEYS="$(python3 -c '
        '\'import secrets; print("whk_" + secrets.token_urlsafe(32))\')"\n'
        "Or listen at 127.0.0.1, where nobody else can reach it."
    )
    raise ConfigurationError(message)


async def serve(settings: Settings, *, ready: Callable[[Platform, str], None]) -> None:
    """Run a server until it is told to stop (SIGINT, SIGTERM); a second signal stops it at once.

    At a stop no more requests are taken, those under way are answered, then what handlers and deliveries
    run may finish, all of it within the setting ``shutdown_seconds``.

    *ready* is called once, with the platform and the server's URL, when requests are answered.

    Raises:
        ConfigurationError: The settings cannot be used, or the address is taken.
        StorageUnavailable: The store cannot be reached.
    """
    check_exposure(settings)
    with contextlib.closing(_bind(settings)) as listening:
        platform = Platform(settings)
        server = _Server(platform, on_ready=lambda: ready(platform, _url(settings, listening)))
        await platform.open()
        publish.started(platform)
        try:
            await platform.start_work()
            gc.collect()
            gc.freeze()
            gc.set_threshold(GC_THRESHOLD, 20, 20)
            await server.serve(sockets=[listening])
        finally:
            await platform.close(grace=server.grace)
            publish.stopped(platform)


class _Server(uvicorn.Server):
    """A uvicorn server that tells when it is ready and leaves the last word on signals to ``serve``."""

    def __init__(self, platform: Platform, *, on_ready: Callable[[], None]) -> None:
        super().__init__(_config(platform))
        self._platform = platform
        self._on_ready = on_ready
        self._told_at: float | None = None

    @property
    def grace(self) -> timedelta:
        """What is left of the time that a stop may take."""
        passed = 0.0 if self._told_at is None else time.monotonic() - self._told_at
        return timedelta(seconds=max(0.0, self._platform.settings.shutdown_seconds - passed))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Stop in order at the first signal, at once at the next."""
        if self._told_at is None:
            self._told_at = time.monotonic()
            self.should_exit = True
        else:
            self.force_exit = True
            self._platform.hurry()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals in the loop; uvicorn's own way raises them again before the journal is closed.

        Only the main thread hears signals: a server in another one ends with the process.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def _config(platform: Platform) -> uvicorn.Config:
    settings = platform.settings
    ingest = Ingest(
        platform.gateway,
        paths=platform.paths,
        trusted_proxies=settings.trusted_proxies,
        require_https=settings.require_https,
    )
    options: dict[str, Any] = {
        "http": ingest_protocol(ingest),
        "ws": "none",
        "loop": "none",
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "date_header": True,
        "proxy_headers": False,
        "backlog": BACKLOG,
        "timeout_graceful_shutdown": settings.shutdown_seconds,
        "h11_max_incomplete_event_size": HEADER_LIMIT,
    }
    return uvicorn.Config(create_app(platform, ingest=ingest), **options)


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


def _url(settings: Settings, listening: socket.socket) -> str:
    port = listening.getsockname()[1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{port}"
