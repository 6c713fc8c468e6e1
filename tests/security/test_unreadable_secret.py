"""An endpoint whose secret no key opens any more stops nobody's work but its own."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from smart_api_integrations.core.journal import NewHandling
from smart_api_integrations.server.application import create_app
from tests.asgi_call import call
from tests.journal_scenes import open_platform, received

HANDLER = "github:default:shop.on_push"


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A journal with an endpoint that was kept under another key than the one that is there later."""
    async with open_platform(
        tmp_path, encryption_keys="the first key of more than 16 characters"
    ) as platform:
        await platform.endpoints.register("https://example.com/hook", ["*"])
    return tmp_path


async def test_handlings_are_still_claimed_and_messages_still_kept(folder: Path) -> None:
    async with open_platform(folder, encryption_keys="another key of more than 16 characters") as platform:
        event = received(dedupe_keys=(b"0123456789abcdef",))
        await platform.journal.events.accept(event, [NewHandling(handler=HANDLER, max_attempts=4)])

        (claimed,) = await platform.journal.work.claim(owner="one", limit=1, lease=timedelta(seconds=15))
        published = await platform.publish("order.created", {"id": 1})

    assert claimed.event == event
    assert published.message_id


@pytest.mark.parametrize("path", ["/endpoints", "/api/webhooks"])
async def test_pages_still_answer(folder: Path, path: str) -> None:
    async def no_way_in(*_: object) -> None:
        raise AssertionError

    async with open_platform(folder, encryption_keys="another key of more than 16 characters") as platform:
        answer = await call(create_app(platform, ingest=no_way_in), "GET", path)

    assert answer.status == 200


async def test_a_change_of_something_else_leaves_the_secret_as_it_is(folder: Path) -> None:
    async with open_platform(folder, encryption_keys="another key of more than 16 characters") as platform:
        (endpoint,) = await platform.journal.endpoints.endpoints()
        await platform.endpoints.update(endpoint.id, {"description": "changed"})

    async with open_platform(folder, encryption_keys="the first key of more than 16 characters") as platform:
        (endpoint,) = await platform.journal.endpoints.endpoints()

    assert endpoint.secret.startswith("whsec_")
    assert endpoint.description == "changed"
