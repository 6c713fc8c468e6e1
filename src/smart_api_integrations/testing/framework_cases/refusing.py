"""Promises about requests that are not accepted. Floor 10."""

# ruff: noqa: D102 - a case's name is its promise

from __future__ import annotations

import pytest

from smart_api_integrations.errors import ConfigurationError, SecretMissing
from smart_api_integrations.testing.calling_apps import NO_ANSWER
from smart_api_integrations.testing.framework_cases.host import FrameworkCase, signature
from smart_api_integrations.webhooks import webhook_handler

WRONG: dict[str, dict[str, str | None]] = {
    "forged": {"X-Forge-Signature": signature(b"other")},
    "missing": {"X-Forge-Signature": None},
    "empty": {"X-Forge-Signature": ""},
    "no hex": {"X-Forge-Signature": "é" * 32},
}


class RefusalCases(FrameworkCase):
    """What a sender sees of a refusal, and what a refused request changes: nothing."""

    @pytest.mark.parametrize("how", WRONG)
    def test_what_does_not_verify_is_401_and_reaches_no_handler(self, how: str) -> None:
        seen: list[object] = []
        webhook_handler("forge", "*")(seen.append)

        got = self.post(self.serve(), headers=WRONG[how])

        assert (got.status, seen) == (401, [])
        assert got.json() == {"success": False, "error": "The request could not be verified."}
        assert got.headers["content-type"].startswith("application/json")
        assert got.headers["x-content-type-options"] == "nosniff"

    def test_a_signature_that_is_sent_twice_is_refused(self) -> None:
        body = b'{"ref": "main"}'

        got = self.post(self.serve(), body=body, more=(("X-Forge-Signature", signature(body)),))

        assert got.status in {400, 401}

    def test_a_verified_body_that_is_no_json_is_400(self) -> None:
        assert self.post(self.serve(), body=b'{"ref": ').status == 400

    @pytest.mark.parametrize("target", ["/webhooks/nobody", "/webhooks/forge/nobody/", "/webhooks/%2e%2e"])
    def test_an_unknown_webhook_is_404(self, target: str) -> None:
        got = self.post(self.serve(), target=target)

        assert got.status == 404
        assert got.json()["success"] is False

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
    def test_another_method_is_405_and_the_answer_names_the_right_one(self, method: str) -> None:
        got = self.post(self.serve(), method=method, body=b"")

        assert (got.status, got.headers["allow"]) == (405, "POST")

    def test_a_body_beyond_the_limit_is_413(self) -> None:
        assert self.post(self.serve(), body=b'"' + b"x" * 100_000 + b'"').status == 413

    def test_a_body_within_the_limit_is_not(self) -> None:
        assert self.post(self.serve(), body=b'"' + b"x" * 99_998 + b'"').status == 200

    def test_a_sender_that_hangs_up_reaches_no_handler(self) -> None:
        seen: list[object] = []
        webhook_handler("forge", "*")(seen.append)

        assert self.post(self.serve(), cut=3).status in {400, NO_ANSWER}
        assert seen == []

    def test_a_secret_that_is_missing_is_told_when_routes_are_registered(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("FORGE_WEBHOOK_SECRET")

        with pytest.raises(SecretMissing, match="FORGE_WEBHOOK_SECRET"):
            self.make_app()

    def test_a_yaml_with_a_fault_is_told_when_routes_are_registered(self) -> None:
        self.write_provider("  wrong: {verification: {scheme: hmec}}\n")

        with pytest.raises(ConfigurationError, match=r"webhook\.yaml"):
            self.make_app()

    def test_a_queue_without_a_store_is_told_when_routes_are_registered(self) -> None:
        self.write_provider("  later: {mode: queued}\n")

        with pytest.raises(ConfigurationError, match=r"forge.*later.*needs a store"):
            self.make_app()
