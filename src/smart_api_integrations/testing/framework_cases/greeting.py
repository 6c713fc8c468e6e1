"""Promises about handshakes, and about senders who ask too often or too slowly. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import pytest

from smart_api_integrations.testing.calling_apps import Server
from smart_api_integrations.testing.framework_cases.host import FrameworkCase
from smart_api_integrations.webhooks import webhook_handler

GREETS = """\
  greets:
    handshakes:
      - when: {method: GET, "{query:mode}": subscribe, "{query:token}": {env: FORGE_VERIFY_TOKEN}}
        respond: {body: "{query:challenge}"}
      - {when: {method: HEAD}}
      - when: {method: OPTIONS, "{header:WebHook-Request-Origin}": present}
        respond: {status: 204, headers: {WebHook-Allowed-Origin: "{header:WebHook-Request-Origin}"}}
      - {when: {"{json:type}": hello}, respond: {json: {challenge: "{json:challenge}"}}}
"""
TARGET = "/webhooks/forge/greets"


class GreetingCases(FrameworkCase):
    """A handshake is answered in the provider's form, and reaches no handler."""

    @pytest.fixture(autouse=True)
    def _greets(self, _own_surroundings: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FORGE_VERIFY_TOKEN", "a token to verify")

    def greeting_server(self) -> tuple[Server, list[object]]:
        """Return a server whose webhook ``greets``, and what its handlers get."""
        self.write_provider(GREETS)
        seen: list[object] = []
        webhook_handler("forge", "*", webhook_name="greets")(seen.append)
        return self.serve(), seen

    def test_a_challenge_in_the_query_is_echoed_as_plain_text(self) -> None:
        server, seen = self.greeting_server()
        target = f"{TARGET}?mode=subscribe&token=a%20token%20to%20verify&challenge=%3Cb%3E"

        got = self.post(server, target=target, method="GET", body=b"")

        assert (got.status, got.body, seen) == (200, b"<b>", [])
        assert got.headers["content-type"].startswith("text/plain")
        assert got.headers["x-content-type-options"] == "nosniff"

    def test_a_challenge_with_another_token_is_refused(self) -> None:
        server, _ = self.greeting_server()

        got = self.post(
            server, target=f"{TARGET}?mode=subscribe&token=guess&challenge=1", method="GET", body=b""
        )

        assert got.status == 401

    def test_a_probe_is_answered_without_a_body(self) -> None:
        server, _ = self.greeting_server()

        got = self.post(server, target=TARGET, method="HEAD", body=b"")

        assert (got.status, got.body) == (200, b"")

    def test_an_origin_is_granted_with_an_answer_that_has_no_body(self) -> None:
        server, _ = self.greeting_server()
        origin = {"WebHook-Request-Origin": "events.example.com"}

        got = self.post(server, target=TARGET, method="OPTIONS", body=b"", headers=dict(origin))

        assert (got.status, got.body) == (204, b"")
        assert got.headers["webhook-allowed-origin"] == "events.example.com"

    def test_a_signed_challenge_is_answered_and_an_unsigned_one_is_not(self) -> None:
        server, seen = self.greeting_server()
        challenge = {"type": "hello", "challenge": "abc"}

        signed = self.post(server, target=TARGET, payload=challenge)
        unsigned = self.post(server, target=TARGET, payload=challenge, headers={"X-Forge-Signature": None})

        assert (signed.status, signed.json(), unsigned.status) == (200, {"challenge": "abc"}, 401)
        assert seen == []


class PatienceCases(FrameworkCase):
    """Who asks too often, or does not finish, is told so; nobody else pays for it."""

    def test_an_address_whose_requests_do_not_verify_is_429_after_its_share(self) -> None:
        server = self.serve(self.make_app(per_ip_per_minute=2))
        forged = {"X-Forge-Signature": "00"}

        statuses = [self.post(server, headers=dict(forged)).status for _ in range(2)]
        limited = self.post(server, headers=dict(forged))

        assert statuses == [401, 401]
        assert limited.status == 429
        assert int(limited.headers["retry-after"]) >= 1
        assert self.post(server).status == 200  # who verifies is not counted

    def test_a_webhooks_own_limit_is_429(self) -> None:
        self.write_provider("  scarce: {rate_limit: {requests_per_minute: 60, burst_limit: 1}}\n")
        server = self.serve()

        first, second = (self.post(server, target="/webhooks/forge/scarce") for _ in range(2))

        assert (first.status, second.status) == (200, 429)
        assert int(second.headers["retry-after"]) >= 1

    def test_a_body_that_does_not_arrive_in_time_is_408(self) -> None:
        if not self.bounds_slow_bodies:
            pytest.skip("this framework takes the whole body before it asks us")
        seen: list[object] = []
        webhook_handler("forge", "*")(seen.append)
        server = self.serve(self.make_app(body_timeout_seconds=0.05))

        got = self.post(server, stall=3)

        assert (got.status, seen) == (408, [])
