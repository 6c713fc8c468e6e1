"""``providers list|show|check`` and ``list-handlers``."""

from __future__ import annotations

import pytest

from smart_api_integrations.providers.catalogue import load_catalogue

SIGNED = """
webhooks:
  default: {signing_secret_env: MYAPI_WEBHOOK_SECRET, signature_header: X-MyAPI-Signature}
examples:
  - expect: verified
    secret: "It's a Secret to Everybody"
    body: "Hello, World!"
    headers: {X-MyAPI-Signature: 757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17}
"""


@pytest.fixture
def write(tmp_path):
    """Return a function that writes one of the user's own files."""

    def write(text, provider="myapi"):
        folder = tmp_path / "providers" / provider
        folder.mkdir(parents=True)
        (folder / "webhook.yaml").write_text(text)
        return f"providers/{provider}/webhook.yaml"

    return write


class TestList:
    def test_every_sender_is_there_with_what_is_missing(self, cli):
        listed = {
            (entry["provider"], entry["webhook_name"]): entry
            for entry in cli("providers", "list", "--json").objects
        }

        assert set(listed) == set(load_catalogue(providers_dir=None, environ={}).sources)
        assert listed["github", "default"]["ready"] is True
        assert listed["slack", "default"]["missing"] == "SLACK_SIGNING_SECRET"

    def test_it_can_be_narrowed_to_what_is_ready(self, cli):
        ended = cli("providers", "list", "--ready")

        assert ended.lines[0].split() == ["PROVIDER", "WEBHOOK", "SCHEME", "STATE"]
        assert {line.split()[0] for line in ended.lines[1:]} == {"github", "stripe"}
        assert all(line.endswith("ready") for line in ended.lines[1:])

    def test_ones_own_are_there_too(self, cli, write, monkeypatch):
        monkeypatch.setenv("MYAPI_WEBHOOK_SECRET", "a secret of more than sixteen")
        write(SIGNED)

        assert "myapi" in cli("providers", "list", "--ready").out


class TestShow:
    def test_it_says_where_to_send_and_what_to_set(self, cli):
        told = cli("providers", "show", "github", "--json").json

        assert told["ways_in"][0] == "/webhooks/github"
        assert told["secrets"] == ["GITHUB_WEBHOOK_SECRET"]
        assert "push" in told["samples"]
        assert told["documentation"].startswith("https://docs.github.com/")

    def test_people_get_lines(self, cli):
        lines = dict(line.split(None, 1) for line in cli("providers", "show", "stripe").lines)

        assert (lines["provider"], lines["ready"], lines["packaged"]) == ("stripe", "yes", "yes")

    def test_a_misspelt_one_gets_the_nearest(self, cli):
        ended = cli("providers", "show", "stirpe")

        assert ended.code == 3
        assert "stripe" in ended.err


class TestCheck:
    def test_a_right_file_is_right_though_its_secret_is_not_set(self, cli, write):
        file = write(SIGNED)
        ended = cli("providers", "check")

        assert (ended.code, ended.lines) == (0, [f"ok    {file}  1 webhooks, 1 examples played"])

    def test_every_fault_is_told_at_once(self, cli, write):
        write("webhooks:\n  default: {pth: /x}\nexampels: []\n")
        ended = cli("providers", "check", "--json")

        assert ended.code == 6
        faults = " ".join(ended.json["faults"])
        assert "did you mean 'path'?" in faults
        assert "did you mean 'examples'?" in faults

    def test_yaml_that_is_none_is_told_with_its_line(self, cli, write):
        file = write("webhooks:\n  default: {\n")
        ended = cli("providers", "check", file)

        assert ended.code == 6
        assert "line 3" in ended.out

    def test_an_example_that_does_not_come_to_what_it_says_is_a_fault(self, cli, write):
        write(SIGNED.replace("Hello, World!", "Hello, world!"))
        ended = cli("providers", "check")

        assert ended.code == 6
        assert "examples.1: expected verified, but it came to SignatureMismatch." in ended.out

    def test_an_example_of_a_webhook_that_is_not_there_is_a_fault(self, cli, write):
        write(SIGNED + "    webhook: billing\n")

        assert "there is no webhook 'billing'" in cli("providers", "check").out

    def test_what_is_allowed_but_unsafe_is_a_warning(self, cli, write):
        write("webhooks:\n  default: {verify_signature: false}\n")
        ended = cli("providers", "check")

        assert ended.code == 0
        assert "NOT verified" in ended.out

    def test_a_folder_without_files_says_how_to_make_one(self, cli):
        ended = cli("providers", "check")

        assert ended.code == 3
        assert "webhooks add-webhook" in ended.err

    def test_every_packaged_file_is_right(self, cli):
        from smart_api_integrations.providers.catalogue import PACKAGED_DIR  # noqa: PLC0415 - of this test alone

        ended = cli("providers", "check", str(PACKAGED_DIR), "--json")

        assert ended.code == 0, [entry for entry in ended.objects if entry["faults"]]


class TestListHandlers:
    @pytest.fixture
    def module(self, tmp_path):
        (tmp_path / "hooks_to_list.py").write_text(
            "from smart_api_integrations.webhooks import webhook_handler\n"
            "@webhook_handler('github', 'push', retries=1)\ndef on_push(event): ...\n"
            "@webhook_handler('stripe', 'invoice.*', webhook_name='billing', timeout=5)\n"
            "def on_invoice(event): ...\n"
        )
        return "hooks_to_list"

    def test_they_are_listed_with_their_events_and_attempts(self, cli, module):
        assert cli("list-handlers", "--handlers", module).lines == [
            "SOURCE          EVENTS     HANDLER                   ATTEMPTS",
            "github          push       hooks_to_list.on_push            2",
            "stripe/billing  invoice.*  hooks_to_list.on_invoice         4",
        ]

    def test_json_has_the_rest(self, cli, module):
        (entry,) = cli("list-handlers", "stripe", "--handlers", module, "--json").objects

        assert entry == {
            "provider": "stripe",
            "webhook_name": "billing",
            "events": "invoice.*",
            "handler": "hooks_to_list.on_invoice",
            "attempts": 4,
            "timeout_seconds": 5.0,
            "concurrency": None,
        }

    def test_the_modules_may_be_a_setting(self, cli, module, monkeypatch):
        monkeypatch.setenv("WEBHOOKS_HANDLERS", module)

        assert len(cli("list-handlers").lines) == 3

    @pytest.mark.parametrize("words", [(), ("slack",)])
    def test_none_at_all_is_told_with_the_way_out(self, cli, words):
        ended = cli("list-handlers", *words)

        assert ended.code == 3
        assert "--handlers" in ended.err

    def test_a_module_that_cannot_be_imported_is_told(self, cli):
        ended = cli("list-handlers", "--handlers", "nowhere_at_all")

        assert ended.code == 78
        assert "No module named 'nowhere_at_all'" in ended.err
