"""The dashboard and the API inside an application that is there already, under any prefix. Floor 9.

::

    app.mount("/hooks", asgi_pages(webhooks, authorise))             # FastAPI, Starlette
    application = Beside(get_asgi_application(), "/hooks", asgi_pages(webhooks, authorise))     # Django
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/hooks": wsgi_pages(webhooks, authorise)})  # Flask

``authorise`` says who asks: a role's name, a ``Principal`` of the application's own, or None for nobody. It
is called where the request is, in the application's event loop or thread, and may be a coroutine function
where there is a loop. The pages themselves run where the platform lives.
"""

from __future__ import annotations

import asyncio
import inspect
import queue
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smart_api_integrations.application.webhooks import Webhooks
from smart_api_integrations.server.application import create_pages
from smart_api_integrations.server.doorkeeper import HostAnswer, HostDoorkeeper

AUTHORISED = "smart_api_integrations.authorised"

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]
WsgiApplication = Callable[[Environ, StartResponse], Iterable[bytes]]


class _Pages:
    """The pages over a ``Webhooks``, made anew where it was started anew."""

    def __init__(self, webhooks: Webhooks) -> None:
        self.webhooks = webhooks
        self._made: tuple[object, ASGIApp] | None = None

    def app(self) -> ASGIApp:
        """Return the application; a platform that is not open yet is opened."""
        platform = self.webhooks.open().platform
        if self._made is None or self._made[0] is not platform:
            gatekeeper = HostDoorkeeper(lambda scope: scope[AUTHORISED])
            self._made = platform, create_pages(platform, gatekeeper)
        return self._made[1]


def asgi_pages(
    webhooks: Webhooks, authorise: Callable[[Scope], HostAnswer | Awaitable[HostAnswer]]
) -> ASGIApp:
    """Return the dashboard and the API as an ASGI application, to be mounted under a prefix.

    *authorise* is called with the request's scope, in which the application's middleware may have put
    who asks.
    """
    pages = _Pages(webhooks)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        answer = authorise(scope)
        if inspect.isawaitable(answer):
            answer = await answer
        app = pages.app() if webhooks.is_running else await asyncio.to_thread(pages.app)
        home, here = webhooks.home, asyncio.get_running_loop()
        asked = {**scope, AUTHORISED: answer}
        if home.loop is here:
            await app(asked, receive, send)
            return
        asked["state"] = {}  # the host's own may belong to its loop
        await home.wait(_answered(app, asked, _from(here, receive), _from(here, send)))

    return application


def wsgi_pages(webhooks: Webhooks, authorise: Callable[[Environ], HostAnswer]) -> WsgiApplication:
    """Return the dashboard and the API as a WSGI application, to be mounted under a prefix.

    *authorise* is called with the request's WSGI environment, in the thread of the request.
    """
    pages = _Pages(webhooks)

    def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        scope = _scope(environ) | {AUTHORISED: authorise(environ)}
        length = environ.get("CONTENT_LENGTH") or "0"
        limit = webhooks.settings.max_body_bytes
        body = environ["wsgi.input"].read(min(int(length), limit)) if length.isdigit() else b""
        exchange = _Exchange(body)
        app = pages.app()
        running = webhooks.home.begin(exchange.run(app, scope))
        start = exchange.next()
        start_response(
            f"{start['status']} {HTTPStatus(start['status']).phrase}",
            [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]],
        )
        return exchange.pieces(running)

    return application


class Beside:
    """An ASGI application that hands what is under a prefix to the pages, and the rest to the host."""

    def __init__(self, host: ASGIApp, prefix: str, pages: ASGIApp) -> None:
        """Put *pages* under *prefix*, beside *host*."""
        self._host = host
        self._prefix = "/" + prefix.strip("/")
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope.get("path", "")
        if scope["type"] == "http" and (path == self._prefix or path.startswith(self._prefix + "/")):
            if path == self._prefix:
                scope = {**scope, "path": path + "/"}
            await self._pages({**scope, "root_path": self._prefix}, receive, send)
            return
        await self._host(scope, receive, send)


class _Exchange:
    """One request of a WSGI server: its body in, what is answered out through a queue."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._told: queue.Queue[Message] = queue.Queue()

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        """Answer *scope* with *app*; however it ends, who waits is told."""
        try:
            await app(scope, self._receive, self._send)
        finally:
            self._told.put({"type": "end", "status": 500, "headers": []})

    async def _receive(self) -> Message:
        if self._body is None:
            await asyncio.Event().wait()  # the caller stays on the line until it has its answer
        body, self._body = self._body or b"", None
        return {"type": "http.request", "body": body, "more_body": False}

    async def _send(self, message: Message) -> None:
        self._told.put(message)

    def next(self) -> Message:
        """Return what was answered next; blocks the thread of the request."""
        return self._told.get()

    def pieces(self, running: Any) -> Generator[bytes, None, None]:
        """Yield the body as it comes; who hangs up ends it."""
        try:
            while True:
                message = self.next()
                if message["type"] != "http.response.body":
                    return
                yield message.get("body", b"")
                if not message.get("more_body", False):
                    return
        finally:
            running.cancel()


async def _answered(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await app(scope, receive, send)


def _from(loop: asyncio.AbstractEventLoop, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return *function*, a coroutine function of *loop*, for whoever awaits it in another one."""

    async def over_there(*arguments: Any) -> Any:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(function(*arguments), loop))

    return over_there


def _scope(environ: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ASGI scope of a WSGI request (PEP 3333)."""
    root = environ.get("SCRIPT_NAME", "").encode("latin-1").decode("utf-8", "replace")
    path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
    headers = [
        (name[5:].replace("_", "-").lower().encode("latin-1"), str(value).encode("latin-1"))
        for name, value in environ.items()
        if name.startswith("HTTP_")
    ]
    headers += [
        (name.replace("_", "-").lower().encode(), str(environ[name]).encode("latin-1"))
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH")
        if environ.get(name)
    ]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": environ["REQUEST_METHOD"],
        "scheme": environ.get("wsgi.url_scheme", "http"),
        "path": root + (path or "/"),
        "raw_path": (root + path).encode(),
        "query_string": environ.get("QUERY_STRING", "").encode("latin-1"),
        "root_path": root,
        "headers": headers,
        "client": (environ["REMOTE_ADDR"], 0) if environ.get("REMOTE_ADDR") else None,
        "server": None,
        "state": {},
    }
