"""``sign`` writes what ``verify`` believes; ``verify`` says what went wrong with the rest."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.cli.conftest import GITHUB_SECRET, STRIPE_SECRET

BODY = b'{"id": "evt_1", "type": "invoice.paid", "name": "Zo\xc3\xab"}\n'
COMPACT = '{"id":"evt_1","type":"invoice.paid","name":"Zoë"}'.encode()
NOON = "2026-01-31T12:00:00Z"


@pytest.fixture
def signed(cli, tmp_path):
    """Return a function that signs a body for a sender and leaves it in two files."""

    def sign(provider, body=BODY, **options):
        (tmp_path / "body").write_bytes(body)
        words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
        ended = cli("sign", provider, "--body", "body", *words)
        assert ended.code == 0, ended.err
        (tmp_path / "headers").write_text(ended.out)
        return ended.out

    return sign


@pytest.fixture
def verified(cli, tmp_path):
    """Return a function that judges what the files hold, or another body."""

    def verify(provider, body=None, **options):
        if body is not None:
            (tmp_path / "body").write_bytes(body)
        words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
        ended = cli("verify", provider, "--body", "body", "--headers", "headers", "--json", *words)
        assert ended.code == (0 if ended.json["verified"] else 6)
        assert STRIPE_SECRET not in ended.out
        assert GITHUB_SECRET not in ended.out
        return ended.json

    return verify


class TestSign:
    def test_the_signature_is_the_senders(self, signed):
        digest = hmac.new(GITHUB_SECRET.encode(), BODY, hashlib.sha256).hexdigest()

        headers = signed("github", event="push").splitlines()

        assert "X-GitHub-Event: push" in headers
        assert f"X-Hub-Signature-256: sha256={digest}" in headers

    def test_a_moment_may_be_given(self, signed):
        assert "Stripe-Signature: t=1769860800,v1=" in signed("stripe", at=NOON)

    def test_a_provider_that_signs_the_url_signs_the_configured_one(self, signed, monkeypatch):
        monkeypatch.setenv("SQUARE_WEBHOOK_SECRET", "a square secret, long enough")
        monkeypatch.setenv("WEBHOOKS_PUBLIC_URL", "https://hooks.shop.test")
        url = b"https://hooks.shop.test/webhooks/square"
        digest = hmac.digest(b"a square secret, long enough", url + BODY, "sha256")

        assert b64encode(digest).decode() in signed("square")
        own = b"https://elsewhere.shop.test/square"
        monkeypatch.setenv("SQUARE_NOTIFICATION_URL", own.decode())
        digest = hmac.digest(b"a square secret, long enough", own + BODY, "sha256")
        assert b64encode(digest).decode() in signed("square")

    def test_a_secret_may_come_from_a_file(self, signed, tmp_path):
        (tmp_path / "secret").write_text("another secret, long enough\n")
        digest = hmac.new(b"another secret, long enough", BODY, hashlib.sha256).hexdigest()

        assert digest in signed("github", secret_file="secret")

    def test_a_curl_command_carries_the_same_bytes(self, cli, tmp_path):
        (tmp_path / "body").write_bytes(BODY)
        ended = cli("sign", "github", "--body", "body", "--curl", "http://127.0.0.1:8000")

        assert ended.out.startswith("curl -X POST -H ")
        assert BODY.decode() in ended.out
        assert ended.out.rstrip().endswith(" http://127.0.0.1:8000/webhooks/github")

    def test_headers_come_as_json_too(self, cli, tmp_path):
        (tmp_path / "body").write_bytes(BODY)

        assert set(cli("sign", "github", "--body", "body", "--json").json) >= {"X-Hub-Signature-256"}

    @pytest.mark.parametrize(
        ("options", "told"),
        [
            (("--body", "missing"), "missing cannot be read"),
            (("--body", "body", "--at", "yesterday"), "'yesterday' is no time"),
            (("--body", "body", "-H", "no header"), "is no header"),
        ],
    )
    def test_what_cannot_be_used_is_told(self, cli, tmp_path, options, told):
        (tmp_path / "body").write_bytes(BODY)
        ended = cli("sign", "stripe", *options)

        assert ended.code == 2
        assert told in ended.err


class TestVerify:
    @pytest.mark.parametrize("provider", ["github", "stripe", "shopify", "slack", "standard_webhooks"])
    def test_it_believes_what_sign_wrote(self, signed, verified, monkeypatch, provider):
        for name in ("SHOPIFY_WEBHOOK_SECRET", "SLACK_SIGNING_SECRET", "STANDARD_WEBHOOKS_SECRET"):
            monkeypatch.setenv(name, STRIPE_SECRET)
        signed(provider)

        assert verified(provider)["verified"] is True

    @pytest.mark.parametrize(
        ("body", "told"),
        [
            (BODY.rstrip(b"\n"), "with a final line break"),
            (BODY.replace(b"\n", b"\r\n"), "with LF line ends"),
            (b"\xef\xbb\xbf" + BODY, "without its byte-order mark"),
        ],
    )
    def test_bytes_that_were_changed_on_the_way_are_recognised(self, signed, verified, body, told):
        signed("github")

        found = verified("github", body=body)

        assert found["reason"] == "signature_mismatch"
        assert told in found["likely"][0]

    def test_json_that_was_written_anew_is_recognised(self, signed, verified):
        signed("github", body=COMPACT)

        found = verified("github", body=json.dumps(json.loads(COMPACT), indent=2).encode())

        assert "its JSON written without spaces" in found["likely"][0]

    def test_a_late_request_is_told_from_a_forged_one(self, signed, verified):
        signed("stripe", at=NOON)

        late = verified("stripe", at="2026-01-31T12:30:00Z")
        forged = verified("stripe", body=b"{}", at="2026-01-31T12:30:00Z")

        assert late["reason"] == "timestamp_too_old"
        assert "1,800 s ago" in late["likely"][0]
        assert late["clock"] == "signed 1,800 s ago"
        assert forged["reason"] == "signature_mismatch"
        assert not any("The signature is right" in sentence for sentence in forged["likely"])

    def test_a_body_that_was_changed_and_late_is_recognised(self, signed, verified):
        signed("stripe", at=NOON)

        found = verified("stripe", body=BODY.rstrip(), at="2026-01-31T12:30:00Z")

        assert "with a final line break" in found["likely"][0]

    def test_another_webhooks_secret_is_recognised_by_name(self, signed, verified, tmp_path, monkeypatch):
        folder = tmp_path / "providers" / "github"
        folder.mkdir(parents=True)
        (folder / "webhook.yaml").write_text(
            "webhooks:\n  default: {}\n  deploys: {signing_secret_env: DEPLOY_SECRET}\n"
        )
        monkeypatch.setenv("DEPLOY_SECRET", "the secret of the deployments")
        signed("github", webhook="deploys")

        found = verified("github")

        assert found["likely"] == [
            "It is signed with the secret of github/deploys: DEPLOY_SECRET …ents (29 characters)."
        ]

    def test_a_secret_that_is_read_in_the_wrong_encoding_is_recognised(self, signed, verified, monkeypatch):
        monkeypatch.setenv("STANDARD_WEBHOOKS_SECRET", "whsec_" + "A" * 32)
        signed("stripe", secret="A" * 32)
        monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", '"' + "A" * 32 + '"')

        found = verified("stripe")

        assert "The secret is the right one, but is read wrongly" in found["likely"][0]

    def test_a_request_for_another_sender_is_recognised(self, signed, verified):
        signed("github")

        found = verified("stripe")

        assert found["reason"] == "signature_missing"
        assert "It verifies as github/default: send it there." in found["likely"]

    def test_headers_that_look_like_a_signature_are_named(self, cli, tmp_path):
        (tmp_path / "body").write_bytes(BODY)
        ended = cli("verify", "github", "--body", "body", "-H", "X-My-Signature: abc", "--json")

        assert ended.json["likely"] == ["Headers that look like one: X-My-Signature."]

    def test_people_get_key_bytes_and_clock_in_lines(self, cli, signed):
        signed("stripe")
        ended = cli("verify", "stripe", "--body", "body", "--headers", "headers")

        assert [line.split()[0] for line in ended.lines] == ["verified.", "key", "bytes", "clock"]
        assert "STRIPE_WEBHOOK_SECRET whsec_…LaSw (38 characters)" in ended.lines[1]
        assert ended.lines[2].split()[1] == str(len(BODY))

    def test_a_request_may_be_the_json_that_a_server_shows(self, cli, tmp_path, signed):
        headers = signed("github", event="push")
        pairs = [line.split(": ", 1) for line in headers.splitlines()]
        (tmp_path / "request.json").write_text(json.dumps({"headers": pairs, "body": BODY.decode()}))

        assert cli("verify", "github", "--request", "request.json").code == 0

    @pytest.mark.parametrize(
        ("request_text", "told"),
        [
            ("[]", "expected an object"),
            ("{", "cannot be read as JSON"),
            ('{"body": "x", "headers": 7}', "`headers` must be"),
            ('{"body": "?", "body_encoding": "base64"}', "is not the base64"),
        ],
    )
    def test_a_request_that_is_none_is_told(self, cli, tmp_path, request_text, told):
        (tmp_path / "request.json").write_text(request_text)
        ended = cli("verify", "github", "--request", "request.json")

        assert ended.code == 2
        assert told in ended.err

    def test_a_request_has_to_be_given(self, cli):
        assert cli("verify", "github").code == 2

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(body=st.binary(max_size=300))
    def test_whatever_the_body_holds_it_gets_a_verdict(self, signed, verified, body):
        signed("github", body=BODY)

        found = verified("github", body=body)

        assert found["verified"] == (body == BODY)


def test_verify_knows_the_url_that_was_called_from_the_settings(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("SQUARE_WEBHOOK_SECRET", "a square secret, long enough")
    monkeypatch.setenv("WEBHOOKS_PUBLIC_URL", "https://hooks.shop.test")
    (tmp_path / "body").write_bytes(BODY)
    (tmp_path / "headers").write_text(cli("sign", "square", "--body", "body").out)
    asked = ("verify", "square", "--body", "body", "--headers", "headers")

    configured = cli(*asked)
    given = cli(*asked, "--public-url", "https://elsewhere.shop.test/webhooks/square")

    assert (configured.code, given.code) == (0, 6)
