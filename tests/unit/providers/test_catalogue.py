"""Promises about the user's own providers: the guides' files, what they inherit, and what is refused."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from smart_api_integrations.core.signatures.carried_secrets import secret_parameters
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import (
    ConfigurationError,
    SecretMissing,
    SignatureMalformed,
    SignatureMismatch,
    SignatureMissing,
    TimestampMissing,
    TimestampTooOld,
    VerificationFailed,
)
from smart_api_integrations.providers.catalogue import load_catalogue

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
TIME = str(int(NOW.timestamp()))
SECRET = "sample-secret-0123456789"
BODY = b'{"type":"resource.created","id":"evt_1","data":{}}'


class Providers:
    """A folder of providers that is being written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, provider: str, text: str) -> None:
        (self.folder / provider).mkdir()
        (self.folder / provider / "webhook.yaml").write_text(text)

    def load(self, **environ: str):
        return load_catalogue(providers_dir=self.folder, environ=environ)

    def webhook(self, provider: str, name: str = "default", **environ: str):
        return self.load(**environ).webhooks[provider, name]


@pytest.fixture
def providers(tmp_path):
    return Providers(tmp_path)


def mac(text: bytes = BODY, *, algorithm: str = "sha256", secret: str = SECRET) -> str:
    return hmac.digest(secret.encode(), text, algorithm).hex()


def judge(webhook, headers, *, body: bytes = BODY, now: datetime = NOW, address: str | None = None):
    return webhook.judge(RawRequest(headers=Headers(headers), body=body, remote_address=address), now=now)


QUICK_START = """
webhooks:
  default:
    path: "/api/webhooks/myapi/"
    verify_signature: true
    signing_secret_env: "MYAPI_WEBHOOK_SECRET"
    events:
      - "resource.created"
      - "resource.updated"
"""
ADVANCED = """
webhooks:
  default:
    path: "/api/webhooks/myapi/"
    verify_signature: true
    signing_secret_env: "MYAPI_WEBHOOK_SECRET"
    verification_type: "hmac_sha256"  # or hmac_sha1, rsa, custom
    signature_header: "X-MyAPI-Signature"
    timestamp_header: "X-MyAPI-Timestamp"
    replay_tolerance: 300
    events: ["user.created"]
    rate_limit:
      requests_per_minute: 100
      burst_limit: 20
  billing:
    path: "/api/webhooks/myapi/billing/"
    verify_signature: true
    signing_secret_env: "MYAPI_BILLING_SECRET"
    events: ["invoice.paid"]
default_verification_type: "hmac_sha256"
default_signature_header: "X-MyAPI-Signature"
default_timestamp_header: "X-MyAPI-Timestamp"
ip_whitelist:
  - "192.168.1.100"
  - "10.0.0.0/24"
"""
GITHUB_OF_THE_GUIDE = """
webhooks:
  default:
    path: /webhooks/github
    verify_signature: true
    signing_secret_env: GITHUB_WEBHOOK_SECRET
    verification_type: hmac_sha256
    signature_header: X-Hub-Signature-256
    event_header: X-GitHub-Event
    events: [push, pull_request, issues]
  releases:
    path: /webhooks/github/releases
    events: [release]
"""


@pytest.mark.parametrize("header", ["X-Webhook-Signature", "X-Signature"])
@pytest.mark.parametrize(
    "written", [mac(), "sha256=" + mac(), base64.b64encode(bytes.fromhex(mac())).decode()]
)
def test_the_quick_starts_file_reads_either_usual_header_in_any_usual_form(providers, header, written):
    providers.write("myapi", QUICK_START)
    webhook = providers.webhook("myapi", MYAPI_WEBHOOK_SECRET=SECRET)

    judged = judge(webhook, {header: written})

    assert (judged.event_type, judged.event_id) == ("resource.created", "evt_1")
    assert webhook.expects("resource.updated")
    assert not webhook.expects("resource.deleted")


def test_the_quick_starts_file_verifies(providers):
    providers.write("myapi", QUICK_START)
    webhook = providers.webhook("myapi", MYAPI_WEBHOOK_SECRET=SECRET)

    for headers, error in [({}, SignatureMissing), ({"X-Signature": "x"}, SignatureMismatch)]:
        with pytest.raises(error):
            judge(webhook, headers)


def test_the_advanced_file_of_the_guide(providers):
    providers.write("myapi", ADVANCED)
    catalogue = providers.load(MYAPI_WEBHOOK_SECRET=SECRET, MYAPI_BILLING_SECRET="b" * 20)
    webhook = catalogue.webhooks["myapi", "default"]
    headers = {"X-MyAPI-Signature": mac(), "X-MyAPI-Timestamp": TIME}

    assert judge(webhook, headers, address="10.0.0.9").proof.tolerance == timedelta(seconds=300)
    with pytest.raises(TimestampMissing):
        judge(webhook, {"X-MyAPI-Signature": mac()}, address="10.0.0.9")
    with pytest.raises(TimestampTooOld):
        judge(webhook, headers, address="10.0.0.9", now=NOW + timedelta(seconds=301))
    with pytest.raises(VerificationFailed, match="ip_whitelist"):
        judge(webhook, headers, address="10.0.1.9")
    assert (webhook.rate_limit.requests_per_minute, webhook.rate_limit.burst_limit) == (100, 20)
    assert any("checked but not signed" in warning for warning in catalogue.warnings)


def test_a_named_webhook_has_its_own_secret_path_and_events_and_inherits_the_rest(providers):
    providers.write("myapi", ADVANCED)
    catalogue = providers.load(MYAPI_WEBHOOK_SECRET=SECRET, MYAPI_BILLING_SECRET="b" * 20)
    billing = catalogue.webhooks["myapi", "billing"]
    headers = {"X-MyAPI-Signature": mac(secret="b" * 20), "X-MyAPI-Timestamp": TIME}

    assert judge(billing, headers, address="192.168.1.100").proof.secret_name == "MYAPI_BILLING_SECRET"
    assert billing.events == ("invoice.paid",)
    assert billing.rate_limit is not None
    assert catalogue.paths["/api/webhooks/myapi/billing"] == ("myapi", "billing")
    assert catalogue.paths["/api/webhooks/myapi"] == ("myapi", "default")


def test_neither_path_nor_events_are_inherited(providers):
    providers.write("myapi", QUICK_START + "  other: {}\n")
    other = providers.webhook("myapi", "other", MYAPI_WEBHOOK_SECRET=SECRET)

    assert other.path is None
    assert other.events == ()
    assert other.secrets[0].name == "MYAPI_WEBHOOK_SECRET"


def test_the_guides_github_file_means_the_real_github(providers):
    providers.write("github", GITHUB_OF_THE_GUIDE)
    catalogue = providers.load(GITHUB_WEBHOOK_SECRET=SECRET)
    body = b'{"action":"opened"}'
    headers = {
        "X-Hub-Signature-256": "sha256=" + mac(body),
        "X-GitHub-Event": "issues",
        "X-GitHub-Delivery": "d-1",
    }

    judged = judge(catalogue.webhooks["github", "default"], headers, body=body)

    assert (judged.event_type, judged.action, judged.event_id) == ("issues", "opened", "d-1")
    with pytest.raises(SignatureMalformed):  # not loosened: GitHub always writes the prefix
        judge(
            catalogue.webhooks["github", "default"], {**headers, "X-Hub-Signature-256": mac(body)}, body=body
        )
    assert judge(catalogue.webhooks["github", "releases"], headers, body=body).event_type == "issues"
    assert catalogue.paths == {
        "/webhooks/github": ("github", "default"),
        "/webhooks/github/releases": ("github", "releases"),
    }
    assert catalogue.warnings == ()


@pytest.mark.parametrize(
    "extra", ["", "    signature_header: Stripe-Signature\n", "    verification_type: hmac_sha256\n"]
)
def test_the_guides_stripe_file_means_the_real_stripe(providers, extra):
    providers.write(
        "stripe",
        "webhooks:\n  default:\n    path: /webhooks/stripe/\n    verify_signature: true\n"
        "    signing_secret_env: STRIPE_WEBHOOK_SECRET\n    events: [payment.succeeded]\n" + extra,
    )
    webhook = providers.webhook("stripe", STRIPE_WEBHOOK_SECRET=SECRET)

    assert judge(webhook, {"Stripe-Signature": f"t={TIME},v1={mac(TIME.encode() + b'.' + BODY)}"})
    with pytest.raises(SignatureMissing):
        judge(webhook, {"X-Signature": mac()})


def test_a_longer_tolerance_keeps_the_presets_place_of_the_time(providers):
    providers.write("stripe", "webhooks: {default: {replay_tolerance: 600}}")
    webhook = providers.webhook("stripe", STRIPE_WEBHOOK_SECRET=SECRET)

    headers = {"Stripe-Signature": f"t={TIME},v1={mac(TIME.encode() + b'.' + BODY)}"}

    assert judge(webhook, headers, now=NOW + timedelta(seconds=599))


def test_an_unknown_provider_with_a_known_ones_header_is_verified_as_that_one(providers):
    providers.write(
        "billing", "webhooks: {default: {signing_secret_env: BILLING, signature_header: stripe-signature}}"
    )
    catalogue = providers.load(BILLING=SECRET)

    assert judge(
        catalogue.webhooks["billing", "default"],
        {"Stripe-Signature": f"t={TIME},v1={mac(TIME.encode() + b'.' + BODY)}"},
    )
    assert any("as stripe's are" in warning for warning in catalogue.warnings)


def test_sha1_of_the_flat_keys(providers):
    providers.write(
        "old",
        "webhooks: {default: {signing_secret_env: OLD, verification_type: hmac_sha1,"
        " signature_header: X-Hub-Signature}}",
    )
    webhook = providers.webhook("old", OLD=SECRET)

    assert judge(webhook, {"X-Hub-Signature": "sha1=" + mac(algorithm="sha1")}).proof.algorithm == "sha1"
    with pytest.raises(SignatureMismatch):
        judge(webhook, {"X-Hub-Signature": "sha256=" + mac()})


def test_a_header_that_unlike_providers_share_is_no_preset(providers):
    """Intercom signs in X-Hub-Signature by SHA-1, and so do others by SHA-256."""
    providers.write(
        "shared", "webhooks: {default: {signing_secret_env: S, signature_header: X-Hub-Signature}}"
    )
    webhook = providers.webhook("shared", S=SECRET)

    assert judge(webhook, {"X-Hub-Signature": "sha256=" + mac()}).proof.algorithm == "sha256"
    with pytest.raises(SignatureMismatch):
        judge(webhook, {"X-Hub-Signature": mac(algorithm="sha1")})


def test_the_block_is_taken_as_it_is_written(providers):
    providers.write(
        "mine",
        """
webhooks:
  default:
    signing_secret_env: MINE
    event_header: X-Event
    mode: inline
    body: {max_bytes: 1000}
    verification:
      scheme: hmac
      signature: {from: "{header:X-Mine}", prefix: "v0=", encoding: hex}
      timestamp: {from: "{header:X-Time}"}
      signed: "{timestamp}:{body}"
    extract: {event_id: "{header:X-Id}"}
""",
    )
    webhook = providers.webhook("mine", MINE=SECRET)
    headers = {
        "X-Mine": "v0=" + mac(TIME.encode() + b":" + BODY),
        "X-Time": TIME,
        "X-Event": "e",
        "X-Id": "7",
    }

    judged = judge(webhook, headers)

    assert (judged.event_type, judged.event_id) == ("e", "7")
    assert (webhook.mode, webhook.body.max_bytes) == ("inline", 1000)
    with pytest.raises(SignatureMalformed):
        judge(webhook, {**headers, "X-Mine": headers["X-Mine"].removeprefix("v0=")})


def test_a_time_that_moves_to_another_place_leaves_the_old_one(providers):
    providers.write("stripe", 'webhooks: {default: {verification: {timestamp: {from: "{header:X-Time}"}}}}')
    webhook = providers.webhook("stripe", STRIPE_WEBHOOK_SECRET=SECRET)

    headers = {"Stripe-Signature": f"v1={mac(TIME.encode() + b'.' + BODY)}", "X-Time": TIME}

    assert judge(webhook, headers)


def test_a_webhook_that_is_not_verified_is_allowed_and_warned_of(providers):
    providers.write("open", "webhooks: {default: {verify_signature: false}}")
    catalogue = providers.load()

    assert judge(catalogue.webhooks["open", "default"], {}).proof.scheme == "none"
    assert any("NOT verified" in warning for warning in catalogue.warnings)


def test_a_custom_webhook_waits_for_its_verifier(providers):
    providers.write("mine", "webhooks: {default: {verification_type: custom, signing_secret_env: MINE}}")
    webhook = providers.webhook("mine", MINE=SECRET)

    with pytest.raises(VerificationFailed, match="verifier"):
        judge(webhook, {})


def test_the_users_own_webhook_without_its_secret_is_an_error_that_names_the_variable(providers):
    providers.write("myapi", QUICK_START)
    providers.write("other", "webhooks: {default: {signing_secret_env: OTHER_SECRET}}")

    with pytest.raises(SecretMissing) as caught:
        providers.load()

    assert "MYAPI_WEBHOOK_SECRET" in str(caught.value)
    assert "OTHER_SECRET" in str(caught.value)


@pytest.mark.parametrize("value", ["", "  ", "${SECRET}"])
def test_an_empty_secret_is_an_error_also_for_a_packaged_provider(providers, value):
    with pytest.raises(SecretMissing, match="GITHUB_WEBHOOK_SECRET"):
        providers.load(GITHUB_WEBHOOK_SECRET=value)


def test_a_short_secret_is_warned_of_without_showing_it(providers):
    warnings = providers.load(GITHUB_WEBHOOK_SECRET="tooshort").warnings

    assert any("GITHUB_WEBHOOK_SECRET is shorter than 16 bytes" in warning for warning in warnings)
    assert not any("tooshort" in warning for warning in warnings)


def test_a_packaged_default_stays_beside_a_named_webhook_of_the_users_own(providers):
    providers.write("github", "webhooks: {deployments: {path: /in/deployments, signing_secret_env: DEPLOY}}")
    catalogue = providers.load(DEPLOY=SECRET)

    assert list(catalogue.webhooks) == [("github", "deployments")]
    assert catalogue.unmounted["github", "default"] == "GITHUB_WEBHOOK_SECRET"


def test_a_file_that_only_refines_the_packaged_provider(providers):
    providers.write("github", "ip_whitelist: [192.30.252.0/22]")

    assert providers.webhook("github", GITHUB_WEBHOOK_SECRET=SECRET).allowed_networks


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("webhooks: {default: {}}", "names no secret"),
        ("webhooks: {default: {signing_secret_env: A, verification_type: dsa}}", "did you mean .rsa"),
        ("documentation: x", "no webhook in it"),
        (
            "webhooks: {default: {signing_secret_env: A, verification: {timestamp: {tolerance: 1}}}}",
            "neither",
        ),
    ],
)
def test_a_file_that_cannot_be_meant_is_named(providers, text, word):
    providers.write("mine", text)

    with pytest.raises(ConfigurationError, match=word) as caught:
        providers.load(A=SECRET)

    assert "mine" in str(caught.value)
    assert "webhook.yaml" in str(caught.value)


def test_two_webhooks_on_one_path_are_refused(providers):
    providers.write(
        "mine", "webhooks: {a: {path: /in/, signing_secret_env: A}, b: {path: /in, signing_secret_env: A}}"
    )

    with pytest.raises(ConfigurationError, match="same path"):
        providers.load(A=SECRET)


@pytest.mark.parametrize("name", ["My API", "..x", "UPPER", "x" * 64])
def test_a_folder_that_cannot_stand_in_a_url_is_refused(providers, name):
    providers.write(name, QUICK_START)

    with pytest.raises(ConfigurationError, match="folder"):
        providers.load(MYAPI_WEBHOOK_SECRET=SECRET)


def test_a_folder_that_is_not_there_holds_no_providers(tmp_path):
    assert load_catalogue(providers_dir=tmp_path / "absent", environ={}).webhooks == {}


def test_an_algorithm_of_ones_own_over_a_preset(providers):
    providers.write(
        "github",
        "webhooks: {default: {verification_type: hmac_sha1, signature_header: X-Hub-Signature}}",
    )
    webhook = providers.webhook("github", GITHUB_WEBHOOK_SECRET=SECRET)

    assert judge(webhook, {"X-Hub-Signature": "sha1=" + mac(algorithm="sha1"), "X-GitHub-Event": "push"})


def test_both_secrets_verify_during_a_rotation(providers):
    catalogue = providers.load(GITHUB_WEBHOOK_SECRET="n" * 20, GITHUB_WEBHOOK_SECRET_OLD=SECRET)
    headers = {"X-Hub-Signature-256": "sha256=" + mac(), "X-GitHub-Event": "push"}

    assert (
        judge(catalogue.webhooks["github", "default"], headers).proof.secret_name
        == "GITHUB_WEBHOOK_SECRET_OLD"
    )


TWO_WAYS = """
webhooks:
  default:
    verification:
      any_of:
        - {scheme: token, from: "{header:X-Token}", secret: {env: MINE_TOKEN}}
        - {scheme: hmac, signature: {from: "{header:X-Sign}"}, secret: {env: MINE_SECRET}}
"""
SIGNED_URL = """
webhooks:
  default:
    public_url: {env: MINE_URL}
    verification:
      scheme: hmac
      secret: {env: MINE_SECRET}
      signature: {from: "{header:X-Sign}"}
      signed: "{env:MINE_ID}{url}{body}"
"""


def test_one_of_two_ways_is_enough_to_be_mounted(providers):
    providers.write("mine", TWO_WAYS)

    assert judge(providers.webhook("mine", MINE_SECRET=SECRET), {"X-Sign": mac()})
    with pytest.raises(SignatureMissing):
        judge(providers.webhook("mine", MINE_SECRET=SECRET), {"X-Token": SECRET})
    with pytest.raises(SecretMissing, match="MINE_TOKEN is not set"):
        providers.load()
    with pytest.raises(SecretMissing, match="MINE_TOKEN is empty"):
        providers.load(MINE_TOKEN="", MINE_SECRET=SECRET)


def test_a_flat_key_over_two_ways_is_meant_for_the_one_whose_header_it_names(providers):
    providers.write(
        "mine",
        TWO_WAYS + "  other: {signature_header: X-Sign, signing_secret_env: OTHER_SECRET}\n",
    )

    webhook = providers.webhook("mine", "other", MINE_TOKEN=SECRET, OTHER_SECRET=SECRET + "2")

    assert judge(webhook, {"X-Token": SECRET}).proof.secret_name == "MINE_TOKEN"
    assert judge(webhook, {"X-Sign": mac(secret=SECRET + "2")}).proof.secret_name == "OTHER_SECRET"


def test_another_scheme_takes_nothing_from_the_one_below(providers):
    providers.write(
        "stripe",
        "webhooks: {default: {verification: {scheme: token, from: '{header:X-T}', secret: {env: T}}}}",
    )

    assert judge(providers.webhook("stripe", T=SECRET), {"X-T": SECRET}).proof.scheme == "token"


def test_a_signed_url_comes_from_the_file_a_variable_or_the_platform_and_never_from_the_request(providers):
    providers.write("mine", SIGNED_URL)
    environ = {"MINE_SECRET": SECRET, "MINE_ID": "7"}
    headers = {"X-Sign": mac(b"7https://a.example/x" + BODY)}

    webhook = providers.webhook("mine", **environ, MINE_URL="https://a.example/x")
    catalogue = load_catalogue(
        providers_dir=providers.folder, environ=environ, public_url="https://a.example"
    )

    assert judge(webhook, {**headers, "Host": "b.example"})
    assert catalogue.webhooks["mine", "default"].public_url is None
    with pytest.raises(SecretMissing, match="MINE_URL"):
        providers.load(**environ)


@pytest.mark.parametrize(
    ("environ", "word"),
    [
        ({"MINE_SECRET": SECRET}, "MINE_ID is not set"),
        ({"MINE_SECRET": SECRET, "MINE_ID": " "}, "MINE_ID is empty"),
        ({"MINE_ID": "7"}, "MINE_SECRET is not set"),
    ],
)
def test_what_a_signature_reads_of_the_environment_must_be_there(providers, environ, word):
    providers.write("mine", SIGNED_URL)

    with pytest.raises(SecretMissing, match=word):
        providers.load(MINE_URL="https://a.example/x", **environ)


def test_a_public_key_is_no_secret(providers):
    providers.write("standard_webhooks", "webhooks: {default: {}}")

    with pytest.raises(ConfigurationError, match="public key"):
        providers.load(STANDARD_WEBHOOKS_SECRET="whpk_" + "A" * 44)


def test_the_bearer_token_of_the_flat_keys(providers):
    providers.write(
        "mine", "webhooks: {default: {verification_type: token, signing_secret_env: MINE_SECRET}}"
    )
    webhook = providers.webhook("mine", MINE_SECRET=SECRET)

    for value in (SECRET, "Bearer " + SECRET):
        assert judge(webhook, {"Authorization": value}).proof.scheme == "token"
    with pytest.raises(SignatureMismatch):
        judge(webhook, {"Authorization": "Bearer x"})


def test_the_tolerance_of_the_flat_keys_is_the_age_of_a_token(providers):
    text = (
        "webhooks: {default: {verification_type: jwt, signing_secret_env: MINE_SECRET, replay_tolerance: 60}}"
    )
    providers.write("mine", text)

    scheme = providers.webhook("mine", MINE_SECRET=SECRET).scheme

    assert (scheme.name, scheme.max_age) == ("jwt", timedelta(seconds=60))


def test_where_notifications_are_alike_the_signed_bytes_are_no_key(providers):
    providers.write("files", "webhooks: {default: {signing_secret_env: F, dedupe: {fallback: none}}}")
    webhook = providers.webhook("files", F=SECRET)

    judged = judge(webhook, {"X-Signature": mac(b"{}")}, body=b"{}")

    assert judged.dedupe_keys == ()


def test_a_time_inside_a_signed_body_is_signed(providers):
    providers.write(
        "timed",
        """
webhooks:
  default:
    verification:
      scheme: hmac
      secret: {env: TIMED}
      signature: {from: "{header:X-Signature}"}
      timestamp: {from: "{json:time}", unit: ms}
""",
    )

    assert providers.load(TIMED=SECRET).warnings == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "webhooks:\n  default: {signing_secret_env: MINE_SECRET}\n  other:\n    verification_type: hmc\n",
            4,
        ),
        ("webhooks:\n  default: {signing_secret_env: MINE_SECRET}\n  other:\n    batch:\n      max: 5\n", 4),
        ("webhooks:\n  default:\n    path: /a\n    verification:\n      scheme: asymmetric\n", 4),
    ],
)
def test_a_fault_that_shows_only_when_the_layers_are_laid_has_its_line_too(providers, text, line):
    providers.write("mine", text)

    with pytest.raises(ConfigurationError, match=rf"webhook\.yaml, line {line}, webhook"):
        providers.webhook("mine", MINE_SECRET=SECRET)


def test_the_faults_of_all_files_are_told_at_once(providers):
    providers.write("one", "webhoks: {}")
    providers.write("two", "webhooks: {default: {mode: later}}")
    providers.write("three", "webhooks: [")

    with pytest.raises(ConfigurationError) as caught:
        providers.load()

    for words in ("one/webhook.yaml", "line 1, webhoks", "two/webhook.yaml", "default.mode", "three/webhook"):
        assert words in str(caught.value)


def test_a_secret_is_known_by_where_the_webhook_reads_it(providers):
    place = "{ scheme: token, from: ['{header:X-Key}', '{query:%s}'], secret: { env: %s } }"
    providers.write(
        "mine",
        "webhooks:\n"
        f"  default: {{ verification: {place % ('k', 'MINE_A')} }}\n"
        f"  both: {{ verification: {{ any_of: [{place % ('k', 'MINE_A')}, {place % ('l', 'MINE_B')}] }} }}\n",
    )
    webhooks = providers.load(MINE_A=SECRET, MINE_B=SECRET).webhooks

    assert secret_parameters(webhooks["mine", "default"].scheme) == {"k"}
    assert secret_parameters(webhooks["mine", "both"].scheme) == {"k", "l"}
    assert "code" in secret_parameters(
        providers.load(MINE_A=SECRET, MINE_B=SECRET).source("azure_event_grid").webhook.scheme
    )
