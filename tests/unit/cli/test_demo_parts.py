"""The parts of the demo: its endpoints, its handlers, and what it plays."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest

from smart_api_integrations.application.configuration import settings_from_surroundings
from smart_api_integrations.application.surroundings import build_catalogue
from smart_api_integrations.cli.demo_play import ENDPOINTS, SENDERS, SHARES, Player
from smart_api_integrations.cli.demo_sink import MANNERS, demo_sink
from smart_api_integrations.cli.dev_secret import for_unset
from smart_api_integrations.cli.sending import open_transport
from smart_api_integrations.core.outbound_request import OutboundRequest

SECRET = "5" * 64
NO_PLATFORM: Any = None


def dice(seed=1):
    return random.Random(seed)  # noqa: S311 - a show, not a secret


@pytest.fixture
def catalogue(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in SENDERS:
        monkeypatch.delenv(f"{name.upper()}_WEBHOOK_SECRET", raising=False)
    return build_catalogue(settings_from_surroundings(), for_unset("none", SECRET))


@pytest.fixture
def player(catalogue):
    return Player(NO_PLATFORM, catalogue, url="http://127.0.0.1:1", dice=dice(7))


async def asked(url):
    request = OutboundRequest(url=url, headers={"content-type": "application/json"}, body=b'{"a": 1}')
    async with open_transport() as transport:
        return await transport.send(request, timeout=20)


class TestSink:
    async def test_each_address_answers_in_its_manner(self):
        async with demo_sink(dice()) as url:
            answers = await asyncio.gather(*(asked(url + path) for path in MANNERS))

        for answer, manner in zip(answers, MANNERS.values(), strict=True):
            assert answer.status in manner.statuses

    async def test_who_is_busy_says_for_how_long(self):
        async with demo_sink(dice()) as url:
            answers = await asyncio.gather(*(asked(url + "/warehouse") for _ in range(20)))

        busy = [answer for answer in answers if answer.status == 503]
        assert busy
        assert {dict(answer.headers).get("Retry-After") for answer in busy} <= {"2", None}

    def test_every_endpoint_has_a_manner(self):
        assert {path for path, _, _ in ENDPOINTS} == set(MANNERS)


class TestPlayer:
    def test_the_shares_are_of_a_hundred(self):
        assert sum(SHARES.values()) == 100

    def test_every_sender_can_be_signed_for(self, catalogue):
        for name in SENDERS:
            source = catalogue.source(name, "default")
            assert source.missing is None, name
            assert source.definition.samples, name

    def test_a_good_request_verifies_and_a_forged_one_differs(self, player):
        good, forged = player._request("good"), player._request("forged")

        assert good.path.startswith("/webhooks/")
        assert SECRET not in repr(good)
        assert good.body
        assert good.headers != forged.headers

    def test_a_broken_one_is_cut_off(self, player):
        for _ in range(20):
            request = player._request("broken")
            if request.headers.get("content-type", "").endswith("json"):
                with pytest.raises(ValueError, match="line 1"):
                    json.loads(request.body)

    def test_an_unknown_address_is_nobodys(self, player):
        assert player._request("unknown").path == "/webhooks/nobody"

    def test_only_senders_that_sign_the_time_are_late(self, player):
        paths = {player._request("stale").path for _ in range(30)}

        assert paths == {"/webhooks/stripe", "/webhooks/slack", "/webhooks/linear"}

    def test_a_repeat_is_the_very_request_of_before(self, player):
        player._last = player._request("good")

        assert player._request("repeat") is player._last
