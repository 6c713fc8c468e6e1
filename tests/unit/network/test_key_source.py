"""Keys are fetched once, kept for their time, and their absence is never kept."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from smart_api_integrations.core.outbound_request import Answer, OutboundRequest
from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.signatures.fetched_keys import WantedKey
from smart_api_integrations.core.signatures.key_options import key_address
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import DeliveryError, KeyUnavailable, SignatureMismatch
from smart_api_integrations.network.key_source import MOST_FETCHES, KeySource, system_roots

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
URL = "https://keys.example.com/jwks"
KEY = rsa.generate_private_key(65537, 2048).public_key()


def jwk(key_id: str) -> dict[str, object]:
    return {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY)), "kid": key_id}


def jwks(*key_ids: str) -> bytes:
    return json.dumps({"keys": [jwk(each) for each in key_ids]}).encode()


class Network:
    """A provider's address: answers what it is told to, and keeps what it was asked."""

    def __init__(self, body: bytes = b"", status: int = 200) -> None:
        self.body, self.status = body, status
        self.failure: DeliveryError | None = None
        self.asked: list[OutboundRequest] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def send(self, request: OutboundRequest, *, timeout: float) -> Answer:  # noqa: ASYNC109
        self.asked.append(request)
        async with asyncio.timeout(timeout):
            await self.may_answer.wait()
        if self.failure is not None:
            raise self.failure
        return Answer(status=self.status, headers={}, body=self.body)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def wanted(key_id: str | None = "1", **options: object) -> WantedKey:
    address = key_address({"jwks_url": URL, "cache": 3600, "refetch_min": 60, **options})
    assert address is not None
    return address.wanted(RequestView(RawRequest(headers=Headers({}), body=b"")), key_id)


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_a_key_is_fetched_once_and_kept_for_its_time(clock):
    network = Network(jwks("1", "2"))
    source = KeySource(network, now=clock)

    (one,) = await source.find(wanted("1"))
    (two,) = await source.find(wanted("2"))
    clock.now += timedelta(seconds=3599)
    await source.find(wanted("1"))
    fetches_while_fresh = len(network.asked)
    clock.now += timedelta(seconds=1)
    await source.find(wanted("1"))

    assert (one.name, two.name) == ("key '1'", "key '2'")
    assert one.public
    assert (fetches_while_fresh, len(network.asked)) == (1, 2)
    assert (network.asked[0].method, network.asked[0].url) == ("GET", URL)


async def test_a_token_that_names_no_key_is_tried_with_all(clock):
    found = await KeySource(Network(jwks("1", "2")), now=clock).find(wanted(None))

    assert len(found) == 2


async def test_a_new_name_asks_again_but_not_at_once(clock):
    network = Network(jwks("1"))
    source = KeySource(network, now=clock)
    await source.find(wanted("1"))
    network.body = jwks("1", "2")

    with pytest.raises(SignatureMismatch):
        await source.find(wanted("2"))
    fetches_at_once = len(network.asked)
    clock.now += timedelta(seconds=60)
    (found,) = await source.find(wanted("2"))

    assert fetches_at_once == 1
    assert found.name == "key '2'"


@pytest.mark.parametrize(
    ("body", "status"), [(b"", 500), (b"", 302), (b"<html>", 200), (b'{"keys":[]}', 200), (b"[" * 9000, 200)]
)
async def test_a_failed_fetch_is_unavailable_and_forgotten(clock, body, status):
    network = Network(body, status)
    source = KeySource(network, now=clock)

    with pytest.raises(KeyUnavailable) as caught:
        await source.find(wanted("1"))
    network.body, network.status = jwks("1"), 200

    assert caught.value.status_hint == 503
    assert len(await source.find(wanted("1"))) == 1


async def test_an_address_that_does_not_answer_is_unavailable(clock):
    network = Network(jwks("1"))
    network.failure = DeliveryError("no connection could be made", stage="connect", code="connect_error")

    with pytest.raises(KeyUnavailable, match="no connection could be made"):
        await KeySource(network, now=clock).find(wanted("1"))


async def test_requests_that_wait_for_one_key_share_one_fetch(clock):
    network = Network(jwks("1"))
    network.may_answer.clear()
    source = KeySource(network, now=clock)

    waiting = [asyncio.create_task(source.find(wanted("1"))) for _ in range(5)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    network.may_answer.set()
    found = await asyncio.gather(*waiting[1:])

    assert len(network.asked) == 1
    assert len(found) == 4


async def test_what_requests_can_make_us_ask_for_is_bounded(clock):
    network = Network(b"", 500)
    source = KeySource(network, now=clock)
    hosts = {"allow_hosts": ["keys.example.com"]}

    for number in range(MOST_FETCHES + 5):
        with pytest.raises(KeyUnavailable):
            await source.find(wanted("1", jwks_url=f"{URL}/{number}", **hosts))
    asked_in_a_minute = len(network.asked)
    clock.now += timedelta(minutes=1)
    network.body, network.status = jwks("1"), 200

    assert asked_in_a_minute == MOST_FETCHES
    assert await source.find(wanted("1"))


async def test_a_key_that_is_asked_for_by_name_is_posted_for(clock):
    network = Network(json.dumps({"key": jwk("1")}).encode())
    asks = {"jwks_url": None, "jwk_url": URL, "post": {"client_id": "c"}, "at": "key"}

    (found,) = await KeySource(network, now=clock).find(wanted("1", **asks))

    assert found.name == "key '1'"
    assert network.asked[0].method == "POST"
    assert json.loads(network.asked[0].body) == {"client_id": "c", "key_id": "1"}


async def test_a_name_that_the_provider_does_not_know_is_a_refusal(clock):
    asks = {"jwks_url": None, "jwk_url": URL, "post": {"client_id": "c"}, "at": "key"}

    with pytest.raises(SignatureMismatch):
        await KeySource(Network(b"{}", 400), now=clock).find(wanted("1", **asks))


def test_the_system_trusts_somebody():
    assert len(system_roots()) > 10
