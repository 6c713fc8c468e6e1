"""Events posted to a real server as GitHub posts them, and what the server made of them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp

from tests.running_server import GITHUB_SECRET


@dataclass(kw_only=True)
class Posted:
    """What came of a load.

    Attributes:
        acknowledged: Our ids of the events that were answered 200, by the sender's own id.
        failures: What was refused or broken, by the sender's id.
    """

    acknowledged: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


def signed(delivery: str, *, padding: int = 200) -> tuple[bytes, dict[str, str]]:
    """Return body and headers of an event."""
    body = json.dumps({"action": "opened", "delivery": delivery, "padding": "x" * padding}).encode()
    digest = hmac.new(GITHUB_SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "X-GitHub-Event": "pull_request",
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": f"sha256={digest}",
        "Content-Type": "application/json",
    }
    return body, headers


async def post(session: aiohttp.ClientSession, url: str, posted: Posted, delivery: str | None = None) -> None:
    """Post one event on a connection of its own and write down what came of it."""
    delivery = delivery or os.urandom(12).hex()
    body, headers = signed(delivery)
    try:
        async with session.post(f"{url}/webhooks/github", data=body, headers=headers) as response:
            text = await response.text()
            if response.status == 200:
                posted.acknowledged[delivery] = json.loads(text)["id"]
                posted.failures.pop(delivery, None)
            else:
                posted.failures[delivery] = f"{response.status} {text[:200]}"
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        posted.failures[delivery] = f"{type(error).__name__}: {error}"


async def post_until(
    url: str, done: Callable[[Posted], bool], *, clients: int = 8, seconds: float = 60
) -> Posted:
    """Post from several clients, each request on a new connection, until *done* says so."""
    posted = Posted()

    async def client(session: aiohttp.ClientSession) -> None:
        while not done(posted):
            await post(session, url, posted)

    connector = aiohttp.TCPConnector(force_close=True, limit=clients)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.timeout(seconds):
        await asyncio.gather(*(client(session) for _ in range(clients)))
    return posted
