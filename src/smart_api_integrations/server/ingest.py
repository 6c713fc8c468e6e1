"""The ways in, as a bare ASGI callable: no framework stands between the socket and the gateway. Floor 9.

Raw ASGI on this path answers about three times as many requests as the same through a framework.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from smart_api_integrations.core.source_addresses import came_over_https, client_address
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.receive.answer import Answer
from smart_api_integrations.receive.gateway import Gateway
from smart_api_integrations.receive.incoming import IncomingRequest, NextPiece
from smart_api_integrations.settings import Network

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

PREFIX = "/webhooks/"
NO_CONTENT = 204


@dataclass(frozen=True, slots=True, kw_only=True)
class WayIn:
    """A path, the webhook that it leads to, and its address from outside where that is known."""

    path: str
    provider: str
    name: str
    public_url: str | None


class Ingest:
    """Answers requests under ``/webhooks/`` and at the paths that YAML files name."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        paths: Mapping[str, tuple[str, str]],
        trusted_proxies: Sequence[Network] = (),
        require_https: bool = False,
    ) -> None:
        """Take the gateway, the named paths with their provider and name, and the proxies to believe.

        With *require_https* whatever they did not get over HTTPS is refused.
        """
        self._require_https = require_https
        self._gateway = gateway
        self._paths = {path.rstrip("/"): webhook for path, webhook in paths.items()}
        self._trusted_proxies = trusted_proxies

    def way_in(self, path: str) -> tuple[str, str] | None:
        """Return the provider and name that *path* leads to, or None where it is no way in.

        >>> Ingest(None, paths={}).way_in("/webhooks/github/")
        ('github', 'default')
        """
        trimmed = path.rstrip("/")
        known = self._paths.get(trimmed)
        if known is not None or not path.startswith(PREFIX):
            return known
        provider, _, name = trimmed[len(PREFIX) :].partition("/")
        return provider, name or "default"

    def exact_ways(self) -> Mapping[bytes, WayIn]:
        """Return the ways in of everything that is mounted, by how a request line spells them."""
        usual = [f"{PREFIX}{provider}/{name}" for provider, name in self._gateway.webhooks]
        usual += [f"{PREFIX}{provider}" for provider, name in self._gateway.webhooks if name == "default"]
        spelled = [path.rstrip("/") + slash for path in (*usual, *self._paths) for slash in ("", "/")]
        ways = {}
        for path in spelled:
            found = self.way_in(path)
            if found is not None and found in self._gateway.webhooks and quote(path) == path:
                ways[path.encode()] = WayIn(
                    path=path,
                    provider=found[0],
                    name=found[1],
                    public_url=self._gateway.public_url(path),
                )
        return ways

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the path must be a way in."""
        provider, name = self.way_in(scope["path"]) or ("", "")
        headers = _received(scope["headers"])
        request = IncomingRequest(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            headers=headers,
            remote_address=self._address(scope.get("client"), headers),
            next_piece=_pieces(receive),
        )
        if self._is_plain(scope.get("client"), headers):
            answer = self._gateway.refuse_plain(request, provider, name)
        else:
            answer = await self._gateway.accept(request, provider, name)
        await _respond(answer, send)

    def answer(
        self,
        way: WayIn,
        *,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes,
        client: tuple[str, int] | None,
    ) -> Awaitable[Answer]:
        """Answer a ``POST`` that is whole, to *way*, without a query."""
        received = _received(headers)
        request = RawRequest(
            path=way.path,
            headers=Headers(received),
            body=body,
            remote_address=self._address(client, received),
            public_url=way.public_url,
        )
        if self._is_plain(client, received):
            return _done(self._gateway.refuse_plain(request, way.provider, way.name))
        return self._gateway.accept_whole(request, way.provider, way.name, received=received)

    def _is_plain(self, client: tuple[str, int] | None, headers: Sequence[tuple[str, str]]) -> bool:
        """Tell whether a request is refused because it did not come over HTTPS."""
        if not self._require_https:
            return False
        said = [value for name, value in headers if name == "x-forwarded-proto"]
        return not came_over_https(client[0] if client else None, said, self._trusted_proxies)

    def _address(self, client: tuple[str, int] | None, headers: Sequence[tuple[str, str]]) -> str | None:
        return client_address(client[0] if client else None, headers, trusted=self._trusted_proxies)


async def _done(answer: Answer) -> Answer:
    return answer


def _pieces(receive: Receive) -> NextPiece:
    async def next_piece() -> tuple[bytes, bool]:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        return message.get("body", b""), message.get("more_body", False)

    return next_piece


def _received(headers: Sequence[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    """Return headers as text; a name with an underscore may be forged out of another and is dropped."""
    return tuple(
        [(name, value.decode("latin-1")) for raw, value in headers if (name := _name(raw)) is not None]
    )


@lru_cache(maxsize=256)  # senders use few names, and each of theirs is decoded once
def _name(raw: bytes) -> str | None:
    return None if b"_" in raw else raw.decode("latin-1")


def answer_headers(answer: Answer) -> list[tuple[bytes, bytes]]:
    """Return every header of *answer*."""
    if answer.status == NO_CONTENT:  # RFC 9110, 8.6: no Content-Length with 204
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    return [
        (b"content-type", answer.content_type.encode("latin-1")),
        (b"content-length", b"%d" % len(answer.body)),
        (b"x-content-type-options", b"nosniff"),
        *[(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers],
    ]


async def _respond(answer: Answer, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer_headers(answer)})
    await send({"type": "http.response.body", "body": answer.body})
