"""Promises about addresses. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import pytest

from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.testing.framework_cases.host import FrameworkCase
from smart_api_integrations.webhooks import WebhookEvent, WebhookHandler, WebhookResponse

WAYS = {
    "/webhooks/forge": "default",
    "/webhooks/forge/": "default",
    "/webhooks/forge/default": "default",
    "/webhooks/forge/releases": "releases",
    "/webhooks/forge/releases/": "releases",
    "/webhooks/forge/now?x=1": "now",
    "/api/hooks/forge": "default",
    "/api/hooks/forge/": "default",
    "/api/hooks/forge-releases": "releases",
    "/api/hooks/forge-releases/": "releases",
}


class ForgeHandler(WebhookHandler):
    """Says which webhook an event came by."""

    provider = "forge"

    def on_push(self, event: WebhookEvent) -> WebhookResponse:
        """Answer with the webhook's name."""
        return self.success_response({"by": event.webhook_name})


class ReleaseHandler(ForgeHandler):
    """The same for ``releases``."""

    webhook_name = "releases"


class NowHandler(ForgeHandler):
    """The same for ``now``."""

    webhook_name = "now"


class RouteCases(FrameworkCase):
    """Every webhook has its address, and the path that its YAML names."""

    @pytest.mark.parametrize("target", WAYS)
    def test_every_spelling_of_an_address_leads_there(self, target: str) -> None:
        for handler in (ForgeHandler, ReleaseHandler, NowHandler):
            handler()

        got = self.post(self.serve(), target=target)

        assert (got.status, got.json()["by"]) == (200, WAYS[target])

    def test_with_handlers_only_theirs_are_let_in(self) -> None:
        server = self.serve(self.make_app({"forge": ForgeHandler(), "forge/releases": ReleaseHandler}))

        allowed = ("/webhooks/forge", "/webhooks/forge/releases/", "/api/hooks/forge-releases")
        answers = [self.post(server, target=target).json()["by"] for target in allowed]
        other = self.post(server, target="/webhooks/forge/now")

        assert answers == ["default", "releases", "releases"]
        assert other.status == 404

    def test_an_address_can_have_a_name_of_its_own(self) -> None:
        server = self.serve(self.make_app({"smith": ForgeHandler()}))

        assert self.post(server, target="/webhooks/smith/").json()["by"] == "default"
        assert self.post(server, target="/webhooks/forge/").status == 404

    def test_what_is_no_handler_is_told(self) -> None:
        with pytest.raises(ConfigurationError, match=r"'forge' must be a WebhookHandler.*found str"):
            self.make_app({"forge": "handler"})

    def test_the_rest_is_the_applications_own(self) -> None:
        got = self.post(self.serve(), target="/webhook/forge")

        assert got.status == 404
        assert b"No webhook is known" not in got.body
