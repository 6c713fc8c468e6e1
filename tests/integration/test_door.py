"""The guarded door over a real journal, real sockets and a real Redis."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.receive.answer import Answer
from smart_api_integrations.receive.shared_limits import SharedLimits
from smart_api_integrations.server.listening import check_exposure
from smart_api_integrations.settings import Settings
from tests.conftest import REDIS_URL
from tests.github_requests import SECRET, incoming, signature, signed_headers
from tests.serving import exchange, serving

FORGED = {"x-hub-signature-256": signature(b"other")}
UNVERIFIED = b'{"success":false,"error":"The request could not be verified."}'
LISTED = "webhooks: {default: {}}\nip_whitelist: [192.0.2.0/24, '2001:db8::/32']\n"
LIMITED = "webhooks: {default: {rate_limit: {requests_per_minute: 6, burst_limit: 3}}}\n"


@asynccontextmanager
async def opened(
    folder: Path, github: str = "webhooks: {default: {}}", **settings: Any
) -> AsyncIterator[Platform]:
    """Open a platform whose GitHub webhook is refined by *github*."""
    own = folder / "providers" / "github"
    own.mkdir(parents=True, exist_ok=True)
    (own / "webhook.yaml").write_text(github)
    given: dict[str, Any] = {
        "database_url": f"sqlite:///{folder}/webhooks.db",
        "providers_dir": str(folder / "providers"),
    }
    platform = Platform(Settings(**(given | settings)), environ={"GITHUB_WEBHOOK_SECRET": SECRET})
    await platform.open()
    try:
        yield platform
    finally:
        await platform.close()


async def knock(platform: Platform, times: int, *, forged: bool = False, **request: Any) -> list[Answer]:
    """Send different requests; return their answers."""
    return [
        await platform.gateway.accept(
            incoming({"n": uuid.uuid4().hex}, headers=FORGED if forged else None, **request), "github"
        )
        for _ in range(times)
    ]


def statuses(answers: list[Answer]) -> dict[int, int]:
    return dict(Counter(answer.status for answer in answers))


async def test_an_address_that_is_not_listed_is_refused_before_its_body_is_read(tmp_path):
    async def unread() -> tuple[bytes, bool]:
        raise AssertionError

    async with opened(tmp_path, LISTED) as platform:
        (refused,) = await knock(platform, 1, remote_address="198.51.100.9", next_piece=unread)
        (unknown,) = await knock(platform, 1, remote_address=None, next_piece=unread)
        listed = [
            (await knock(platform, 1, remote_address=each))[0].status for each in ("192.0.2.9", "2001:db8::1")
        ]
        await platform._rejections.flush()
        kept = await platform.journal.events.rejections()

    assert listed == [200, 200]
    for each in (refused, unknown):
        assert (each.status, each.body) == (401, UNVERIFIED)
    assert {each.reason for each in kept} == {"address_not_allowed"}


async def test_a_webhook_takes_its_burst_and_answers_the_rest_with_429(tmp_path):
    async with opened(tmp_path, LIMITED) as platform:
        answers = await knock(platform, 5)

    assert statuses(answers) == {200: 3, 429: 2}
    assert dict(answers[-1].headers)["retry-after"] in {"8", "9", "10"}


async def test_who_cannot_sign_uses_up_nothing_of_a_webhooks_limit(tmp_path):
    async with opened(tmp_path, LIMITED) as platform:
        forged = await knock(platform, 20, forged=True)
        genuine = await knock(platform, 3)

    assert (statuses(forged), statuses(genuine)) == ({401: 20}, {200: 3})


async def test_an_address_is_told_429_when_too_much_of_it_did_not_verify_and_what_verifies_is_taken(tmp_path):
    async with opened(tmp_path, per_ip_per_minute=3, flood_per_minute=5) as platform:
        forged = await knock(platform, 10, forged=True)
        genuine = await knock(platform, 2)
        elsewhere = await knock(platform, 1, forged=True, remote_address="192.0.2.8")

    assert [answer.status for answer in forged] == [401] * 3 + [429] * 7
    assert 0 < int(dict(forged[-1].headers)["retry-after"]) <= 60
    assert (statuses(genuine), statuses(elsewhere)) == ({200: 2}, {401: 1})


async def test_beyond_the_flood_limit_the_connection_ends_with_the_answer(tmp_path):
    async with opened(tmp_path, per_ip_per_minute=2, flood_per_minute=4) as platform:
        answers = await knock(platform, 6, forged=True)

    assert [("connection", "close") in answer.headers for answer in answers] == [False] * 4 + [True] * 2


async def test_a_limit_of_none_is_no_limit(tmp_path):
    async with opened(tmp_path, per_ip_per_minute=0, flood_per_minute=0) as platform:
        assert statuses(await knock(platform, 150, forged=True)) == {401: 150}


async def test_the_defaults_are_those_that_are_documented(tmp_path):
    async with opened(tmp_path) as platform:
        assert statuses(await knock(platform, 101, forged=True)) == {401: 100, 429: 1}


async def test_the_429s_of_a_flood_are_sampled_in_the_log_of_rejections(tmp_path):
    async with opened(tmp_path, per_ip_per_minute=2) as platform:
        await knock(platform, 50, forged=True)
        await platform._rejections.flush()
        kept = await platform.journal.events.rejections()

    assert Counter(each.reason for each in kept) == {"signature_mismatch": 2, "too_many_requests": 5}
    assert sum(each.sampled for each in kept) == 50


async def test_a_probe_of_unknown_addresses_counts_like_a_forged_signature(tmp_path):
    async with opened(tmp_path, per_ip_per_minute=1) as platform:
        answers = [await platform.gateway.accept(incoming(), "nobody") for _ in range(2)]

    assert [answer.status for answer in answers] == [404, 429]


@pytest.mark.redis
async def test_two_processes_share_an_addresss_count_and_a_webhooks_limit(tmp_path):
    address = f"192.0.2.{uuid.uuid4().int % 250}"
    one, other = SharedLimits(REDIS_URL), SharedLimits(REDIS_URL)
    try:
        for _ in range(3):
            one.add("address", address, per_minute=2)
        await asyncio.gather(*one._waiting)
        room = await other.has_room("address", address, per_minute=2)
        elsewhere = await other.has_room("webhook", uuid.uuid4().hex, per_minute=2)

        assert one.is_full("address", address)
        assert (room, elsewhere) == (False, True)
    finally:
        await one.close()
        await other.close()


async def test_a_redis_that_is_lost_refuses_nobody_and_is_not_asked_again_at_once(tmp_path):
    async with opened(tmp_path, LIMITED, redis_url="redis://127.0.0.1:1/0") as platform:
        forged = await knock(platform, 1, forged=True)
        genuine = await knock(platform, 4)

    assert (statuses(genuine), statuses(forged)) == ({200: 3, 429: 1}, {401: 1})


@pytest.mark.parametrize("url", ["nonsense", "http://h", "redis://h:port/0"])
async def test_a_redis_url_that_is_none_is_told_at_start_without_its_password(tmp_path, url):
    with pytest.raises(ConfigurationError, match="WEBHOOKS_REDIS_URL") as caught:
        Platform(
            Settings(redis_url=f"{url}?password=hunter2", database_url=f"sqlite:///{tmp_path}/w.db"),
            environ={},
        )

    assert "hunter2" not in str(caught.value)


def raw(*, length: int, path: str = "/webhooks/github", **headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: a", f"content-length: {length}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (raw(length=10**9), b"413"),
        (raw(length=100, path="/webhooks/nobody"), b"404"),
        (raw(length=100), b"408"),
    ],
)
async def test_what_is_left_of_a_refused_body_is_not_waited_for(tmp_path, head, status):
    async with opened(tmp_path, body_timeout_seconds=0.05) as platform, serving(platform) as address:
        answer = await asyncio.wait_for(exchange(address, head, b"{"), 5)

    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"connection: close" in answer


@pytest.mark.parametrize(
    ("proxies", "said", "status"),
    [
        (("127.0.0.0/8",), ["https"], 200),
        (("127.0.0.0/8",), ["http"], 403),
        (("127.0.0.0/8",), [], 403),
        (("127.0.0.0/8",), ["https, http"], 403),
        (("127.0.0.0/8",), ["https", "http"], 403),
        (("10.0.0.0/8",), ["https"], 403),
    ],
)
async def test_where_https_is_required_only_a_trusted_proxys_word_lets_a_request_in(
    tmp_path, proxies, said, status
):
    body = b'{"ref": "main"}'
    lines = ["POST /webhooks/github HTTP/1.1", "host: a", "connection: close"]
    lines += [f"{name}: {value}" for name, value in signed_headers(body).items()]
    lines += [f"x-forwarded-proto: {value}" for value in said]
    head = "\r\n".join([*lines, "", ""]).encode()

    async with (
        opened(tmp_path, require_https=True, trusted_proxies=proxies) as platform,
        serving(platform) as address,
    ):
        at_once = await exchange(address, head + body)
        in_pieces = await exchange(address, head, body[:3], body[3:])
        page = await exchange(address, b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        health = await exchange(address, b"GET /livez HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")

    assert {int(answer.split()[1]) for answer in (at_once, in_pieces)} == {status}
    assert b" 403 " in page
    assert b"strict-transport-security: max-age=31536000" in page
    assert b" 200 " in health


def test_https_that_nobody_could_vouch_for_is_a_fault_at_start():
    with pytest.raises(ConfigurationError, match="WEBHOOKS_TRUSTED_PROXIES"):
        check_exposure(Settings(require_https=True))
