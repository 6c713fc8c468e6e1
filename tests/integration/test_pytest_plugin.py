"""The pytest plugin as its users meet it: a suite of their own, run by a pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HANDLERS = """
from smart_api_integrations.webhooks import WebhookHandler, generate_webhook_handler, webhook_handler

GitHubHandler = generate_webhook_handler("github", events=["push", "pull_request"])


class MyGitHubHandler(GitHubHandler):
    def on_push(self, event):
        return self.success_response({"processed": True, "repository": event.payload["repository"]["name"]})


class MyAPIWebhookHandler(WebhookHandler):
    provider = "myapi"

    def on_user_created(self, event):
        user = event.payload["data"]["user"]
        return self.success_response({"external_id": user["id"]})


@webhook_handler("stripe", "invoice.paid")
def book(event):
    booked = event.payload["data"]["object"]["id"]
    return {"booked": booked, "events": [{"type": "invoice.booked", "data": {}}]}


github, myapi = MyGitHubHandler(), MyAPIWebhookHandler()
"""

SUITE = """
from datetime import datetime, timezone
from unittest.mock import patch

import pytest

import shop_webhooks
from smart_api_integrations.core.webhook_schema import WebhookEvent


def test_github_push_handler_as_the_third_guide_has_it():
    handler = shop_webhooks.MyGitHubHandler()
    event = WebhookEvent(
        provider="github",
        event_type="push",
        payload={"repository": {"name": "hello"}, "commits": []},
        headers={"X-GitHub-Event": "push"},
    )

    response = handler.on_push(event)

    assert response.status_code == 200
    assert response.json()["processed"] == True


class TestMyAPIWebhooks:
    @pytest.fixture
    def handler(self):
        return shop_webhooks.MyAPIWebhookHandler()

    @pytest.fixture
    def user_created_event(self):
        return WebhookEvent(
            id="evt_test_123",
            type="user.created",
            provider="myapi",
            webhook_name="default",
            payload={"data": {"user": {"id": "usr_123", "email": "test@example.com"}}},
            headers={},
            timestamp=datetime.now(timezone.utc),
            verified=True,
        )

    def test_user_created_handler(self, handler, user_created_event):
        response = handler.on_user_created(user_created_event)

        assert response["success"] is True
        assert response["data"]["external_id"] == "usr_123"


def test_an_event_without_writing_its_payload(webhook_event):
    response = shop_webhooks.github.on_push(webhook_event("github", "push", repository={"name": "hello"}))

    assert response.json()["repository"] == "hello"


def test_the_whole_way(webhook, receive_webhook):
    received = receive_webhook(webhook.stripe("invoice.paid"))

    assert received.succeeded
    assert received.results["shop_webhooks.book"]["booked"].startswith("in_")
    assert received.published == ("invoice.booked",)


def test_a_forged_one_does_not_get_in(webhook, receive_webhook):
    received = receive_webhook(webhook.stripe("invoice.paid", bad_signature=True))

    assert (received.status, received.outcomes) == (401, ())
    assert received.reason.startswith("signature_mismatch")


def test_ones_own_provider(webhook, receive_webhook):
    received = receive_webhook(webhook.myapi("user.created", {"data": {"user": {"id": "u1"}}}))

    result = received.results["shop_webhooks.MyAPIWebhookHandler.on_user_created"]
    assert result["data"] == {"external_id": "u1"}


async def _nothing(event):
    return None


@pytest.mark.parametrize("turn", [1, 2])
def test_what_a_test_registers_is_forgotten(turn, webhook_registry):
    assert list(webhook_registry) == []
    webhook_registry.create_processor("github").on("push")(_nothing)


def test_and_what_the_application_registered_is_there_again(webhook, receive_webhook):
    assert receive_webhook(webhook.github("push")).results


def test_flask(webhook):
    flask = pytest.importorskip("flask")
    app = flask.Flask(__name__)

    @app.post("/webhooks/<provider>")
    def take(provider):
        return {"signature": flask.request.headers["X-Hub-Signature-256"], "size": len(flask.request.data)}

    hook = webhook.github("push")
    answer = app.test_client().post(hook.path, data=hook.body, headers=hook.headers)

    assert answer.json == {"signature": hook.headers["X-Hub-Signature-256"], "size": len(hook.body)}
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """Write an application with handlers and the suite of its developers."""
    (tmp_path / "shop_webhooks.py").write_text(HANDLERS)
    (tmp_path / "test_shop.py").write_text(SUITE)
    (tmp_path / "providers" / "myapi").mkdir(parents=True)
    (tmp_path / "providers" / "myapi" / "webhook.yaml").write_text(
        "webhooks:\n  default: {signing_secret_env: MYAPI_WEBHOOK_SECRET}\n"
    )
    return tmp_path


def run_pytest(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.endswith("_SECRET") and not name.startswith(("WEBHOOKS_", "PYTEST"))
    }
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:asyncio", *words],
        cwd=folder,
        env={
            **environ,
            "PYTHONPATH": os.pathsep.join([str(folder), *(path for path in sys.path if path)]),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_suite_as_users_write_it_passes(suite: Path) -> None:
    ended = run_pytest(suite, "-q")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "10 passed" in ended.stdout


def test_the_fixtures_explain_themselves(suite: Path) -> None:
    ended = run_pytest(suite, "--fixtures", "-q")

    for fixture in ("webhook", "webhook_event", "receive_webhook", "webhook_secrets", "webhook_registry"):
        assert f"\n{fixture} -- " in ended.stdout


def test_another_folder_of_providers_can_be_named(suite: Path) -> None:
    (suite / "providers").rename(suite / "senders")
    (suite / "pytest.ini").write_text("[pytest]\nwebhooks_providers_dir = senders\n")

    assert run_pytest(suite, "-q", "-k", "ones_own_provider").returncode == 0


def test_a_suite_that_does_not_use_it_does_not_pay_for_it(suite: Path) -> None:
    (suite / "test_shop.py").write_text(
        "import sys\n\ndef test_nothing_is_loaded():\n"
        "    loaded = {name.split('.')[0] for name in sys.modules}\n"
        "    assert not loaded & {'yaml', 'sqlalchemy', 'aiohttp'}\n"
        "    assert 'smart_api_integrations.providers' not in sys.modules\n"
    )

    ended = run_pytest(suite, "-q")

    assert ended.returncode == 0, ended.stdout


def test_pytest_finds_it_by_its_entry_point() -> None:
    from importlib.metadata import entry_points  # noqa: PLC0415 - of this test alone

    found = {entry.name: entry.value for entry in entry_points(group="pytest11")}

    assert found["smart_api_integrations"] == "smart_api_integrations.testing.pytest_plugin"
