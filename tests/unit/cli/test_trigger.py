"""``trigger`` and ``test-webhook``, in both spellings of the first guides, in this process."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from smart_api_integrations.errors import VerificationFailed
from smart_api_integrations.providers.catalogue import load_catalogue, load_definitions
from smart_api_integrations.providers.samples import known_events, signed_request
from smart_api_integrations.testing.signed_webhooks import secrets_for_tests

HANDLERS = """
from smart_api_integrations import Skip
from smart_api_integrations.webhooks import webhook_handler, webhook_middleware

@webhook_handler("github", "push")
def announce(event):
    return {"ref": event.payload["ref"], "events": [{"type": "code.pushed", "data": {}}]}

@webhook_handler("github", "issues")
async def fail(event):
    raise KeyError("title")

@webhook_handler("github", "release")
def pass_over(event):
    return Skip("nothing to do")
"""


@pytest.fixture(params=["trigger", "test-webhook"])
def word(request):
    """Give both names of the command."""
    return request.param


@pytest.fixture
def handlers(tmp_path):
    (tmp_path / "hooks_of_mine.py").write_text(HANDLERS)
    return "hooks_of_mine"


class TestHere:
    def test_an_event_is_verified_and_its_handler_runs(self, cli, word, handlers):
        ended = cli(word, "github", "push", "--handlers", handlers)

        assert ended.code == 0, ended.err
        assert ended.lines[0].startswith('200 {"success": true')
        assert "completed" in ended.lines[1]
        assert "github:default:hooks_of_mine.announce" in ended.lines[1]

    def test_the_event_may_be_an_option_as_the_second_guide_has_it(self, cli, word, handlers):
        ended = cli(word, "github", "--event", "push", "--handlers", handlers, "--json")

        told = ended.json
        assert (told["status"], told["answer"]["event_type"], told["reason"]) == (200, "push", "")
        (ran,) = told["handlers"]
        assert ran["handler"] == "github:default:hooks_of_mine.announce"
        assert (ran["state"], ran["error"], ran["published"]) == ("completed", None, ["code.pushed"])

    def test_a_handler_that_fails_is_told_and_fails_the_command(self, cli, handlers):
        ended = cli("trigger", "github", "issues.opened", "--handlers", handlers)

        assert ended.code == 1
        assert "retry_scheduled" in ended.out
        assert "KeyError: 'title'" in ended.out

    def test_a_handler_that_skips_has_not_failed(self, cli, handlers):
        ended = cli("trigger", "github", "release", "--handlers", handlers, "--json")

        assert ended.code == 0
        assert [ran["state"] for ran in ended.json["handlers"]] == ["skipped"]

    def test_an_event_that_nothing_runs_on_says_so(self, cli):
        ended = cli("trigger", "stripe", "invoice.paid", "--here")

        assert ended.code == 0
        assert "no_handler" in ended.out

    def test_a_wrong_signature_is_refused_with_its_reason(self, cli, handlers):
        ended = cli("trigger", "github", "push", "--here", "--bad-signature")

        assert ended.code == 1
        assert ended.lines[0].startswith("401 ")
        assert ended.lines[1].split() == ["refused", "signature_mismatch:", *ended.lines[1].split()[2:]]

    def test_no_secret_need_be_set(self, cli, monkeypatch, handlers):
        monkeypatch.delenv("GITHUB_WEBHOOK_SECRET")

        assert cli("trigger", "github", "push", "--here").code == 0

    def test_nothing_is_left_behind(self, cli, tmp_path, handlers):
        before = {file.name for file in tmp_path.iterdir()}
        cli("trigger", "github", "push", "--handlers", handlers)

        assert {file.name for file in tmp_path.iterdir()} - before <= {"__pycache__"}


SAMPLES = [
    (source.key[0], (*known_events(source), "thing.happened")[0])
    for source in load_catalogue(providers_dir=None, environ={}).describe()
    if source.key[1] == "default"
]


class TestEveryProvider:
    @pytest.mark.parametrize(("provider", "event"), SAMPLES, ids=[" ".join(each) for each in SAMPLES])
    def test_its_sample_is_accepted(self, cli, provider, event):
        ended = cli("trigger", provider, event, "--here", "--json")

        assert ended.code == 0, ended.err + ended.out
        assert ended.json["status"] in range(200, 300)

    @pytest.mark.parametrize(
        "provider", ["github", "discord", "telnyx", "sendgrid", "google_pubsub", "paypal"]
    )
    def test_a_bad_signature_of_any_kind_is_refused(self, cli, provider):
        event = next(event for name, event in SAMPLES if name == provider)

        ended = cli("trigger", provider, event, "--here", "--json", "--bad-signature")

        assert (ended.code, ended.json["status"]) == (1, 401)


class TestPayload:
    @pytest.fixture
    def sent(self, cli, handlers):
        """Return a function that gives the payload's ref as the handler saw it."""

        def send(*options):
            ended = cli("test-webhook", "github", "push", "--handlers", handlers, "--json", *options)
            assert ended.code == 0, ended.err + ended.out
            return ended.json["handlers"][0]["result"]["ref"]

        return send

    def test_it_may_be_json(self, sent):
        assert sent("--payload", '{"ref": "typed"}') == "typed"

    def test_it_may_be_a_file(self, sent, tmp_path):
        (tmp_path / "test_push.json").write_text('{"ref": "from a file"}')

        assert sent("--payload", "test_push.json") == "from a file"
        assert sent("--payload-file", "test_push.json") == "from a file"

    def test_a_file_wins_over_json_of_the_same_spelling(self, sent, tmp_path):
        (tmp_path / '{"ref": "typed"}').write_text('{"ref": "from a file"}')

        assert sent("--payload", '{"ref": "typed"}') == "from a file"

    def test_very_long_json_is_no_file_name(self, sent):
        assert sent("--payload", json.dumps({"ref": "long", "more": "x" * 10_000})) == "long"

    @pytest.mark.parametrize(
        ("options", "told"),
        [
            (("--payload", "missing.json"), "no file of that name exists"),
            (("--payload", "{"), "cannot be read as JSON"),
            (("--payload-file", "missing.json"), "missing.json cannot be read"),
            (("--payload", "{}", "--payload-file", "x"), "leave one out"),
            (("--event", "issues"), "EVENT and --event differ"),
            (("--secret", "x", "--secret-file", "y"), "leave one out"),
            (("--to", "127.0.0.1:8000"), "is no URL"),
            (("--to", "http://"), "is no URL"),
        ],
    )
    def test_what_cannot_be_used_is_told(self, cli, options, told):
        ended = cli("trigger", "github", "push", *options)

        assert (ended.code, ended.out) == (2, "")
        assert told in ended.err

    def test_the_sample_is_printed_without_being_sent(self, cli, monkeypatch):
        monkeypatch.delenv("GITHUB_WEBHOOK_SECRET")
        ended = cli("test-webhook", "github", "push", "--sample-payload")

        assert ended.code == 0
        assert ended.json["ref"].startswith("refs/heads/")


class TestWhatWouldRun:
    def test_the_handlers_of_an_event_are_listed(self, cli, handlers):
        ended = cli("test-webhook", "github", "push", "--list-handlers", "--handlers", handlers)

        assert ended.lines == ["github:default:hooks_of_mine.announce"]

    def test_an_event_without_one_says_how_to_name_modules(self, cli):
        ended = cli("test-webhook", "github", "push", "--list-handlers")

        assert ended.code == 3
        assert "--handlers" in ended.err


class TestWhatIsMissing:
    def test_a_provider_without_an_event_shows_its_samples(self, cli):
        ended = cli("test-webhook", "stripe")

        assert ended.code == 2
        assert "invoice.paid" in ended.err

    def test_sending_needs_the_secret_and_names_its_variable(self, cli, monkeypatch):
        monkeypatch.delenv("STRIPE_WEBHOOK_SECRET")
        ended = cli("trigger", "stripe", "invoice.paid")

        assert ended.code == 78
        assert "STRIPE_WEBHOOK_SECRET is not set" in ended.err

    def test_a_server_that_is_not_there_is_told_with_the_way_to_start_one(self, cli):
        ended = cli("trigger", "github", "push", "--to", "http://127.0.0.1:9")

        assert ended.code == 7
        assert "webhooks serve" in ended.err


URL_SIGNERS = sorted(
    {
        provider
        for (provider, name), each in load_definitions(None).items()
        if name == "default" and each.reads_url
    }
)
SERVER_URL = "https://hooks.shop.test"
NOTIFICATION_URL = "https://elsewhere.shop.test/square"


@pytest.mark.parametrize("provider", URL_SIGNERS)
class TestASignedUrl:
    """What a server believes that knows its public URL is what these commands sign."""

    @pytest.fixture(autouse=True)
    def configured(self, monkeypatch):
        for name, value in secrets_for_tests(None).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("WEBHOOKS_PUBLIC_URL", f"{SERVER_URL}/")
        monkeypatch.setenv("SQUARE_NOTIFICATION_URL", NOTIFICATION_URL)

    def test_triggered_here_it_verifies(self, cli, provider):
        source = load_catalogue(providers_dir=None, environ={}).source(provider)

        ended = cli("trigger", provider, (*known_events(source), "thing.happened")[0], "--here")

        assert ended.code == 0, (ended.out, ended.err)

    def test_what_is_sent_verifies_at_the_configured_url_and_at_no_other(self, monkeypatch, provider):
        own = load_catalogue(providers_dir=None, environ=os.environ, public_url=f"{SERVER_URL}/").source(
            provider
        )
        event = (*known_events(own), "thing.happened")[0]
        request = signed_request(own, event, now=datetime.now(UTC), delivery_id="d-1")
        request = replace(request, public_url=SERVER_URL + request.path)  # as its server knows it

        assert own.webhook.judge(request, now=datetime.now(UTC)).event_type
        monkeypatch.setenv("SQUARE_NOTIFICATION_URL", "https://other.shop.test/square")
        other = load_catalogue(providers_dir=None, environ=os.environ).source(provider)
        with pytest.raises(VerificationFailed):
            other.webhook.judge(
                replace(request, public_url="https://other.shop.test/x"), now=datetime.now(UTC)
            )


def test_square_signs_its_notification_url(monkeypatch):
    monkeypatch.setenv("SQUARE_NOTIFICATION_URL", NOTIFICATION_URL)
    catalogue = load_catalogue(providers_dir=None, environ=os.environ, public_url=SERVER_URL)

    assert catalogue.source("square").called_url("/webhooks/square") == NOTIFICATION_URL
    assert catalogue.source("github").called_url("/webhooks/github") == f"{SERVER_URL}/webhooks/github"


def test_a_server_that_has_no_public_url_is_stood_in_for():
    github = load_catalogue(providers_dir=None, environ={}).source("github")

    assert github.called_url("/x") is None
    assert github.called_url("/x", server_url="http://127.0.0.1:8000") == "http://127.0.0.1:8000/x"


def test_a_webhook_that_takes_requests_from_listed_addresses_alone_is_tried_from_one_of_them(cli, tmp_path):
    own = tmp_path / "providers" / "github"
    own.mkdir(parents=True)
    (own / "webhook.yaml").write_text("webhooks: {default: {}}\nip_whitelist: [192.0.2.0/24]\n")
    (tmp_path / "hooks_listed.py").write_text(
        "from smart_api_integrations.webhooks import webhook_handler\n"
        "@webhook_handler('github', 'push')\ndef f(event):\n    return {'seen': True}\n"
    )

    ended = cli("trigger", "github", "push", "--handlers", "hooks_listed", "--json")

    assert ended.json["status"] == 200
    assert ended.json["handlers"][0]["result"] == {"seen": True}
