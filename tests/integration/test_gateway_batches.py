"""Requests that hold several events, over a real journal: what is answered, kept, handled."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.core.webhook_schema import WebhookEvent
from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.receive.answer import Answer
from smart_api_integrations.receive.assigning import seen_by_handlers
from smart_api_integrations.settings import Settings
from smart_api_integrations.storage.events import Events
from smart_api_integrations.telemetry import EventAccepted, EventRejected
from smart_api_integrations.webhooks import webhook_handler
from tests.github_requests import incoming

SECRET = "a secret of more than sixteen characters"
MAILER = """
webhooks:
  default:
    mode: MODE
    verification: {scheme: hmac, secret: {env: MAILER_SECRET}, signature: {from: "{header:x-sig}"}}
    batch: {items: "json:", max: 5}
    extract: {event_type: "{item:event}", event_id: "{item:id}"}
    handshakes:
      - {when: {"{json:challenge}": present}, respond: {body: "{json:challenge}"}}
"""
BANK = """
webhooks:
  default:
    verification:
      scheme: hmac
      secret: {env: BANK_SECRET}
      signature: {from: "{item:data.signature}", encoding: base64}
      signed: "{item:ref}:{item:amount}"
    batch: {items: "json:items", each: Item, verify: each}
    extract: {event_type: "{item:code}", event_id: "{item:code}:{item:ref}"}
    response: {content_type: text/plain, body: "[accepted]"}
"""


@asynccontextmanager
async def opened(folder: Path, *, mode: str = "queued") -> AsyncIterator[Platform]:
    get_webhook_registry().clear()
    for name, text in (("mailer", MAILER), ("bank", BANK)):
        (folder / "providers" / name).mkdir(parents=True)
        (folder / "providers" / name / "webhook.yaml").write_text(text.replace("MODE", mode))
    platform = Platform(
        Settings(database_url=f"sqlite:///{folder}/w.db", providers_dir=str(folder / "providers")),
        environ={"MAILER_SECRET": SECRET, "BANK_SECRET": SECRET},
    )
    await platform.open()
    try:
        yield platform
    finally:
        await platform.close()


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    async with opened(tmp_path) as platform:
        yield platform


def mac(text: bytes) -> bytes:
    return hmac.digest(SECRET.encode(), text, "sha256")


async def mail(platform: Platform, body: bytes) -> Answer:
    request = incoming(body=body, headers={"x-sig": mac(body).hex()}, path="/webhooks/mailer")
    return await platform.gateway.accept(request, "mailer")


def item(ref: str, amount: str = "10", *, code: str = "PAID", forged: bool = False) -> dict[str, Any]:
    signed = base64.b64encode(mac(f"{ref}:{amount}{'!' if forged else ''}".encode())).decode()
    return {"Item": {"ref": ref, "amount": amount, "code": code, "data": {"signature": signed}}}


async def pay(platform: Platform, *items: dict[str, Any]) -> Answer:
    request = incoming({"live": "false", "items": list(items)}, path="/webhooks/bank")
    return await platform.gateway.accept(request, "bank")


async def kept(platform: Platform) -> list[WebhookEvent]:
    """Return what is kept as handlers see it, oldest first."""
    found = []
    for summary in reversed(await platform.journal.events.summaries()):
        trace = await platform.journal.events.trace(summary.id)
        assert trace is not None
        assert trace.event is not None
        webhook = platform.webhooks[summary.provider, "default"]
        found.append(seen_by_handlers(trace.event, webhook))
    return found


async def reasons(platform: Platform) -> list[str]:
    await platform._rejections.flush()
    return [each.reason for each in await platform.journal.events.rejections()]


async def test_each_event_of_a_request_is_an_event_of_its_own(platform: Platform) -> None:
    told: list[EventAccepted] = []
    platform.telemetry.subscribe(EventAccepted, told.append)

    answer = await mail(platform, b'[{"event":"open","id":1, "n": 1.0}, {"event":"click","id":"2"}]')

    events = await kept(platform)
    assert [(each.type, each.event_id, each.payload) for each in events] == [
        ("open", "1", {"event": "open", "id": 1, "n": 1.0}),
        ("click", "2", {"event": "click", "id": "2"}),
    ]
    assert [each.body for each in events] == [
        b'{"event":"open","id":1, "n": 1.0}',
        b'{"event":"click","id":"2"}',
    ]
    assert json.loads(answer.body) == {
        "success": True,
        "id": events[0].id,
        "event_type": "open",
        "event_id": "1",
        "duplicate": False,
    }
    assert [each.event.id for each in told] == [each.id for each in events]


async def test_handlers_get_one_event_each(platform: Platform) -> None:
    @webhook_handler("mailer", "open")
    def on_open(event: WebhookEvent) -> None:
        """Is not run here."""

    await mail(platform, b'[{"event":"open","id":"1"},{"event":"click","id":"2"},{"event":"open","id":"3"}]')

    handlings = []
    for summary in await platform.journal.events.summaries():
        trace = await platform.journal.events.trace(summary.id)
        assert trace is not None
        handlings.append((summary.event_id, len(trace.handlings)))
    assert sorted(handlings) == [("1", 1), ("2", 0), ("3", 1)]


async def test_a_repeated_request_keeps_nothing_and_says_so(platform: Platform) -> None:
    body = b'[{"event":"open"},{"event":"open"}]'  # no ids, and the same content twice: two events

    first, second = await mail(platform, body), await mail(platform, body)

    assert [json.loads(each.body)["duplicate"] for each in (first, second)] == [False, True]
    assert len(await kept(platform)) == 2


async def test_an_event_that_comes_again_in_another_batch_is_a_duplicate(platform: Platform) -> None:
    await mail(platform, b'[{"event":"open","id":"1"}]')

    await mail(platform, b'[{"event":"click","id":"2"},{"event":"open","id":"1"}]')

    assert [each.event_id for each in await kept(platform)] == ["1", "2"]


async def test_an_empty_list_is_accepted_and_keeps_nothing(platform: Platform) -> None:
    answer = await mail(platform, b"[]")

    assert answer.status == 200
    assert json.loads(answer.body) == {
        "success": True,
        "id": None,
        "event_type": None,
        "event_id": None,
        "duplicate": False,
    }
    assert await kept(platform) == []


@pytest.mark.parametrize("body", [b'[{"event":"a"},1]', b"[" + b"{}," * 5 + b"{}]", b"[{}", b'{"a":1}x'])
async def test_a_request_that_cannot_be_split_keeps_nothing(platform: Platform, body: bytes) -> None:
    answer = await mail(platform, body)

    assert answer.status == 400
    assert await kept(platform) == []
    assert await reasons(platform) == ["malformed_request"]


async def test_a_batch_that_does_not_verify_keeps_nothing(platform: Platform) -> None:
    request = incoming(body=b'[{"event":"a"}]', headers={"x-sig": "00" * 32})

    answer = await platform.gateway.accept(request, "mailer")

    assert answer.status == 401
    assert await kept(platform) == []


async def test_a_handshake_of_a_webhook_with_batches_is_answered(platform: Platform) -> None:
    answer = await mail(platform, b'{"challenge":"c-1"}')

    assert (answer.status, answer.body) == (200, b"c-1")
    assert await kept(platform) == []


async def test_events_that_are_signed_one_by_one_are_verified_one_by_one(platform: Platform) -> None:
    answer = await pay(platform, item("1"), item("2", code="REFUNDED"))

    assert (answer.status, answer.body) == (200, b"[accepted]")
    assert [(each.type, each.event_id) for each in await kept(platform)] == [
        ("PAID", "PAID:1"),
        ("REFUNDED", "REFUNDED:2"),
    ]


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_one_forged_event_refuses_the_whole_request(platform: Platform, place: int) -> None:
    items = [item(str(n), forged=n == place) for n in range(3)]

    answer = await pay(platform, *items)

    assert answer.status == 401
    assert await kept(platform) == []
    assert await reasons(platform) == ["signature_mismatch"]


async def test_an_event_without_its_signature_is_refused(platform: Platform) -> None:
    unsigned = item("2")
    del unsigned["Item"]["data"]

    assert (await pay(platform, item("1"), unsigned)).status == 401
    assert (await pay(platform)).status == 401  # nothing in it proves anything
    assert await kept(platform) == []


async def test_a_store_that_is_away_keeps_none_of_them(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any, **__: Any) -> Any:
        raise StorageUnavailable

    monkeypatch.setattr(Events, "accept_all", away)
    answer = await mail(platform, b'[{"event":"a","id":"1"}]')
    monkeypatch.undo()

    assert answer.status == 503
    assert await kept(platform) == []
    told: list[EventRejected] = []
    platform.telemetry.subscribe(EventRejected, told.append)
    assert (await mail(platform, b'[{"event":"a","id":"1"}]')).status == 200
    assert told == []


async def test_inline_each_event_is_handled_while_the_provider_waits(tmp_path: Path) -> None:
    seen: list[Any] = []
    async with opened(tmp_path, mode="inline") as platform:

        @webhook_handler("mailer", "*")
        def on_any(event: WebhookEvent) -> dict[str, bool]:
            seen.append((event.payload["id"], event.body))
            if event.payload["id"] == "2" and len(seen) < 4:
                message = "not yet"
                raise RuntimeError(message)
            return {"done": True}

        body = b'[{"event":"a","id":"1"},{"event":"b","id":"2"},{"event":"c","id":"3"}]'
        failed, repeated = await mail(platform, body), await mail(platform, body)

    assert (failed.status, repeated.status) == (500, 200)
    assert [each for each, _ in seen] == ["1", "2", "3", "2"]
    assert seen[1][1] == b'{"event":"b","id":"2"}'
