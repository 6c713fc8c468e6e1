"""Handshakes over a real socket and a real journal: answered, told, and never kept as events."""

from __future__ import annotations

import hmac
import json
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.handshakes import Greeting
from smart_api_integrations.core.replies import Reply
from smart_api_integrations.network.address_guard import AddressGuard
from smart_api_integrations.network.http_transport import HttpTransport
from smart_api_integrations.receive.greeter import Greeter
from smart_api_integrations.settings import Settings
from smart_api_integrations.telemetry import HandshakeAnswered, Telemetry
from tests.serving import exchange, serving

SECRET = "a secret of more than sixteen characters"
HOOK = """
webhooks:
  default:
    verification:
      {scheme: hmac, algorithm: sha256, secret: {env: HOOK_SECRET}, signature: {from: "{header:X-Sig}"}}
    response: {status: 202, content_type: application/xml, headers: {X-Kept: "yes"}, body: "<ok/>"}
    handshakes:
      - when: {method: GET, "{query:token}": {env: HOOK_TOKEN}}
        respond: {body: "{query:challenge}"}
      - when: {method: OPTIONS, "{header:WebHook-Request-Origin}": {env_list: HOOK_ORIGINS}}
        respond: {status: 204, headers: {WebHook-Allowed-Origin: "{header:WebHook-Request-Origin}"}}
      - {when: {method: HEAD}}
      - {when: {"{json:type}": check}, respond: {json: {challenge: "{json:challenge}"}}}
      - {when: {"{json:type}": hello}, store: true, respond: {body: hi}}
"""
ENVIRON = {"HOOK_SECRET": SECRET, "HOOK_TOKEN": "t0ken", "HOOK_ORIGINS": "events.example.com"}


class Way:
    """One served way in."""

    def __init__(self, platform: Platform, address: tuple[str, int]) -> None:
        self.platform = platform
        self.address = address
        self.told: list[HandshakeAnswered] = []
        platform.telemetry.subscribe(HandshakeAnswered, self.told.append)

    async def send(
        self, method: str, query: str = "", *, body: bytes = b"", signed: bool = False, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        lines = [f"{method} /webhooks/hook{query} HTTP/1.1", "host: a", "connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if body:
            lines.append(f"content-length: {len(body)}")
        if signed:
            lines.append(f"x-sig: {hmac.digest(SECRET.encode(), body, 'sha256').hex()}")
        answer = await exchange(self.address, "\r\n".join([*lines, "", ""]).encode() + body)
        head, _, content = answer.partition(b"\r\n\r\n")
        status, *fields = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
        return int(status.split()[1]), headers, content

    async def post(self, payload: Any, *, signed: bool = True) -> tuple[int, dict[str, str], bytes]:
        return await self.send("POST", body=json.dumps(payload).encode(), signed=signed)

    async def kept(self) -> list[str | None]:
        return [event.event_type for event in await self.platform.journal.events.summaries()]


@pytest.fixture
async def way(tmp_path: Path):
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "webhook.yaml").write_text(HOOK)
    settings = Settings(database_url=f"sqlite:///{tmp_path}/webhooks.db", providers_dir=str(tmp_path))
    platform = Platform(settings, environ=ENVIRON)
    await platform.open()
    try:
        async with serving(platform) as address:
            yield Way(platform, address)
    finally:
        await platform.close()


async def test_a_challenge_in_the_query_is_echoed_as_plain_text_that_no_browser_guesses_about(way):
    status, headers, body = await way.send("GET", "?token=t0ken&challenge=%3Cscript%3E")

    assert (status, body) == (200, b"<script>")
    assert headers["content-type"] == "text/plain; charset=utf-8"
    assert headers["x-content-type-options"] == "nosniff"
    assert way.told == [HandshakeAnswered("hook", "default", 200)]
    assert await way.kept() == []


@pytest.mark.parametrize("query", ["", "?token=wrong&challenge=1", "?challenge=1", "?token=t0ken"])
async def test_a_get_that_is_no_handshake_learns_nothing(way, query):
    status, _, body = await way.send("GET", query)

    assert status in {400, 401}
    assert b"t0ken" not in body
    assert way.told == []


async def test_a_probe_is_answered_without_a_body(way):
    status, _, body = await way.send("HEAD")

    assert (status, body) == (200, b"")


async def test_an_origin_is_granted_with_an_answer_that_has_no_body_and_no_length(way):
    status, headers, body = await way.send("OPTIONS", webhook_request_origin="events.example.com")
    refused, _, _ = await way.send("OPTIONS", webhook_request_origin="evil.example.com")

    assert (status, body, refused) == (204, b"", 401)
    assert headers["webhook-allowed-origin"] == "events.example.com"
    assert "content-length" not in headers


async def test_another_method_is_told_which_ones_there_are(way):
    status, headers, _ = await way.send("PUT")

    assert (status, headers["allow"]) == (405, "POST, GET, HEAD, OPTIONS")


async def test_a_signed_challenge_is_answered_and_an_unsigned_one_is_not(way):
    challenge = {"type": "check", "challenge": "abc"}

    status, headers, body = await way.post(challenge)
    unsigned, _, _ = await way.post(challenge, signed=False)

    assert (status, body, unsigned) == (200, b'{"challenge":"abc"}', 401)
    assert headers["content-type"] == "application/json"
    assert await way.kept() == []


async def test_a_challenge_that_cannot_be_answered_is_refused(way):
    status, _, _ = await way.post({"type": "check"})

    assert status == 400
    assert way.told == []


async def test_a_handshake_that_is_stored_is_an_event_with_the_handshakes_answer(way):
    status, _, body = await way.post({"type": "hello", "id": "1"})

    assert (status, body) == (200, b"hi")
    assert await way.kept() == ["hello"]


async def test_an_event_and_its_repeat_are_answered_in_the_providers_form(way):
    first, repeat = [await way.post({"type": "order", "id": "1"}) for _ in range(2)]

    for status, headers, body in (first, repeat):
        assert (status, body, headers["content-type"], headers["x-kept"]) == (
            202,
            b"<ok/>",
            "application/xml",
            "yes",
        )
    assert await way.kept() == ["order"]


def confirming(url: str) -> Greeting:
    return Greeting(reply=Reply(body=b"done"), fetch=url)


async def test_the_url_that_confirms_is_called_before_the_answer(way):
    webhook = way.platform.webhooks["hook", "default"]
    async with serving(way.platform) as (host, port):
        transport = HttpTransport(AddressGuard([ip_network("127.0.0.0/8")]))
        greeter = Greeter(transport, Telemetry())
        confirmed = await greeter.answer(webhook, confirming(f"http://{host}:{port}/livez"))
        wrong = await greeter.answer(webhook, confirming(f"http://{host}:{port}/webhooks/hook"))
        await transport.close()

    assert (confirmed.status, confirmed.body) == (200, b"done")
    assert (wrong.status, dict(wrong.headers)["retry-after"]) == (503, "5")


async def test_a_url_whose_name_leads_to_a_private_address_is_not_called_and_the_sender_tries_again(way):
    async def rebound(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    transport = HttpTransport(AddressGuard(()), lookup=rebound)
    answer = await Greeter(transport, way.platform.telemetry).answer(
        way.platform.webhooks["hook", "default"], confirming("https://sns.us-east-1.amazonaws.com/")
    )
    await transport.close()

    assert answer.status == 503
    assert way.told == []
