"""Rotating a secret by every way in, down to what a receiver verifies."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from smart_api_integrations import Webhooks
from smart_api_integrations.core.ed25519_keys import public_key
from smart_api_integrations.errors import InvalidInput, NotFound
from tests.journal_scenes import open_platform
from tests.recorder import recording
from tests.sink import SECRET
from webhook_system import WebhookManager

URL = "https://example.com/hook"


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("WEBHOOKS_ALLOWED_NETWORKS", "127.0.0.0/8")
    return f"sqlite:///{tmp_path}/webhooks.db"


def test_a_receiver_verifies_with_either_secret_while_the_grace_goes_on(database: str) -> None:
    with recording() as sink, Webhooks(database_url=database) as webhooks:
        endpoint = webhooks.call(webhooks.platform.endpoints.register(sink.url, ["*"], secret=SECRET))
        fresh = webhooks.rotate_secret(endpoint.id, grace=timedelta(hours=1))
        webhooks.publish("order.created", {"id": 1})
        (during,) = sink.wait_for(1)
        webhooks.rotate_secret(endpoint.id, secret=fresh, grace=0)
        webhooks.publish("order.created", {"id": 2})
        _, after = sink.wait_for(2)

    assert Webhook(SECRET).verify(during.body, during.headers)
    assert Webhook(fresh).verify(during.body, during.headers)
    assert Webhook(fresh).verify(after.body, after.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(after.body, after.headers)


def test_the_managers_registry_rotates_too(tmp_path: Path) -> None:
    with WebhookManager(db_path=str(tmp_path / "webhooks.db")) as manager:
        webhook_id = manager.register_webhook(URL, ["order.*"], secret=SECRET)

        fresh = manager.registry.rotate_secret(webhook_id)

        assert fresh.startswith("whsec_")
        assert manager.registry.webhooks[webhook_id].secret == fresh
        with pytest.raises(NotFound):
            manager.registry.rotate_secret("ep_unknown")


async def test_a_key_pair_is_made_and_its_public_half_can_be_read_at_any_time(tmp_path: Path) -> None:
    async with open_platform(tmp_path) as platform:
        endpoint = await platform.endpoints.register(URL, ["*"], secret_kind="key_pair")
        rotated = await platform.endpoints.rotate_secret(endpoint.id, kind="key_pair")

    assert endpoint.secret.startswith("whsk_")
    assert public_key(rotated.secret) != public_key(endpoint.secret)
    assert rotated.old_secrets[0].secret == endpoint.secret


@pytest.mark.parametrize(
    "given", [{"grace": timedelta(days=8)}, {"grace": "a day"}, {"kind": "rsa"}, {"secret": " "}]
)
async def test_what_cannot_be_is_refused_and_nothing_changes(tmp_path: Path, given: dict) -> None:
    async with open_platform(tmp_path) as platform:
        endpoint = await platform.endpoints.register(URL, ["*"])
        with pytest.raises(InvalidInput):
            await platform.endpoints.rotate_secret(endpoint.id, **given)

        assert await platform.journal.endpoints.endpoint(endpoint.id) == endpoint


async def test_credentials_that_no_key_opens_stop_the_delivery_instead_of_going_without(
    tmp_path: Path,
) -> None:
    keys = {"encryption_keys": "the first key of more than 16 characters"}
    async with open_platform(tmp_path, **keys) as platform:
        await platform.endpoints.register("https://shop:hush@example.com/hook", ["*"])
    async with open_platform(tmp_path, encryption_keys="another key of more than 16 characters") as platform:
        (endpoint,) = await platform.journal.endpoints.endpoints()
        rotated = await platform.endpoints.rotate_secret(endpoint.id)
        attempt = await platform.try_endpoint(rotated, "order.created", {})

    assert endpoint.url == URL
    assert (attempt.error_code, attempt.response_code) == ("secret_unreadable", None)


@pytest.mark.parametrize(
    "given",
    [
        {"auth": {"type": "bearer", "token": "x"}, "headers": {"authorization": "Bearer y"}},
        {"auth": {"type": "bearer", "token": "x"}, "url": "https://shop:hush@example.com/"},
    ],
)
async def test_two_authorizations_are_refused(tmp_path: Path, given: dict) -> None:
    async with open_platform(tmp_path) as platform:
        with pytest.raises(InvalidInput, match="one of the two"):
            await platform.endpoints.register(**{"url": URL, "events": ["*"]} | given)
