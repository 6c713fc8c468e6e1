"""The bytes and headers of a delivery, checked against an independent library; what answers mean."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from smart_api_integrations.core.ed25519_keys import new_private_key, public_key
from smart_api_integrations.core.outbound_message import message_body
from smart_api_integrations.core.outbound_request import (
    MAX_HEADERS,
    check_secret,
    checked_headers,
    judge_answer,
    new_secret,
    parse_retry_after,
    signed_headers,
    signing_key,
)
from smart_api_integrations.errors import InvalidInput

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(hours=24)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def body(data: Any = None, metadata: Any = None) -> bytes:
    return message_body(id="msg_1", event="a.b", timestamp=NOON, data=data, metadata=metadata)


def signed(content: bytes, secret: str = SECRET, **more: Any) -> dict[str, str]:
    return signed_headers(content, message_id="msg_1", secrets=(secret,), timestamp=datetime.now(UTC), **more)


@given(data=JSON)
def test_an_independent_library_verifies_the_standard_headers(data: Any) -> None:
    content = body(data)

    assert Webhook(SECRET).verify(content, signed(content)) == json.loads(content)


def test_an_independent_library_refuses_a_changed_body() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body(1), signed(body(2)))


def test_a_plain_secret_signs_with_its_utf8_bytes() -> None:
    content = body({"a": 1})
    headers = signed(content, "geheim-ü")

    assert Webhook("geheim-ü".encode()).verify(content, headers)


@given(data=JSON)
def test_a_key_pair_signs_v1a_over_id_timestamp_and_body(data: Any) -> None:
    secret = new_private_key(lambda count: bytes(range(count)))
    content = body(data)
    headers = signed(content, secret)
    version, _, signature = headers["webhook-signature"].partition(",")
    verifier = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key(secret).removeprefix("whpk_")))

    verifier.verify(base64.b64decode(signature), f"msg_1.{headers['webhook-timestamp']}.".encode() + content)
    assert version == "v1a"
    assert "X-Webhook-Signature" not in headers, "its receiver has no secret to check it with"


def both(content: bytes, *secrets: str) -> dict[str, str]:
    return signed_headers(content, message_id="msg_1", secrets=secrets, timestamp=datetime.now(UTC))


def test_during_a_rotation_old_and_new_secret_each_verify_with_an_independent_library() -> None:
    content, old = body({"a": 1}), new_secret(lambda count: bytes(range(1, count + 1)))
    headers = both(content, SECRET, old)

    assert len(headers["webhook-signature"].split(" ")) == 2
    assert Webhook(SECRET).verify(content, headers)
    assert Webhook(old).verify(content, headers)
    assert headers["X-Webhook-Signature"] == signed(content, SECRET)["X-Webhook-Signature"]
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret(bytes)).verify(content, headers)


def test_on_the_way_to_a_key_pair_receivers_of_the_shared_secret_go_on() -> None:
    content, pair = body({"a": 1}), new_secret(lambda count: bytes(range(count)), "key_pair")
    headers = both(content, pair, SECRET)

    versions = [each.partition(",")[0] for each in headers["webhook-signature"].split(" ")]
    assert versions == ["v1a", "v1"]
    assert Webhook(SECRET).verify(content, headers)
    assert headers["X-Webhook-Signature"] == signed(content, SECRET)["X-Webhook-Signature"]


def test_an_unknown_kind_of_secret_is_refused() -> None:
    with pytest.raises(InvalidInput, match="key_pair"):
        new_secret(bytes, "rsa")


def test_an_authorization_goes_before_the_endpoints_own() -> None:
    headers = signed(body(), authorization="Bearer a", extra={"authorization": "Bearer b"})

    assert [value for name, value in headers.items() if name.lower() == "authorization"] == ["Bearer a"]


@pytest.mark.parametrize("secret", ["", "whsec_", "whsk_", "whsk_YWJj"])
def test_a_secret_is_checked_before_it_is_kept(secret: str) -> None:
    with pytest.raises(InvalidInput, match=r"^secret: "):
        check_secret(secret)


@pytest.mark.parametrize("secret", [SECRET, "your-secret-key", "ü"])
def test_the_seeds_signature_is_keyed_with_the_whole_secret(secret: str) -> None:
    content = body({"a": 1})

    expected = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    assert signed(content, secret)["X-Webhook-Signature"] == f"sha256={expected}"


def test_a_made_secret_is_standard_webhooks_and_holds_24_bytes() -> None:
    secret = new_secret(lambda count: bytes(range(count)))

    assert signing_key(secret) == bytes(range(24))
    assert Webhook(secret).verify(body(), signed(body(), secret))


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_%%%", "whsec_abc"])
def test_a_secret_that_cannot_sign_is_refused_without_being_repeated(secret: str) -> None:
    with pytest.raises(InvalidInput, match=r"^secret: ") as refused:
        signing_key(secret)
    assert "%%%" not in str(refused.value)


def test_the_hop_header_counts_this_system_too() -> None:
    assert [signed(b"", hops=hops)["webhook-hops"] for hops in (0, 2)] == ["1", "3"]


def test_own_headers_join_ours_and_never_replace_a_signature() -> None:
    extra = {"X-API-Key": "key", "user-agent": "acme/1", "WEBHOOK-ID": "forged", "content-type": "text/plain"}

    headers = signed(b"", extra=extra)
    assert headers["X-API-Key"] == "key"
    assert [name for name in headers if name.lower() == "user-agent"] == ["user-agent"]
    assert headers["webhook-id"] == "msg_1"
    assert headers["Content-Type"] == "application/json"
    assert not headers.keys() & {"WEBHOOK-ID", "content-type"}


@pytest.mark.parametrize(
    "name",
    ["Host", "content-length", "Content-Type", "TE", "Transfer-Encoding", "Connection", "Cookie",
     "webhook-id", "Webhook-Anything", "X-Webhook-Signature", "Proxy-Authorization", "accept-encoding", "",
     "a b", "a:b", "é", "a\r\nb", ":authority", None],
)  # fmt: skip
def test_a_reserved_or_broken_header_name_is_refused(name: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^headers: found"):
        checked_headers({name: "value"})


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\x00", "\x7f", "\t", " a", "é", "x" * 1025, None, 5])
def test_a_broken_header_value_is_refused_and_not_repeated(value: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^headers\.X-Key: found") as refused:
        checked_headers({"X-Key": value})
    assert "Evil" not in str(refused.value)


def test_as_many_headers_as_allowed_pass_and_one_more_does_not() -> None:
    many = {f"x-{number}": "v" * 1024 for number in range(MAX_HEADERS)}

    assert checked_headers(many) == many
    with pytest.raises(InvalidInput, match="at most 50"):
        checked_headers({**many, "one-more": "v"})
    with pytest.raises(InvalidInput, match="twice"):
        checked_headers({"X-A": "1", "x-a": "2"})


@pytest.mark.parametrize(
    ("status", "delivered", "code", "gone"),
    [
        (200, True, "ok", False),
        (204, True, "ok", False),
        (299, True, "ok", False),
        (199, False, "http_status", False),
        (301, False, "redirect", False),
        (304, False, "redirect", False),
        (400, False, "http_status", False),
        (410, False, "gone", True),
        (429, False, "http_status", False),
        (500, False, "http_status", False),
    ],
)
def test_only_2xx_is_success(status: int, delivered: bool, code: str, gone: bool) -> None:
    verdict = judge_answer(status, {}, now=NOON)

    assert (verdict.delivered, verdict.code, verdict.gone) == (delivered, code, gone)
    assert str(status) in verdict.message


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("0", timedelta(0)),
        ("120", timedelta(minutes=2)),
        (" 120 ", timedelta(minutes=2)),
        ("86400", DAY),
        ("86401", DAY),
        ("99999999999999999999", DAY),
        ("Thu, 01 Jan 2026 12:00:30 GMT", timedelta(seconds=30)),
        ("Thursday, 01-Jan-26 12:00:30 GMT", timedelta(seconds=30)),
        ("Thu, 01 Jan 2026 11:00:00 GMT", timedelta(0)),
        ("Thu, 01 Jan 2099 12:00:00 GMT", DAY),
        ("-5", None),
        ("1e99", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("٣", None),
        ("9" * 5000, None),
        ("Thu, 99 Jan 2026 12:00:30 GMT", None),
        ("Thu, 01 Jan 99999999999 12:00:30 GMT", None),
        (None, None),
    ],
)
def test_retry_after_is_read_as_the_standard_says(value: str | None, wait: timedelta | None) -> None:
    assert parse_retry_after(value, now=NOON) == wait


@given(st.text())
def test_no_retry_after_leaves_its_bounds(value: str) -> None:
    wait = parse_retry_after(value, now=NOON)

    assert wait is None or timedelta(0) <= wait <= DAY


def test_a_failure_carries_retry_after_and_a_success_does_not() -> None:
    headers = {"retry-after": "7"}

    assert judge_answer(503, headers, now=NOON).retry_after == timedelta(seconds=7)
    assert judge_answer(307, headers, now=NOON).retry_after == timedelta(seconds=7)
    assert judge_answer(200, headers, now=NOON).retry_after is None
