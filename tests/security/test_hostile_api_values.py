"""Values that JSON allows and Python trips over: the API refuses them or keeps them, and never breaks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from smart_api_integrations.server.application import create_app
from tests.asgi_call import call
from tests.journal_scenes import open_platform

Post = Callable[[bytes], Awaitable[Any]]
BEGINNING = b'{"url":"https://example.com/","events":["a"],'
VALUES = {
    "a lone surrogate in the description": b'"description":"\\ud800"}',
    "a lone surrogate in the secret": b'"secret":"\\ud800"}',
    "a lone surrogate in a header": b'"headers":{"A":"\\ud800"}}',
    "a lone surrogate in the metadata": b'"metadata":{"a":"\\ud800"}}',
    "nul in the metadata": b'"metadata":{"a":"\\u0000"}}',
    "deep metadata": b'"metadata":{"a":' + b"[" * 900 + b"]" * 900 + b"}}",
    "an integer beyond 64 bits": b'"metadata":{"a":' + b"9" * 25 + b"}}",
    "an integer of thousands of digits": b'"metadata":{"a":' + b"9" * 4000 + b"}}",
    "infinity": b'"metadata":{"a":1e999}}',
    "not a number": b'"retry_delay":NaN}',
}


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Any]:
    async def no_way_in(*_: Any) -> None:
        raise AssertionError

    async with open_platform(tmp_path) as platform:
        yield create_app(platform, ingest=no_way_in)


def cases() -> list[Any]:
    return [pytest.param(value, id=name) for name, value in VALUES.items()]


@pytest.mark.parametrize("value", cases())
async def test_a_value_is_refused_or_kept_and_every_endpoint_can_still_be_listed(
    app: Any, value: bytes
) -> None:
    answer = await call(
        app, "POST", "/api/webhooks", body=BEGINNING + value, headers={"Content-Type": "application/json"}
    )

    assert answer.status in {201, 422}
    assert (await call(app, "GET", "/api/webhooks")).status == 200
