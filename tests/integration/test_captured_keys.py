"""A secret that the provider brings by its handshake: awaited, kept, used; and never a stranger's."""

from __future__ import annotations

import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.application.reception import open_reception
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.errors import ConfigurationError, InvalidInput
from smart_api_integrations.server.application import create_pages
from smart_api_integrations.server.doorkeeper import HostDoorkeeper
from smart_api_integrations.settings import Settings
from smart_api_integrations.webhooks import webhook_handler
from tests.asgi_call import call
from tests.serving import exchange, serving

BROUGHT = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"
STRANGERS = "secret_of_a_stranger_who_guessed_the_address"
CONFIGURED = "a configured secret of more than sixteen characters"
EVENT = b'{"id":"367cba44","type":"page.created","timestamp":"2024-12-05T23:55:34.285Z"}'


class Way:
    """One served way in of Notion."""

    def __init__(self, platform: Platform, address: tuple[str, int]) -> None:
        self.platform = platform
        self.address = address

    async def post(self, body: bytes, path: str = "/webhooks/notion", **headers: str) -> int:
        lines = [f"POST {path} HTTP/1.1", "host: a", "connection: close", f"content-length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        answer = await exchange(self.address, "\r\n".join([*lines, "", ""]).encode() + body)
        return int(answer.split()[1])

    async def bring(self, token: str) -> int:
        return await self.post(json.dumps({"verification_token": token}).encode())

    async def send(self, secret: str, body: bytes = EVENT) -> int:
        digest = hmac.digest(secret.encode(), body, "sha256").hex()
        return await self.post(body, x_notion_signature=f"sha256={digest}")

    async def wait_for(self) -> None:
        await self.platform.brought_keys.wait_for("notion")

    async def reasons(self) -> list[str]:
        await self.platform._rejections.flush()
        return [each.reason for each in await self.platform.journal.events.rejections()]

    async def kept(self) -> list[str | None]:
        return [event.event_type for event in await self.platform.journal.events.summaries()]


async def opened(folder: Path, **environ: str) -> Platform:
    settings = Settings(
        database_url=f"sqlite:///{folder}/webhooks.db", providers_dir=str(folder / "providers")
    )
    platform = Platform(settings, environ=environ)
    await platform.open()
    return platform


@pytest.fixture
async def way(tmp_path: Path):
    platform = await opened(tmp_path)
    try:
        async with serving(platform) as address:
            yield Way(platform, address)
    finally:
        await platform.close()


async def test_without_a_secret_the_way_in_is_closed_to_everything(way):
    statuses = [await way.bring(STRANGERS), await way.send(STRANGERS)]

    assert statuses == [404, 404]
    assert await way.platform.brought_keys.secrets("notion") == ()


async def test_an_awaited_secret_is_kept_and_used_at_once(way):
    await way.wait_for()

    brought = await way.bring(BROUGHT)
    sent = [await way.send(BROUGHT), await way.send(STRANGERS, EVENT + b" ")]

    assert (brought, sent) == (200, [200, 401])
    assert await way.kept() == ["page.created"]
    (key,) = (await way.platform.brought_keys.keys())["notion", "default"]
    assert (key.variable, key.remote_address) == ("NOTION_WEBHOOK_SECRET", "127.0.0.1")


async def test_while_it_is_awaited_nothing_but_the_handshake_is_believed(way):
    await way.wait_for()

    statuses = [await way.send(""), await way.send(STRANGERS), await way.post(EVENT)]

    assert statuses == [401, 401, 401]
    assert await way.kept() == []


async def test_a_stranger_can_neither_replace_nor_add_a_secret(way):
    await way.wait_for()
    await way.bring(BROUGHT)

    statuses = [await way.bring(STRANGERS), await way.send(STRANGERS), await way.send(BROUGHT)]

    assert statuses == [401, 401, 200]
    assert await way.platform.brought_keys.secrets("notion") == (BROUGHT,)
    assert "handshake_refused" in await way.reasons()


@pytest.mark.parametrize("token", ["", "x" * 600, "-----BEGIN PUBLIC KEY-----", "${NOTION_WEBHOOK_SECRET}"])
async def test_what_cannot_be_a_secret_is_not_kept_and_the_waiting_goes_on(way, token):
    await way.wait_for()

    refused = await way.bring(token)

    assert refused in {400, 401}
    assert await way.bring(BROUGHT) == 200


async def test_a_second_one_stands_beside_the_first_once_an_operator_awaits_it(way):
    for token in (BROUGHT, STRANGERS):
        await way.wait_for()
        await way.bring(token)

    statuses = [await way.send(BROUGHT), await way.send(STRANGERS, EVENT + b"\n")]

    assert statuses == [200, 200]


async def test_it_outlives_the_process_and_its_handlers_run(tmp_path):
    platform = await opened(tmp_path)
    async with serving(platform) as address:
        await Way(platform, address).wait_for()
        await Way(platform, address).bring(BROUGHT)
    await platform.close()
    get_webhook_registry().clear()
    ran: list[Any] = []
    webhook_handler("notion", "page.created")(lambda event: ran.append(event.payload["id"]))

    platform = await opened(tmp_path)
    await platform.start_work()
    async with serving(platform) as address:
        status = await Way(platform, address).send(BROUGHT)
    await platform.close()

    get_webhook_registry().clear()
    assert (status, ran) == (200, ["367cba44"])
    assert BROUGHT.encode() not in (tmp_path / "webhooks.db").read_bytes()


async def test_what_another_process_captured_is_used_here(way, tmp_path):
    other = await opened(tmp_path)
    await way.send(BROUGHT)  # looked up here, and found closed
    await other.brought_keys.wait_for("notion")
    await other.journal.captured_keys.capture("notion", "default", BROUGHT, remote_address=None)
    await other.close()
    way.platform.gateway._captured_keys._clock = lambda: float("inf")  # a second later

    assert await way.send(BROUGHT) == 200


async def test_a_configured_secret_is_used_and_no_handshake_touches_it(tmp_path):
    platform = await opened(tmp_path, NOTION_WEBHOOK_SECRET=CONFIGURED)
    async with serving(platform) as address:
        way = Way(platform, address)
        statuses = [await way.bring(STRANGERS), await way.send(STRANGERS), await way.send(CONFIGURED)]
        await way.wait_for()
        awaited = [await way.bring(BROUGHT), await way.send(BROUGHT, b'{"id":"2"}')]
        still = await way.send(CONFIGURED, b'{"id":"3"}')
    await platform.close()

    assert statuses == [401, 401, 200]
    assert awaited == [200, 200]
    assert still == 200


async def test_asanas_secret_is_echoed_only_once_it_is_kept(way):
    async def hook() -> int:
        return await way.post(b"{}", "/webhooks/asana", x_hook_secret="b537207f20cbfa02357cf448134da559")

    before = await hook()
    await way.platform.brought_keys.wait_for("asana")

    assert (before, await hook()) == (404, 200)
    assert await way.platform.brought_keys.secrets("asana") == ("b537207f20cbfa02357cf448134da559",)


async def test_a_webhook_of_ones_own_needs_no_secret_yet(tmp_path):
    own = tmp_path / "providers" / "notion"
    own.mkdir(parents=True)
    (own / "webhook.yaml").write_text("webhooks: {default: {path: /hooks/notes}}")
    platform = await opened(tmp_path)
    await platform.brought_keys.wait_for("notion")
    async with serving(platform) as address:
        status = await Way(platform, address).post(b'{"verification_token":"tok_1234567890"}', "/hooks/notes")
    await platform.close()

    assert status == 200


def test_without_a_store_a_webhook_of_ones_own_is_told_that_nothing_would_keep_it(tmp_path, monkeypatch):
    own = tmp_path / "notion"
    own.mkdir()
    (own / "webhook.yaml").write_text("webhooks: {default: {}}")
    for name in ("NOTION_WEBHOOK_SECRET", "WEBHOOKS_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigurationError, match="needs a store"):
        open_reception(providers_dir=str(tmp_path))


async def test_a_webhook_whose_secret_no_handshake_brings_cannot_await_one(way):
    with pytest.raises(InvalidInput, match=r"asana.*notion"):
        await way.platform.brought_keys.wait_for("stripe")


OWN = {"sec-fetch-site": "same-origin"}


def owners_pages(platform):
    return create_pages(platform, HostDoorkeeper(lambda _: "admin"))


async def test_the_api_awaits_lists_and_forgets_without_the_secret(way):
    api = owners_pages(way.platform)
    path = "/api/sources/notion/default/captured-keys"

    awaited = await call(api, "POST", path + "?minutes=5", headers=OWN)
    await way.bring(BROUGHT)
    listed = await call(api, "GET", path)
    forgotten = await call(api, "DELETE", path, headers=OWN)

    assert (awaited.status, listed.status, forgotten.status) == (201, 200, 200)
    (key,) = json.loads(listed.text)
    assert key["captured_at"].endswith("Z")
    assert BROUGHT not in awaited.text + listed.text
    assert json.loads(forgotten.text) == {"forgotten": 1}
    assert (await call(api, "POST", "/api/sources/stripe/default/captured-keys", headers=OWN)).status == 422
    assert (await call(api, "POST", "/api/sources/nobody/default/captured-keys", headers=OWN)).status == 404


async def test_the_page_awaits_and_shows_what_came_without_the_secret(way):
    app = owners_pages(way.platform)

    closed = await call(app, "GET", "/sources")
    gone = await call(
        app,
        "POST",
        "/sources/notion/default/captured-keys",
        headers={"content-type": "application/x-www-form-urlencoded", **OWN},
    )
    awaited = await call(app, "GET", "/sources")
    await way.bring(BROUGHT)
    captured = await call(app, "GET", "/sources")

    assert "webhooks captured-keys await notion" in closed.text
    assert gone.status == 303
    assert "Awaited" in awaited.text
    assert "Captured" in captured.text
    assert "127.0.0.1" in captured.text
    assert BROUGHT not in captured.text
