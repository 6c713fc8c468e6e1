"""Whatever looks like a secret does not get into a line, and what is no secret does."""

import pytest

from smart_api_integrations.core.redaction import redacted, redacted_field

SECRET = "s3cr3tV4lu3THATnobodymaysee"


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://app:{SECRET}@db.internal/webhooks is away",
        f"redis://:{SECRET}@cache:6379/0",
        f"Authorization: Bearer {SECRET}",
        f"authorization: basic {SECRET}=",
        f"the key whk_{SECRET} is not known",
        f"whsec_{SECRET}",
        "sk_" + f"live_{SECRET}",
        "gh" + f"p_{SECRET}",
        f"GITHUB_WEBHOOK_SECRET={SECRET}",
        f'{{"api_key": "{SECRET}", "n": 1}}',
        f"X-Hub-Signature-256: sha256={SECRET}",
        f"https://api.example.com/hook?access_token={SECRET}&n=1",
        f"eyJhbGciOiJIUzI1NiJ9.{SECRET}.{SECRET}",
        f"password='{SECRET} with a space'",
    ],
)
def test_a_secret_is_masked_wherever_it_stands(text):
    line = redacted(f"before {text} after")

    assert SECRET not in line
    assert line.startswith("before ")
    assert line.endswith(" after")


@pytest.mark.parametrize(
    "text",
    [
        "Leases of a dead worker ended",
        "The signature does not match: no secret makes it",
        "https://example.com/webhooks/github took 12 ms",
        "2026-01-01T12:00:00+00:00 evt_01JD8ZK3Y4E5F6G7H8J9K0M1N2",
        'File "shop/orders.py", line 41, in sync',
    ],
)
def test_what_is_no_secret_stays(text):
    assert redacted(text) == text


def test_a_field_is_masked_by_its_name():
    assert redacted_field("authorization", "anything") == "••••"
    assert redacted_field("provider", "github") == "github"
    assert redacted_field("error", f"whk_{SECRET}") == "whk_••••"


def test_a_long_text_costs_no_more_than_its_length():
    for text in ("x" * 40_000, "secret" * 6_000, "secret=" + "-" * 40_000, "://" * 12_000):
        redacted(text)
