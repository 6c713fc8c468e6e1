"""Asking the API: a server's over HTTP, or a database's in this process. The answers are the same. Floor 10.

A database is asked through the very API that a server answers with, so that no list exists twice.
"""

from __future__ import annotations

import getpass
import json
import logging
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol
from urllib.parse import quote, unquote, urlencode

import typer

from smart_api_integrations.cli.faults import CommandFailed, Exit
from smart_api_integrations.cli.inputs import read_bytes
from smart_api_integrations.cli.sending import TIMEOUT_SECONDS, open_transport
from smart_api_integrations.errors import InvalidInput

if TYPE_CHECKING:
    from smart_api_integrations.application.platform import Platform
    from smart_api_integrations.core.access import Principal
    from smart_api_integrations.network.http_transport import HttpTransport

ServerUrl = Annotated[
    str | None,
    typer.Option("--url", "--server", help="Ask this server instead of the database.", show_default=False),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file", help="A file with the server's API key.  [default: the first of WEBHOOKS_API_KEYS]"
    ),
]

_EXITS: Mapping[int, Exit] = {
    400: Exit.USAGE, 401: Exit.FORBIDDEN, 403: Exit.FORBIDDEN, 404: Exit.NOT_FOUND, 409: Exit.CONFLICT,
    422: Exit.USAGE, 429: Exit.TEMPORARY, 503: Exit.TEMPORARY,
}  # fmt: skip
_PAGE = 200
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer of the API, before anybody looked at it."""

    status: int
    body: bytes


class Line(Protocol):
    """Carries one request to an API."""

    async def send(self, method: str, target: str, body: bytes = b"") -> Reply:
        """Return the answer; *body* is JSON.

        Raises:
            DeliveryError: The server cannot be reached.
            StorageUnavailable: The database cannot be.
        """


class Desk:
    """Where a command asks its questions.

    Attributes:
        platform: The platform over the database; None where a server is asked.
    """

    def __init__(self, line: Line, platform: Platform | None = None) -> None:
        """Ask over *line*."""
        self._line = line
        self.platform = platform

    async def ask(
        self,
        path: str,
        query: Mapping[str, Any] | None = None,
        *,
        method: str = "GET",
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return what the API answers, parsed; *body* is sent as JSON.

        Raises:
            CommandFailed: It answered with a problem; its own words and hint are told.
        """
        words = {name: value for name, value in (query or {}).items() if value is not None}
        content = b"" if body is None else json.dumps(body).encode()
        reply = await self._line.send(
            method, quote(path) + (f"?{urlencode(words)}" if words else ""), content
        )
        try:
            value = json.loads(reply.body or b"null")
        except ValueError as error:
            raise _no_api(reply) from error
        if reply.status >= 300:
            raise _problem(reply.status, value)
        return value

    async def pages(
        self, path: str, query: Mapping[str, Any] | None = None, *, limit: int | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield the items of a list, newest first, page by page; at most *limit* of them."""
        left, before = limit, None
        while left is None or left > 0:
            size = _PAGE if left is None else min(left, _PAGE)
            page = await self.ask(path, {**(query or {}), "limit": size, "before": before})
            for item in page:
                yield item
            if len(page) < size:
                return
            before = page[-1]["id"]
            left = None if left is None else left - len(page)


@asynccontextmanager
async def open_desk(
    *,
    url: str | None = None,
    database_url: str | None = None,
    key_file: Path | None = None,
    own_providers: bool = False,
    makes_database: bool = False,
) -> AsyncIterator[Desk]:
    """Give a desk over the server at *url*, or else over the database, which *makes_database* may make.

    With *own_providers* the database's desk knows the providers of the user's own folder too.

    Raises:
        InvalidInput: Both are given, or *url* is none.
        ConfigurationError: The database cannot be opened as it is configured.
        StorageUnavailable: It cannot be reached.
    """
    if url is not None and database_url is not None:
        message = "--url and --database-url are both given: leave one out."
        raise InvalidInput(message)
    if url is None:
        async with _database(database_url, own_providers=own_providers, makes=makes_database) as desk:
            yield desk
        return
    if not url.startswith(("http://", "https://")):
        message = f"{url!r} is no URL: expected one like http://127.0.0.1:8000."
        raise InvalidInput(message)
    async with open_transport() as transport:
        yield Desk(_Server(transport, url.rstrip("/"), _key(key_file)))


@asynccontextmanager
async def _database(database_url: str | None, *, own_providers: bool, makes: bool) -> AsyncIterator[Desk]:
    from smart_api_integrations.api import create_api
    from smart_api_integrations.application.configuration import settings_from_surroundings
    from smart_api_integrations.application.platform import Platform
    from smart_api_integrations.providers.catalogue import catalogue_without_secrets

    settings = settings_from_surroundings(database_url=database_url)
    if not makes:
        _refuse_missing(settings.database_url)
    # Which senders are configured is of no matter to a list, and their secrets are of none to anything here.
    reading = settings.model_copy(update={"roles": ("api",)})
    folder = Path(settings.providers_dir) if own_providers else None
    platform = Platform(reading, catalogue=catalogue_without_secrets(folder))
    with _quiet_storage():
        await platform.open()
    try:
        yield Desk(_InProcess(create_api(platform)), platform)
    finally:
        await platform.close()


@contextmanager
def _quiet_storage() -> Iterator[None]:
    """Leave out the warning of another writer: nothing is written here."""
    log = logging.getLogger("smart_api_integrations.storage")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


def _refuse_missing(database_url: str) -> None:
    """Refuse to make an empty database where one was misspelt."""
    scheme, _, file = database_url.partition(":///")
    if scheme == "sqlite" and not Path(file.partition("?")[0]).is_file():
        message = f"There is no database at {file.partition('?')[0]}."
        hint = "`webhooks serve` makes one; --database-url names another, --url a server."
        raise CommandFailed(message, code="no_database", exit_code=Exit.NOT_FOUND, hint=hint)


def _key(file: Path | None) -> str | None:
    if file is not None:
        return read_bytes(file).decode("utf-8", "replace").strip()
    return os.environ.get("WEBHOOKS_API_KEYS", "").partition(",")[0].strip() or None


class _Server:
    def __init__(self, transport: HttpTransport, url: str, key: str | None) -> None:
        self._transport = transport
        self._url = url
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}

    async def send(self, method: str, target: str, body: bytes = b"") -> Reply:
        from smart_api_integrations.core.outbound_request import OutboundRequest

        headers = {**self._headers, **_JSON} if body else self._headers
        asked = OutboundRequest(url=self._url + target, headers=headers, body=body, method=method)
        answer = await self._transport.send(asked, timeout=TIMEOUT_SECONDS)
        return Reply(status=answer.status, body=answer.body)


class _InProcess:
    def __init__(self, app: Any) -> None:
        self._app = app

    async def send(self, method: str, target: str, body: bytes = b"") -> Reply:
        path, _, query = target.partition("?")
        scope: dict[str, Any] = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": unquote(path), "raw_path": path.encode(),
            "query_string": query.encode(), "root_path": "",
            "headers": [(b"content-type", b"application/json")] if body else [],
            "client": None, "server": None, "state": {"principal": _commander()},
        }  # fmt: skip
        told: list[Mapping[str, Any]] = []

        async def receive() -> Mapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Mapping[str, Any]) -> None:
            told.append(message)

        await self._app(scope, receive, send)
        return Reply(status=told[0]["status"], body=b"".join(part.get("body", b"") for part in told[1:]))


def _commander() -> Principal:
    """Return who gives this command: whoever can open the database may do everything with it."""
    from smart_api_integrations.core.access import LOCAL

    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "somebody"
    return replace(LOCAL, id="command", name=f"{name} at the command line")


def _problem(status: int, value: Any) -> CommandFailed:
    told = value if isinstance(value, dict) else {}
    faults = "; ".join(f"{fault.get('where')}: {fault.get('what')}" for fault in told.get("errors", ()))
    return CommandFailed(
        faults or str(told.get("detail") or f"The server answered {status}."),
        code=str(told.get("code") or "failed"),
        exit_code=_EXITS.get(status, Exit.FAILURE),
        hint=str(told.get("hint") or ""),
    )


def _no_api(reply: Reply) -> CommandFailed:
    return CommandFailed(
        f"The server answered {reply.status}, and not with JSON.",
        code="no_api",
        exit_code=Exit.FAILURE,
        hint="Is this the address of `webhooks serve`, without a path?",
    )
