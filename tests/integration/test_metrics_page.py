"""Who may see the metrics: this machine, or whoever has a key."""

from __future__ import annotations

import base64

import pytest

from smart_api_integrations.server.application import create_app
from smart_api_integrations.server.ingest import Ingest
from tests.asgi_call import call
from tests.journal_scenes import open_platform

KEY = "whk_a-key-for-tests"


def app_of(platform):
    return create_app(platform, ingest=Ingest(platform.gateway, paths=platform.paths))


@pytest.mark.parametrize("roles", [("worker",), ("gateway", "worker", "api", "monitor")])
async def test_this_machine_sees_them_without_a_key_whatever_the_process_does(tmp_path, roles):
    async with open_platform(tmp_path, roles=roles) as platform:
        answer = await call(app_of(platform), "GET", "/metrics")

    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert b"webhooks_store_up 1.0" in answer.body


async def test_beyond_loopback_a_key_is_needed(tmp_path):
    async with open_platform(tmp_path, api_keys=(KEY,), host="10.1.2.3") as platform:
        app = app_of(platform)
        basic = base64.b64encode(f"x:{KEY}".encode()).decode()
        shown = ["", "Bearer wrong", f"Bearer {KEY}", f"Basic {basic}"]
        answers = [
            await call(app, "GET", "/metrics", headers={"authorization": each, "host": "10.1.2.3"})
            for each in shown
        ]

    assert [answer.status for answer in answers] == [401, 401, 200, 200]
    assert b"webhooks_" not in answers[0].body


async def test_another_host_name_or_a_proxy_does_not_get_at_them_without_a_key(tmp_path):
    async with open_platform(tmp_path) as platform:
        app = app_of(platform)
        answers = [
            await call(app, "GET", "/metrics", headers=headers)
            for headers in ({"host": "evil.example.com"}, {"x-forwarded-for": "192.0.2.1"})
        ]
        posted = await call(app, "POST", "/metrics")

    assert [answer.status for answer in answers] == [403, 403]
    assert posted.status == 405
