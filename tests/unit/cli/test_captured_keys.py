"""``captured-keys`` on a database: awaiting, listing, forgetting, revealing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.cli.faults import Exit
from smart_api_integrations.settings import Settings

BROUGHT = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"


@pytest.fixture
def database(tmp_path: Path, cli) -> str:
    url = f"sqlite:///{tmp_path}/webhooks.db"
    asyncio.run(with_platform(url, lambda _: None))
    return url


async def with_platform(url: str, use):
    platform = Platform(Settings(database_url=url, providers_dir="/nonexistent"), environ={})
    await platform.open()
    try:
        made = use(platform)
        return None if made is None else await made
    finally:
        await platform.close()


def bring(url: str):
    return asyncio.run(
        with_platform(
            url,
            lambda platform: platform.journal.captured_keys.capture(
                "notion", "default", BROUGHT, remote_address="192.0.2.7"
            ),
        )
    )


def test_a_secret_is_awaited_listed_revealed_and_forgotten(cli, database):
    awaited = cli("captured-keys", "await", "notion", "--minutes", "5", "--db", database)
    assert bring(database) is not None
    listed = cli("captured-keys", "list", "notion", "--db", database)
    revealed = cli("captured-keys", "reveal", "notion", "--db", database)
    forgotten = cli("captured-keys", "forget", "notion", "--db", database)
    gone = cli("captured-keys", "reveal", "notion", "--db", database)

    assert "NOTION_WEBHOOK_SECRET" in awaited.out
    assert "192.0.2.7" in listed.out
    assert BROUGHT not in awaited.out + listed.out + forgotten.out
    assert revealed.out == f"{BROUGHT}\n"
    assert forgotten.out == "Forgotten: 1.\n"
    assert (gone.code, gone.out) == (Exit.NOT_FOUND, "")


def test_what_is_printed_for_programs_holds_no_secret_either(cli, database):
    key = cli("captured-keys", "await", "notion", "--db", database, "--json").json
    bring(database)
    (listed,) = cli("captured-keys", "list", "notion", "--db", database, "--json").objects

    assert key["id"] == listed["id"]
    assert listed["captured_at"]
    assert BROUGHT not in str(listed)


def test_a_webhook_of_ones_own_can_await_its_secret(cli, database, tmp_path):
    own = tmp_path / "providers" / "myapi"
    own.mkdir(parents=True)
    (own / "webhook.yaml").write_text(
        "webhooks: {default: {verification: {scheme: hmac, secret: {env: MYAPI_WEBHOOK_SECRET},"
        " signature: {from: '{header:X-Sig}'}}, handshakes: [{when: {'{json:token}': present},"
        " verify: false, capture: MYAPI_WEBHOOK_SECRET}]}}"
    )

    assert cli("captured-keys", "await", "myapi", "--db", database).code == 0


def test_one_whose_secret_is_copied_from_a_page_cannot(cli, database):
    ended = cli("captured-keys", "await", "stripe", "--db", database)

    assert ended.code == Exit.USAGE
    assert "asana" in ended.err
