"""What is fetched is decided by configuration, and what came is a key of the algorithm or none."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.signatures import Secret, compile_verification, verification_needs
from smart_api_integrations.core.signatures.fetched_keys import FetchedKeyScheme
from smart_api_integrations.core.signatures.key_options import key_address
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import (
    ConfigurationError,
    SignatureMalformed,
    SignatureMismatch,
    SignatureMissing,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
RSA = rsa.generate_private_key(65537, 2048)
PRIVATE = RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
PUBLIC = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
JWK = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(RSA.public_key()))
PRIVATE_JWK = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(RSA))
EC_JWK = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key()))
JWKS = {"jwks_url": "https://keys.example.com/jwks"}
TOKEN = {"scheme": "jwt", "algorithms": ["RS256"], "key": JWKS}
SIGNED = {
    "scheme": "asymmetric",
    "algorithm": "rsa-pkcs1-sha256",
    "key": {
        "cert_url": "{header:X-Cert}",
        "allow_hosts": ["keys.example.com"],
        "subject_cn": "*.example.com",
    },
    "signature": {"from": "{header:X-Sig}", "encoding": "base64"},
    "timestamp": {"from": "{header:X-Time}"},
}


def view(**headers: str) -> RequestView:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return RequestView(RawRequest(headers=Headers(named), body=b"{}"))


def fetching(block) -> FetchedKeyScheme:
    scheme = compile_verification(block)
    assert isinstance(scheme, FetchedKeyScheme)
    return scheme


def address(**options):
    found = key_address({**JWKS, **options})
    assert found is not None
    return replace(found, algorithms=("rsa-pkcs1-sha256",))


def read(answer, **options):
    return address(**options).read(json.dumps(answer).encode(), now=NOON, roots=())


def test_a_key_that_is_fetched_needs_no_variable():
    assert isinstance(compile_verification(TOKEN), FetchedKeyScheme)
    assert verification_needs(TOKEN).missing({}) is None


def test_what_is_posted_for_a_key_is_needed():
    key = {"jwk_url": "https://keys.example.com/key", "post": {"secret": {"env": "KEY_SECRET"}}}

    assert verification_needs({**TOKEN, "key": key}).missing({}) == "KEY_SECRET"


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"any_of": [TOKEN, {"scheme": "token", "secret": {"env": "A"}}]}, "stands alone"),
        ({"scheme": "jwt", "key": JWKS}, "algorithms"),
    ],
)
def test_a_block_that_cannot_work_is_refused(block, message):
    with pytest.raises(ConfigurationError, match=message):
        compile_verification(block)


def test_a_request_names_its_certificate_where_it_may_be():
    scheme = fetching(SIGNED)

    wanted = scheme.wanted(view(X_Sig="AAAA", X_Time="1767268800", X_Cert="https://keys.example.com/1"))

    assert (wanted.url, wanted.key_id, wanted.body) == ("https://keys.example.com/1", None, None)


@pytest.mark.parametrize(
    "url",
    [
        "http://keys.example.com/1",
        "https://keys.example.com.evil.example/1",
        "https://keys.example.com@evil.example/1",
        "https://keys.example.com:8443/1",
        "https://KEYS.example.com./1",
        "https://evil.example/#keys.example.com",
        "https://evil.example\\@keys.example.com/1",
        "file:///etc/passwd",
        "//keys.example.com/1",
        "https://169.254.169.254/1",
        "",
    ],
)
def test_nothing_is_fetched_from_anywhere_else(url):
    with pytest.raises(SignatureMalformed):
        fetching(SIGNED).wanted(view(X_Sig="AAAA", X_Time="1767268800", X_Cert=url))


@given(st.text(max_size=60))
def test_whatever_a_request_names_is_of_a_listed_host_or_refused(url):
    request = view(X_Sig="AAAA", X_Time="1767268800", X_Cert=url.encode().decode("latin-1"))

    try:
        wanted = fetching(SIGNED).wanted(request)
    except SignatureMalformed:
        return
    assert wanted.url.lower().startswith("https://keys.example.com")


def test_nothing_is_fetched_for_a_request_without_a_signature():
    with pytest.raises(SignatureMissing):
        fetching(SIGNED).wanted(view(X_Cert="https://keys.example.com/1"))
    with pytest.raises(SignatureMissing):
        fetching(TOKEN).wanted(view())
    with pytest.raises(SignatureMalformed):
        fetching(TOKEN).wanted(view(Authorization="Bearer a.b.c"))


def test_a_token_names_its_key():
    token = jwt.encode({"exp": 2_000_000_000}, PRIVATE, algorithm="RS256", headers={"kid": "k1"})

    wanted = fetching(TOKEN).wanted(view(Authorization=f"Bearer {token}"))

    assert wanted.key_id == "k1"


def test_without_its_key_nothing_verifies_and_with_it_only_what_it_signed():
    scheme = compile_verification(TOKEN)
    token = jwt.encode({"exp": 2_000_000_000}, PRIVATE, algorithm="RS256")
    request = view(Authorization=f"Bearer {token}")
    key = Secret(name="k1", text="", key=PUBLIC, public=True)

    with pytest.raises(SignatureMismatch):
        scheme.verify(request, now=NOON, secrets=())
    assert scheme.verify(request, now=NOON, secrets=(key,)).proof.secret_name == "k1"


def test_keys_of_other_kinds_and_uses_are_passed_over():
    listed = [
        {**EC_JWK, "kid": "ec"},
        {**PRIVATE_JWK, "kid": "private"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"},
        {**JWK, "use": "enc", "kid": "for encryption"},
        {"kty": "?"},
        "no key",
        None,
        {**JWK, "kid": "good"},
    ]

    found = read({"keys": listed})

    assert list(found.by_id) == ["good"]
    assert found.named("ec") == ()
    assert len(found.named(None)) == 1


@pytest.mark.parametrize("answer", [{}, [], 7, {"keys": []}, {"keys": "x"}, {"keys": [EC_JWK]}])
def test_an_answer_without_a_key_is_told(answer):
    with pytest.raises(ValueError, match="no key of the algorithm"):
        read(answer)


@given(st.binary(max_size=200))
def test_whatever_an_address_answers_is_a_key_or_a_value_error(answer):
    for form in ("jwks_url", "jwk_url", "cert_url"):
        options = {"jwks_url": None, form: "https://keys.example.com/1", "subject_cn": "*.example.com"}
        with pytest.raises(ValueError, match=r"."):
            address(**options).read(answer, now=NOON, roots=())


def test_a_retired_key_is_none():
    options = {"jwks_url": None, "jwk_url": "https://keys.example.com/key", "post": {"a": "b"}, "at": "key"}
    now = int(NOON.timestamp())

    good = read({"key": {**JWK, "kid": "1", "expired_at": None}}, **options)
    ending = read({"key": {**JWK, "kid": "1", "expired_at": now + 60}}, **options)

    assert good.named("1")
    assert ending.until.timestamp() == now + 60
    with pytest.raises(ValueError, match="retired"):
        read({"key": {**JWK, "kid": "1", "expired_at": now}}, **options)
