"""The ways in over real sockets: which paths lead where, and what of a request's head is believed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.journal import ReceivedEvent
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.settings import Settings
from tests.github_requests import SECRET, signature, signed_headers
from tests.serving import exchange, serving

BODY = b'{"ref": "main"}'
SMALL = "/webhooks/github/deployments"
PROVIDERS = """
webhooks:
  default:
    path: /hooks/from-github/
    verification: {scheme: hmac, algorithm: sha256, secret: {env: GITHUB_WEBHOOK_SECRET},
      signature: {from: "{header:X-Hub-Signature-256}", prefix: "sha256=", encoding: hex}}
    extract: {event_type: "{header:X-GitHub-Event}", event_id: "{header:X-GitHub-Delivery}"}
  deployments: {body: {max_bytes: 100}}
"""


@pytest.fixture(autouse=True)
def _no_handlers() -> None:
    get_webhook_registry().clear()


class Served:
    """A platform that is served, and a way to post to it."""

    def __init__(self, platform: Platform, address: tuple[str, int]) -> None:
        self.platform = platform
        self.address = address
        self._deliveries = 0

    async def post(self, path: str, headers: Mapping[str, str] | None = None, *, body: bytes = BODY) -> Any:
        """Post a signed event; return the status and the answer."""
        self._deliveries += 1
        head = signed_headers(body, delivery=f"delivery-{self._deliveries}") | dict(headers or {})
        return await self.send(path, head, body)

    async def send(
        self, path: str, headers: Mapping[str, str], *parts: bytes, method: str = "POST"
    ) -> tuple[int, Any]:
        lines = [f"{method} {path} HTTP/1.1", "host: hooks.example.com", "connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        answer = await exchange(self.address, "\r\n".join([*lines, "", ""]).encode("latin-1"), *parts)
        head, _, content = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(content or b"null")

    async def kept(self, event_id: str) -> ReceivedEvent:
        trace = await self.platform.journal.events.trace(event_id)
        assert trace is not None
        assert trace.event is not None
        return trace.event


def served(story: Any, folder: Path, **settings: Any) -> None:
    """Tell *story* with a server whose provider ``github`` is the one above."""
    own = folder / "providers" / "github"
    own.mkdir(parents=True)
    (own / "webhook.yaml").write_text(PROVIDERS)
    environ = {"GITHUB_WEBHOOK_SECRET": SECRET}

    async def tell() -> None:
        platform = Platform(
            Settings(
                database_url=f"sqlite:///{folder}/webhooks.db",
                providers_dir=str(folder / "providers"),
                **settings,
            ),
            environ=environ,
        )
        await platform.open()
        try:
            async with serving(platform) as address:
                await story(Served(platform, address))
        finally:
            await platform.close()

    asyncio.run(tell())


def test_every_way_in_leads_to_its_webhook_with_and_without_a_trailing_slash(tmp_path: Path) -> None:
    ways = {
        "/webhooks/github": "default",
        "/webhooks/github/": "default",
        "/webhooks/github/default": "default",
        "/webhooks/github/deployments": "deployments",
        "/webhooks/github/deployments/": "deployments",
        "/hooks/from-github/": "default",
        "/hooks/from-github": "default",
        "/webhooks/github?source=test&x=%20": "default",
    }

    async def story(server: Served) -> None:
        for number, (path, name) in enumerate(ways.items()):
            status, answer = await server.post(path, body=b'{"number": %d}' % number)
            event = await server.kept(answer["id"])
            assert (status, event.webhook_name, answer["duplicate"]) == (200, name, False), path
            assert event.path == path.partition("?")[0]
            assert event.query == path.partition("?")[2]

    served(story, tmp_path)


@pytest.mark.parametrize(
    "path", ["/webhooks/", "/webhooks/nobody", "/webhooks/github/other", "/webhooks/github/a/b"]
)
def test_an_address_that_leads_nowhere_is_404(tmp_path: Path, path: str) -> None:
    async def story(server: Served) -> None:
        status, answer = await server.post(path)
        assert (status, answer["success"]) == (404, False)
        assert await server.platform.journal.events.summaries() == []

    served(story, tmp_path)


def test_a_header_with_an_underscore_is_dropped(tmp_path: Path) -> None:
    """A proxy may have made it out of a header with a dash, or let a forged one pass."""

    async def story(server: Served) -> None:
        status, _ = await server.send(
            "/webhooks/github",
            {
                "X_Hub_Signature_256": signature(BODY),
                "HTTP_X_HUB_SIGNATURE_256": signature(BODY),
                "content-length": str(len(BODY)),
            },
            BODY,
        )
        assert status == 401
        _, answer = await server.post("/webhooks/github", {"x_forged": "1"})
        assert "x_forged" not in dict((await server.kept(answer["id"])).headers)

    served(story, tmp_path)


FORWARDED = {
    "nobody is trusted": ((), "198.51.100.9", "127.0.0.1"),
    "one proxy": (("127.0.0.0/8",), "198.51.100.9", "198.51.100.9"),
    "what the client itself said is not believed": (
        ("127.0.0.0/8",),
        "10.0.0.1, 198.51.100.9",
        "198.51.100.9",
    ),
    "two proxies": (("127.0.0.0/8", "10.0.0.0/8"), "1.2.3.4, 198.51.100.9, 10.0.0.1", "198.51.100.9"),
    "a proxy seen over IPv6": (
        ("127.0.0.0/8", "10.0.0.0/8"),
        "198.51.100.9, ::ffff:10.0.0.1",
        "198.51.100.9",
    ),
    "no address": (("127.0.0.0/8",), "198.51.100.9, unknown", "127.0.0.1"),
    "proxies only": (("127.0.0.0/8",), "127.0.0.2, 127.0.0.3", "127.0.0.1"),
    "nothing said": (("127.0.0.0/8",), None, "127.0.0.1"),
    "another proxy is trusted": (("10.0.0.0/8",), "198.51.100.9", "127.0.0.1"),
}


@pytest.mark.parametrize(("trusted", "said", "address"), FORWARDED.values(), ids=FORWARDED)
def test_x_forwarded_for_is_read_from_the_nearest_proxy_outward(
    tmp_path: Path, trusted: tuple[str, ...], said: str | None, address: str
) -> None:
    async def story(server: Served) -> None:
        _, answer = await server.post("/webhooks/github", {} if said is None else {"X-Forwarded-For": said})
        assert (await server.kept(answer["id"])).remote_address == address

    served(story, tmp_path, trusted_proxies=trusted)


def test_x_forwarded_for_in_several_headers_is_one_list(tmp_path: Path) -> None:
    async def story(server: Served) -> None:
        headers = signed_headers(BODY) | {"X-Forwarded-For": "10.0.0.1\r\nX-Forwarded-For: 198.51.100.9"}
        _, answer = await server.send("/webhooks/github", headers, BODY)
        assert (await server.kept(answer["id"])).remote_address == "198.51.100.9"

    served(story, tmp_path, trusted_proxies=("127.0.0.0/8",))


def test_a_body_in_chunks_is_taken_up_to_the_limit_and_no_further(tmp_path: Path) -> None:
    async def story(server: Served) -> None:
        headers = {name: value for name, value in signed_headers(BODY).items() if name != "content-length"}
        headers["transfer-encoding"] = "chunked"
        chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in (BODY[:4], BODY[4:])]
        whole, _ = await server.send(SMALL, headers, *chunks, b"0\r\n\r\n")
        cut, answer = await server.send(SMALL, headers, *[b"8\r\n12345678\r\n"] * 20)
        assert (whole, cut, answer["success"]) == (200, 413, False)

    served(story, tmp_path)


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    async def story(server: Served) -> None:
        status, _ = await server.send(SMALL, {"content-length": "101", "expect": "100-continue"})
        assert status == 413

    served(story, tmp_path)


def test_a_sender_that_hangs_up_leaves_a_rejection_and_nothing_else(tmp_path: Path) -> None:
    async def story(server: Served) -> None:
        head = "\r\n".join(
            ["POST /webhooks/github HTTP/1.1", "host: a"]
            + [f"{name}: {value}" for name, value in signed_headers(BODY).items()]
        )
        await exchange(server.address, f"{head}\r\n\r\n".encode(), BODY[:-1], hang_up=True)
        journal = server.platform.journal
        async with asyncio.timeout(5):
            while not (told := await journal.events.rejections()):
                await server.platform._rejections.flush()
        assert (told[0].reason, told[0].detail) == (
            "malformed_request",
            "The sender hung up before the body was complete.",
        )
        assert await journal.events.summaries() == []
        assert (await server.post("/webhooks/github"))[0] == 200

    served(story, tmp_path)


def test_an_upgrade_to_a_websocket_is_no_way_in(tmp_path: Path) -> None:
    async def story(server: Served) -> None:
        headers = {
            "upgrade": "websocket",
            "sec-websocket-version": "13",
            "sec-websocket-key": "a" * 22 + "==",
        }
        status, _ = await server.send("/webhooks/github", headers, method="GET")
        assert status == 405

    served(story, tmp_path)


def test_two_requests_on_one_connection_are_two_events(tmp_path: Path) -> None:
    async def story(server: Served) -> None:
        parts = []
        for number, connection in ((1, "keep-alive"), (2, "close")):
            body = b'{"number": %d}' % number
            lines = ["POST /webhooks/github HTTP/1.1", "host: a", f"connection: {connection}"]
            lines += [
                f"{name}: {value}" for name, value in signed_headers(body, delivery=str(number)).items()
            ]
            parts.append("\r\n".join([*lines, "", ""]).encode() + body)
        answers = await exchange(server.address, b"".join(parts))
        assert answers.count(b"HTTP/1.1 200 OK") == 2
        assert len(await server.platform.journal.events.summaries()) == 2

    served(story, tmp_path)
