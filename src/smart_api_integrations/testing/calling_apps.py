"""Calling an application as a server does: by WSGI, or by ASGI in an event loop of its own. Floor 10."""

from __future__ import annotations

import asyncio
import io
import json
import sys
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, Self
from urllib.parse import unquote

Headers = Sequence[tuple[str, str]]
SECONDS = 20.0
STALL_SECONDS = 0.3
NO_ANSWER = 0
"""The status where an application answered nothing: its sender is not there any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """What an application answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body, parsed."""
        return json.loads(self.body)


class Server(Protocol):
    """Something that an application runs in."""

    def send(
        self,
        method: str,
        target: str,
        headers: Headers,
        body: bytes,
        *,
        cut: int | None = None,
        stall: int | None = None,
    ) -> Got:
        """Send one request; *cut* is after how many bytes of the body the sender hangs up."""

    def close(self) -> None:
        """End as a server ends."""


class WsgiServer:
    """Calls a WSGI application in the caller's thread."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        """Serve *app*."""
        self._app = app

    def send(
        self,
        method: str,
        target: str,
        headers: Headers,
        body: bytes,
        *,
        cut: int | None = None,
        stall: int | None = None,
    ) -> Got:
        """See ``Server``; headers that are repeated are joined, as PEP 3333 has it."""
        path, _, query = target.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "testserver",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": _Slow(body, stall) if stall is not None else io.BytesIO(body[:cut]),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in headers:
            key = name.upper().replace("-", "_")
            key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        told: list[Any] = []
        chunks = self._app(environ, lambda status, pairs, _=None: told.extend((status, pairs)))
        answer = b"".join(chunks)
        getattr(chunks, "close", lambda: None)()
        return Got(
            status=int(told[0].split()[0]),
            headers={name.lower(): value for name, value in told[1]},
            body=answer,
        )

    def close(self) -> None:
        """Nothing to end."""


class AsgiServer:
    """Runs an ASGI application in an event loop of its own, with its lifespan where it has one."""

    def __init__(self, app: Callable[..., Awaitable[None]], *, lifespan: bool = True) -> None:
        """Serve *app*; without *lifespan* as servers do that are told to leave it out."""
        self._app = app
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="asgi-server", daemon=True)
        self._thread.start()
        self._lifespan = self._run(_Lifespan.begin(app)) if lifespan else None

    def send(
        self,
        method: str,
        target: str,
        headers: Headers,
        body: bytes,
        *,
        cut: int | None = None,
        stall: int | None = None,
    ) -> Got:
        """See ``Server``; the body comes in two pieces."""
        got: Got = self._run(self._send(method, target, headers, _arriving(body, cut, stall)))
        return got

    def close(self) -> None:
        """Let the application end, then the loop."""
        if self._lifespan is not None:
            self._run(self._lifespan.end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, coroutine: Any) -> Any:
        running: Future[Any] = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        return running.result(SECONDS)

    async def _send(self, method: str, target: str, headers: Headers, arriving: list[Any]) -> Got:
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
            + [(b"host", b"testserver")],
            "client": ("127.0.0.1", 50000),
            "server": ("testserver", 80),
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if not arriving:
                await asyncio.Event().wait()  # the sender stays on the line until it has its answer
            message: dict[str, Any] = arriving.pop(0)
            return message

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        if not sent:
            return Got(status=NO_ANSWER, headers={}, body=b"")
        start = next(message for message in sent if message["type"] == "http.response.start")
        body = b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
        pairs = {name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]}
        return Got(status=start["status"], headers=pairs, body=body)


class _Slow(io.RawIOBase):
    """A body whose sender is silent for a while after its first bytes."""

    def __init__(self, body: bytes, stall: int) -> None:
        """Give *stall* bytes at once."""
        super().__init__()
        self._parts = [body[:stall], body[stall:]]
        self._is_first = True

    def readable(self) -> bool:
        """It is to be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what there is; what comes after the first bytes comes late."""
        if not self._is_first:
            threading.Event().wait(STALL_SECONDS)  # as on a socket that nothing comes from
        self._is_first = False
        part = self._parts[0][: len(buffer)]
        buffer[: len(part)] = part
        self._parts[0] = self._parts[0][len(part) :]
        if not self._parts[0] and len(self._parts) > 1:
            del self._parts[0]
        return len(part)


def _arriving(body: bytes, cut: int | None, stall: int | None) -> list[Any]:
    """Return the messages of a body, which ends early where the sender hangs up or falls silent."""
    if stall is not None:
        return [{"type": "http.request", "body": body[:stall], "more_body": True}]
    if cut is not None:
        return [
            {"type": "http.request", "body": body[:cut], "more_body": True},
            {"type": "http.disconnect"},
        ]
    half = len(body) // 2
    return [
        {"type": "http.request", "body": body[:half], "more_body": True},
        {"type": "http.request", "body": body[half:], "more_body": False},
    ]


class _Lifespan:
    """An application's lifespan, as a server lives it."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._in: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._out: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self._task = asyncio.ensure_future(app(scope, self._in.get, self._out.put))

    @classmethod
    async def begin(cls, app: Callable[..., Awaitable[None]]) -> Self | None:
        """Start; return None where the application has no lifespan."""
        lifespan = cls(app)
        return lifespan if await lifespan._pass("startup") else None

    async def end(self) -> None:
        """Shut down."""
        await self._pass("shutdown")

    async def _pass(self, word: str) -> bool:
        await self._in.put({"type": f"lifespan.{word}"})
        told = asyncio.ensure_future(self._out.get())
        done, _ = await asyncio.wait({told, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if told not in done:
            told.cancel()
            self._task.exception()  # "lifespan is not supported", says an application by raising
            return False
        message = told.result()
        assert message["type"] == f"lifespan.{word}.complete", message
        return True
