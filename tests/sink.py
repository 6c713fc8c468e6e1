"""A real endpoint: an HTTP server that checks our signature with the standard's own library."""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYq="


class Sink(ThreadingHTTPServer):
    """Keeps what it is sent, by ``webhook-id``; refuses what does not verify."""

    daemon_threads = False
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.arrivals: Counter[str] = Counter()
        self.documents: dict[str, Any] = {}
        self.refused = 0
        self.changed = threading.Condition()
        self._connections: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Hang up on whoever is still connected, then wait for the threads."""
        for connection in tuple(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        super().server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"

    def wait_for(self, count: int, *, seconds: float = 60) -> bool:
        """Wait until *count* different messages have arrived."""
        with self.changed:
            return self.changed.wait_for(lambda: len(self.arrivals) >= count, timeout=seconds)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Sink

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        sink = self.server
        try:
            Webhook(SECRET).verify(
                body.decode(), {name.lower(): value for name, value in self.headers.items()}
            )
        except Exception:  # noqa: BLE001 - the library raises more than it documents
            with sink.changed:
                sink.refused += 1
            self._answer(401)
            return
        with sink.changed:
            sink.arrivals[self.headers["webhook-id"]] += 1
            sink.documents[self.headers["webhook-id"]] = json.loads(body)
            sink.changed.notify_all()
        self._answer(204)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def running_sink() -> Iterator[Sink]:
    """Run a sink for the length of a block."""
    sink = Sink()
    thread = threading.Thread(target=sink.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        sink.shutdown()
        sink.server_close()
        thread.join()
