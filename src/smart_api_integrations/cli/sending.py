"""Sending requests to a server that a person names, and saying what it answered. Floor 10."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from smart_api_integrations.errors import InvalidInput

if TYPE_CHECKING:
    from smart_api_integrations.core.outbound_request import Answer
    from smart_api_integrations.core.webhook_schema import RawRequest
    from smart_api_integrations.network.http_transport import HttpTransport

# A person at a terminal names the URL, so private networks are open here; the internet's are anyway.
OPEN_NETWORKS = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
SERVER = "http://127.0.0.1:8000"
TIMEOUT_SECONDS = 30.0
MOST_BYTES = 64 * 1024 * 1024


@asynccontextmanager
async def open_transport() -> AsyncIterator[HttpTransport]:
    """Give a client that may reach this machine and private networks, and keeps whole answers."""
    from smart_api_integrations.network.address_guard import AddressGuard
    from smart_api_integrations.network.http_transport import HttpTransport, TransportLimits

    guard = AddressGuard([ip_network(network) for network in OPEN_NETWORKS])
    transport = HttpTransport(guard, limits=TransportLimits(read_bytes=MOST_BYTES, keep_bytes=MOST_BYTES))
    try:
        yield transport
    finally:
        await transport.close()


async def send_all(requests: Sequence[RawRequest], to: str) -> list[Answer]:
    """Send the requests one after the other to *to*, a server or the whole URL of a way in.

    Raises:
        InvalidInput: *to* is no URL.
        DeliveryError: The server cannot be reached.
    """
    async with open_transport() as transport:
        return [await send_one(transport, request, target(to, request)) for request in requests]


async def send_one(transport: HttpTransport, request: RawRequest, url: str) -> Answer:
    """Send *request*, byte for byte, to *url*.

    Raises:
        DeliveryError: The server cannot be reached.
    """
    from smart_api_integrations.core.outbound_request import OutboundRequest

    sent = OutboundRequest(url=url, headers=dict(request.headers), body=request.body, method=request.method)
    return await transport.send(sent, timeout=TIMEOUT_SECONDS)


def target(to: str, request: RawRequest) -> str:
    """Return the URL: a server's gets the way in's path, one with a path of its own is taken as it is.

    Raises:
        InvalidInput: *to* is no URL.
    """
    scheme, separator, rest = to.partition("://")
    if not separator or scheme not in {"http", "https"} or not rest.strip("/"):
        message = f"{to!r} is no URL: expected one like http://127.0.0.1:8000."
        raise InvalidInput(message)
    return to if "/" in rest.rstrip("/") else f"{scheme}://{rest.rstrip('/')}{request.path}"


def is_this_machine(url: str) -> bool:
    """Tell whether *url* names this machine.

    >>> is_this_machine(SERVER), is_this_machine("https://hooks.example.com")
    (True, False)
    """
    return urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}


def shown(answer: Answer, *, as_json: bool) -> str:
    """Return an answer as one line."""
    text = answer.body.decode("utf-8", "replace")
    if as_json:
        return json.dumps({"status": answer.status, "answer": _parsed(text)}, ensure_ascii=False)
    return f"{answer.status} {text}"


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
