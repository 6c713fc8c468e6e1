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
from smart_api_integrations.server.application import Application, create_app
from smart_api_integrations.server.ingest import Ingest
from smart_api_integrations.server.ingest_protocol import ingest_protocol
from smart_api_integrations.server.listening import check_exposure, has_stored_keys, listening_socket, url_of
from smart_api_integrations.settings import Settings

logger = logging.getLogger(__name__)

BACKLOG = 2048
HEADER_LIMIT = 16 * 1024
# With futures alive across a commit, default thresholds make full collections cost a tenth of the time.
GC_THRESHOLD = 50_000


async def serve(
    settings: Settings,
    *,
    ready: Callable[[Platform, str], None],
    listen_fd: int | None = None,
    tether: socket.socket | None = None,
) -> None:
    """Run a server until it is told to stop (SIGINT, SIGTERM); a second signal stops it at once.

    At a stop no more requests are taken, those under way are answered, then what handlers and deliveries
    run may finish, all of it within the setting ``shutdown_seconds``.

    *ready* is called once, with the platform and the server's URL, when requests are answered. A process of
    a supervisor listens with the socket *listen_fd*, and stops when the far end of its *tether* is gone.

    Raises:
        ConfigurationError: The settings cannot be used, or the address is taken.
        StorageUnavailable: The store cannot be reached.
    """
    check_exposure(settings, has_stored_keys=await has_stored_keys(settings))
    with contextlib.closing(listening_socket(settings, listen_fd)) as listening:
        platform = Platform(settings)
        server = _Server(platform, on_ready=lambda: ready(platform, url_of(settings, listening)))
        if tether is not None:
            asyncio.get_running_loop().add_reader(tether, server.let_go, tether)
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
        config, self._app = configured(platform)
        super().__init__(config)
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
            self._app.drain()
            drain = self._platform.settings.drain_seconds
            if drain:
                asyncio.get_running_loop().call_later(drain, self._begin_to_stop)
            else:
                self.should_exit = True
        else:
            self.should_exit = self.force_exit = True
            self._platform.hurry()

    def _begin_to_stop(self) -> None:
        self._told_at, self.should_exit = time.monotonic(), True

    def let_go(self, tether: socket.socket) -> None:
        """Stop in order, because whoever started this process is gone."""
        asyncio.get_running_loop().remove_reader(tether)
        self.handle_exit(signal.SIGTERM, None)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the live streams, which would never end by themselves, and then everything else."""
        await self._platform.live.close()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals in the loop; uvicorn's own way raises them again before the journal is closed.

        Only the main thread hears signals: a server in another one ends with the process.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def configured(platform: Platform) -> tuple[uvicorn.Config, Application]:
    """Return what uvicorn is to run, and the application in it."""
    settings = platform.settings
    ingest = Ingest(
        platform.gateway,
        paths=platform.paths,
        trusted_proxies=settings.trusted_proxies,
        require_https=settings.require_https,
    )
    options: dict[str, Any] = {
        "http": ingest_protocol(ingest, ways=ingest.exact_ways() if "gateway" in settings.roles else {}),
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
    app = create_app(platform, ingest=ingest)
    return uvicorn.Config(app, **options), app
