"""Calling an ASGI application in the event loop that one is in: journals stay where they were opened."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

Application = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an application answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


async def call(
    app: Application,
    method: str,
    target: str,
    *,
    headers: Mapping[str, str] | None = None,
    json_body: Any = None,
    form: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Answer:
    """Send one request and return the whole answer."""
    given = {"host": "127.0.0.1:8000"}
    if json_body is not None:
        body, given["content-type"] = json.dumps(json_body).encode(), "application/json"
    if form is not None:
        body, given["content-type"] = urlencode(form).encode(), "application/x-www-form-urlencoded"
    if body:
        given["content-length"] = str(len(body))
    given |= {name.lower(): value for name, value in (headers or {}).items()}
    parts = urlsplit(target)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items() if value],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
    }
    sent: list[dict[str, Any]] = []
    pieces = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if not pieces:
            await asyncio.Event().wait()  # the caller stays on the line until it has its answer
        return pieces.pop()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    return Answer(
        status=start["status"],
        headers={name.decode().lower(): value.decode() for name, value in start["headers"]},
        body=b"".join(
            message.get("body", b"") for message in sent if message["type"] == "http.response.body"
        ),
    )
