"""A real HTTP server that keeps every request and answers what it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One request; header names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Recorder(ThreadingHTTPServer):
    """Answers 200 unless *statuses* says otherwise for the next requests."""

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses = list(statuses)
        self.requests: list[Recorded] = []
        self.changed = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"

    def wait_for(self, count: int, *, seconds: float = 30) -> list[Recorded]:
        """Wait until *count* requests have come; return them all."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.requests) >= count, timeout=seconds), self.requests
            return list(self.requests)


class _Handler(BaseHTTPRequestHandler):
    server: Recorder

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        recorder = self.server
        with recorder.changed:
            status = recorder.statuses.pop(0) if recorder.statuses else 200
            recorder.requests.append(Recorded(path=self.path, headers=headers, body=body))
            recorder.changed.notify_all()
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def recording(*statuses: int) -> Iterator[Recorder]:
    """Run a recorder for the length of a block."""
    recorder = Recorder(*statuses)
    thread = threading.Thread(target=recorder.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield recorder
    finally:
        recorder.shutdown()
        recorder.server_close()
        thread.join()
