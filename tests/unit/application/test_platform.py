"""What a platform says when it starts: a request to try, and handlers that nothing would reach."""

from __future__ import annotations

import logging

import pytest

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.settings import Settings

SECRET = "a secret of more than sixteen characters"


@pytest.fixture
def registry():
    registry = get_webhook_registry()
    with registry.emptied():
        yield registry


def platform(folder, **environ):
    settings = Settings(database_url=f"sqlite:///{folder}/webhooks.db", providers_dir=str(folder / "none"))
    return Platform(settings, environ=environ)


class TestSample:
    def test_it_is_githubs_where_github_is_mounted(self, tmp_path):
        both = platform(tmp_path, ASANA_WEBHOOK_SECRET=SECRET, GITHUB_WEBHOOK_SECRET=SECRET)

        assert ("asana", "default") in both.webhooks
        assert both.sample().path == "/webhooks/github"
        assert "X-Hub-Signature-256" in both.sample().headers

    def test_it_is_anothers_where_github_is_not(self, tmp_path):
        assert platform(tmp_path, ASANA_WEBHOOK_SECRET=SECRET).sample().path == "/webhooks/asana"


class TestIdleHandlers:
    def test_a_webhook_that_is_not_mounted_is_told_with_what_to_set(self, registry, tmp_path):
        registry.create_processor("github").on("push")(print)
        registry.create_processor("githup", "other").on("push")(print)
        registry.create_processor("stripe")

        unset, unknown = platform(tmp_path).idle_handlers

        assert unset.startswith("github/default has handlers and is not mounted, so they never run")
        assert unset.endswith(": set GITHUB_WEBHOOK_SECRET to mount it.")
        assert unknown.startswith("githup/other ")
        assert unknown.endswith(": no such webhook is known.")

    def test_nothing_is_told_of_one_that_is_mounted(self, registry, tmp_path):
        registry.create_processor("github").on("push")(print)

        assert platform(tmp_path, GITHUB_WEBHOOK_SECRET=SECRET).idle_handlers == ()

    async def test_it_is_logged_at_the_start(self, registry, tmp_path, caplog):
        registry.create_processor("github").on("push")(print)
        opened = platform(tmp_path)
        with caplog.at_level(logging.WARNING):
            await opened.open()
            await opened.close()

        assert "set GITHUB_WEBHOOK_SECRET to mount it" in caplog.text
