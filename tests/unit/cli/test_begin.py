"""``init`` and ``check``: a starting point that runs, and whether it would."""

from __future__ import annotations

import stat

import pytest

from smart_api_integrations.cli.dev_secret import FILE, secrets_to_set


class TestInit:
    def test_what_it_writes_is_right_and_runs(self, cli, tmp_path):
        assert cli("init").code == 0

        assert {file.name for file in tmp_path.iterdir()} == {
            "webhooks.toml",
            "webhook_handlers.py",
            ".gitignore",
        }
        assert cli("check", "--strict").code == 0
        ran = cli("trigger", "github", "push", "--here", "--json")
        assert [handler["state"] for handler in ran.json["handlers"]] == ["completed"]

    def test_nothing_is_written_over(self, cli, tmp_path):
        (tmp_path / "webhooks.toml").write_text("port = 9000\n")
        ended = cli("init")

        assert ended.code == 5
        assert "--force" in ended.err
        assert [file.name for file in tmp_path.iterdir()] == ["webhooks.toml"]

    def test_force_replaces_but_never_what_git_ignores(self, cli, tmp_path):
        (tmp_path / "webhooks.toml").write_text("port = 9000\n")
        (tmp_path / ".gitignore").write_text("mine\n")

        assert cli("init", "--force", "--json").json["files"] == ["webhooks.toml", "webhook_handlers.py"]
        assert (tmp_path / ".gitignore").read_text() == "mine\n"

    def test_it_can_be_looked_at_first_and_go_elsewhere(self, cli, tmp_path):
        assert "Would write shop/webhooks.toml." in cli("init", "shop", "--dry-run").lines
        assert list(tmp_path.iterdir()) == []
        assert cli("init", "shop").code == 0
        assert (tmp_path / "shop" / "webhook_handlers.py").is_file()

    def test_a_place_that_cannot_be_written_is_told(self, cli, tmp_path):
        (tmp_path / "shop").write_text("a file")

        assert cli("init", "shop").code == 2


class TestCheck:
    def found(self, ended):
        return {(entry["verdict"], entry["what"]) for entry in ended.objects}

    def test_an_empty_folder_is_right_but_for_the_handlers(self, cli):
        ended = cli("check", "--json")

        assert ended.code == 0
        assert self.found(ended) == {
            ("ok", "settings"), ("ok", "exposure"), ("ok", "senders"), ("warn", "handlers"),
        }  # fmt: skip
        assert cli("check", "--strict").code == 6

    def test_every_fault_of_the_settings_is_told(self, cli, monkeypatch):
        monkeypatch.setenv("WEBHOOKS_PROT", "1")
        monkeypatch.setenv("WEBHOOKS_LEASE_SECONDS", "-1")
        ended = cli("check")

        assert ended.code == 6
        assert "did you mean WEBHOOKS_PORT?" in ended.out
        assert "lease_seconds" in ended.out

    def test_faults_of_different_kinds_are_told_together(self, cli, tmp_path, monkeypatch):
        monkeypatch.setenv("WEBHOOKS_HOST", "192.0.2.1")
        folder = tmp_path / "providers" / "myapi"
        folder.mkdir(parents=True)
        (folder / "webhook.yaml").write_text("webhooks:\n  default: {pth: /x}\n")

        ended = cli("check", "--json", "--handlers", "nowhere_at_all")

        assert ended.code == 6
        assert {("fail", "exposure"), ("fail", "senders"), ("fail", "handlers")} <= self.found(ended)

    @pytest.mark.parametrize(
        ("provider", "told"), [("slack", "SLACK_SIGNING_SECRET is not set"), ("githup", "no such webhook")]
    )
    def test_a_handler_that_nothing_would_reach_is_a_fault(self, cli, tmp_path, provider, told):
        (tmp_path / "hooks_unreached.py").write_text(
            "from smart_api_integrations.webhooks import webhook_handler\n"
            f"@webhook_handler('{provider}', 'push')\ndef f(event): ...\n"
        )
        ended = cli("check", "--handlers", "hooks_unreached")

        assert ended.code == 6
        assert told in ended.out


class TestDevelopmentSecret:
    def test_it_is_made_once_for_its_owner_alone(self, cli, tmp_path):
        first = secrets_to_set("providers")

        assert set(first) >= {"SLACK_SIGNING_SECRET"}
        assert "GITHUB_WEBHOOK_SECRET" not in first  # it is set
        assert secrets_to_set("providers") == first
        assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600

    def test_trigger_signs_with_it_where_nothing_else_is_set(self, cli, monkeypatch):
        monkeypatch.delenv("GITHUB_WEBHOOK_SECRET")
        assert cli("trigger", "github", "push", "--to", "http://127.0.0.1:9").code == 78

        secrets_to_set("providers")

        assert (
            cli("trigger", "github", "push", "--to", "http://127.0.0.1:9").code == 7
        )  # signed; nobody is there
        assert cli("trigger", "github", "push", "--to", "http://hooks.example.com").code == 78

    def test_a_folder_that_keeps_nothing_is_told(self, cli, tmp_path):
        (tmp_path / FILE).mkdir()

        assert cli("dev", "--port", "0").code == 78
