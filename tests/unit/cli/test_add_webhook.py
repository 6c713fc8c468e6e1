"""``add-webhook`` writes what the guides show, checked, and never over what is there."""

from __future__ import annotations

import pytest
import yaml


@pytest.fixture
def read(tmp_path):
    """Return a function that reads what was written."""

    def read(provider):
        return yaml.safe_load((tmp_path / "providers" / provider / "webhook.yaml").read_text())["webhooks"]

    return read


class TestWrite:
    def test_a_packaged_sender_needs_its_name_alone(self, cli, read):
        ended = cli("add-webhook", "stripe")

        assert (ended.code, ended.out) == (0, "Wrote providers/stripe/webhook.yaml.\n")
        assert "export STRIPE_WEBHOOK_SECRET=" in ended.err
        assert read("stripe") == {
            "default": {
                "path": "/webhooks/stripe/",
                "verify_signature": True,
                "signing_secret_env": "STRIPE_WEBHOOK_SECRET",
            }
        }

    def test_a_packaged_senders_own_variable_is_taken(self, cli, read):
        cli("add-webhook", "slack")

        assert read("slack")["default"]["signing_secret_env"] == "SLACK_SIGNING_SECRET"

    @pytest.mark.parametrize(
        "events",
        [
            ("--event", "push", "--event", "pull_request"),
            ("--events", "push", "pull_request"),
            ("push", "pull_request"),
        ],
    )
    def test_events_may_be_given_in_every_spelling(self, cli, read, events):
        assert cli("add-webhook", "github", *events).code == 0

        assert read("github")["default"]["events"] == ["push", "pull_request"]

    def test_everything_of_the_guides_can_be_said(self, cli, read):
        ended = cli(
            *("add-webhook", "my-api", "--secret-env", "MYAPI_SECRET", "--path", "/api/webhooks/myapi/"),
            *("--verification-type", "hmac_sha256", "--signature-header", "X-MyAPI-Signature"),
            *("--timestamp-header", "X-MyAPI-Timestamp", "--replay-tolerance", "60"),
            *("--event-header", "X-MyAPI-Event", "--requests-per-minute", "100", "--json"),
        )

        assert ended.json["path"] == "/api/webhooks/myapi/"
        assert read("my-api")["default"] == {
            "path": "/api/webhooks/myapi/",
            "verify_signature": True,
            "signing_secret_env": "MYAPI_SECRET",
            "verification_type": "hmac_sha256",
            "signature_header": "X-MyAPI-Signature",
            "timestamp_header": "X-MyAPI-Timestamp",
            "replay_tolerance": 60,
            "event_header": "X-MyAPI-Event",
            "rate_limit": {"requests_per_minute": 100},
        }

    def test_what_was_written_is_received(self, cli, monkeypatch):
        monkeypatch.setenv("MY_API_WEBHOOK_SECRET", "a secret of more than sixteen")
        assert cli("add-webhook", "my-api").code == 0

        ended = cli("trigger", "my-api", "user.created", "--here", "--json")

        assert (ended.code, ended.json["answer"]["event_type"]) == (0, "user.created")

    def test_the_file_may_be_looked_at_first(self, cli, tmp_path):
        ended = cli("add-webhook", "stripe", "--dry-run")

        assert yaml.safe_load(ended.out)["webhooks"]["default"]["path"] == "/webhooks/stripe/"
        assert list(tmp_path.iterdir()) == []


class TestWhatIsThere:
    def test_it_is_not_written_over(self, cli, tmp_path):
        cli("add-webhook", "stripe")
        file = tmp_path / "providers" / "stripe" / "webhook.yaml"
        before = file.read_text()
        ended = cli("add-webhook", "stripe", "charge.failed")

        assert ended.code == 5
        assert "--force" in ended.err
        assert file.read_text() == before

    def test_force_replaces_it(self, cli, read):
        cli("add-webhook", "stripe")

        assert cli("add-webhook", "stripe", "charge.failed", "--force").code == 0
        assert read("stripe")["default"]["events"] == ["charge.failed"]

    def test_another_webhook_is_added_and_the_comments_stay(self, cli, read, tmp_path):
        folder = tmp_path / "providers" / "github"
        folder.mkdir(parents=True)
        present = (
            "# ours\nwebhooks:\n  default:\n    events: [push]  # all we need\n\n"
            "# and who may call\nip_whitelist: [192.0.2.0/24]\n"
        )
        (folder / "webhook.yaml").write_text(present)

        assert cli("add-webhook", "github", "release", "--webhook-name", "releases").code == 0

        written = (folder / "webhook.yaml").read_text()
        assert read("github")["releases"]["events"] == ["release"]
        assert read("github")["releases"]["path"] == "/webhooks/github/releases/"
        assert read("github")["default"] == {"events": ["push"]}
        assert all(comment in written for comment in ("# ours", "# all we need", "# and who may call"))
        assert yaml.safe_load(written)["ip_whitelist"] == ["192.0.2.0/24"]

    def test_a_file_of_another_shape_is_left_alone(self, cli, tmp_path):
        folder = tmp_path / "providers" / "github"
        folder.mkdir(parents=True)
        (folder / "webhook.yaml").write_text("[]")

        assert cli("add-webhook", "github").code == 5
        assert (folder / "webhook.yaml").read_text() == "[]"


class TestWhatCannotBeUsed:
    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("My API",), "cannot be a name"),
            (("../up",), "cannot be a name"),
            (("myapi", "--signature-header", "X Signature"), "signature_header"),
            (("myapi", "--path", "no/slash"), "path"),
            (("myapi", "--replay-tolerance", "-1"), "replay_tolerance"),
            (("myapi", "--verification-type", "hmac_md5"), "hmac_md5"),
        ],
    )
    def test_it_is_told_and_nothing_is_written(self, cli, tmp_path, words, told):
        ended = cli("add-webhook", *words)

        assert ended.code == 2
        assert told in ended.err
        assert str(tmp_path.parent) not in ended.err
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_cannot_be_written_is_told(self, cli, tmp_path):
        (tmp_path / "providers").write_text("a file")
        ended = cli("add-webhook", "stripe", "--providers", "providers")

        assert ended.code == 2
        assert "cannot be written" in ended.err
