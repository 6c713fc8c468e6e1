"""Promises of the jwt scheme: the configured issuer's token, for us, now, and for this body."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.signatures import Secret, compile_verification, verification_needs
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import (
    ConfigurationError,
    InvalidInput,
    SignatureMalformed,
    SignatureMismatch,
    SignatureMissing,
    TimestampInFuture,
    TimestampMalformed,
    TimestampMissing,
    TimestampTooOld,
    VerificationFailed,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
SECRET = "sample-secret-of-thirty-two-bytes-and-more-so-that-it-fits-every-hash-of-sixty-four"
BODY = b'{"id":1}'
BLOCK = {
    "scheme": "jwt",
    "algorithms": ["HS256"],
    "secret": {"env": "JWT"},
    "issuer": "sender",
    "audience": {"env": "AUD"},
    "claims": {"payload_hash": "{body_sha256}", "verified": True},
}
CLAIMS = {
    "iss": "sender",
    "aud": "us",
    "iat": SECONDS,
    "exp": SECONDS + 300,
    "payload_hash": hashlib.sha256(BODY).hexdigest(),
    "verified": True,
}
KEYS: dict[str, Any] = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def public_pem(name: str) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return KEYS[name].public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def token(key: Any = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ...}
    return jwt.PyJWS().encode(json.dumps(claims).encode(), key, algorithm)


def verify(value: str | None, *, block=None, body: bytes = BODY, now: datetime = NOW, **environ: str):
    options = BLOCK if block is None else block
    environ = environ or {"JWT": SECRET}
    headers = Headers({} if value is None else {"Authorization": value})
    view = RequestView(RawRequest(headers=headers, body=body), variables={"AUD": "us"})
    secrets = verification_needs(options).read({"AUD": "us", **environ})
    return compile_verification(options).verify(view, now=now, secrets=secrets)


def test_a_good_token_is_believed_and_says_by_what():
    verified = verify("Bearer " + token())

    proof = verified.proof
    assert (proof.scheme, proof.algorithm, proof.secret_name) == ("jwt", "HS256", "JWT")
    assert proof.timestamp == NOW
    assert verified.signed is not None


def test_a_token_that_does_not_bind_the_body_is_no_proof_of_a_repeat():
    block = {**BLOCK, "claims": {}}

    assert verify("Bearer " + token(), block=block).signed is None
    assert verify("Bearer " + token(), block=block, body=b"another").signed is None


@pytest.mark.parametrize("name", KEYS)
def test_every_kind_of_key_by_its_algorithm_and_by_itself(name):
    by_name = {**BLOCK, "secret": None, "algorithms": [name], "key": {"env": "KEY"}}
    by_kind = {key: value for key, value in BLOCK.items() if key != "algorithms"} | {"secret": {"env": "KEY"}}
    value = "Bearer " + token(KEYS[name], name)

    for block in (by_name, by_kind):
        assert verify(value, block=block, KEY=public_pem(name)).proof.algorithm == name


def test_a_public_key_is_never_taken_for_a_secret():
    """The oldest attack: HS256 keyed with the public key's text."""
    pem = public_pem("RS256")
    header, body = ({"alg": "HS256", "typ": "JWT"}, CLAIMS)
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, body)]
    mac = hmac.digest(pem.encode(), b".".join(parts), "sha256")
    forged = b".".join([*parts, base64.urlsafe_b64encode(mac).rstrip(b"=")]).decode()
    by_kind = {key: value for key, value in BLOCK.items() if key != "algorithms"}

    for block in (by_kind, {**BLOCK, "secret": None, "algorithms": ["RS256"], "key": {"env": "JWT"}}):
        with pytest.raises(SignatureMismatch):
            verify("Bearer " + forged, block=block, JWT=pem)


def test_a_token_that_nobody_signed_is_refused():
    with pytest.raises(VerificationFailed):
        verify("Bearer " + jwt.encode(CLAIMS, "", algorithm="none"))


def test_another_algorithm_than_is_configured_is_refused():
    with pytest.raises(SignatureMismatch):
        verify("Bearer " + token(algorithm="HS512"))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "another"},
        {"iss": ...},
        {"iss": ["sender"]},
        {"aud": "them"},
        {"aud": ["them"]},
        {"aud": ...},
        {"payload_hash": "00"},
        {"payload_hash": ...},
        {"verified": "true"},
        {"verified": 1},
        {"verified": False},
    ],
)
def test_a_claim_that_is_another_is_a_mismatch(changes):
    with pytest.raises(SignatureMismatch):
        verify("Bearer " + token(**changes))


def test_an_audience_among_several_is_enough():
    assert verify("Bearer " + token(aud=["them", "us"]))


def test_another_body_is_a_mismatch():
    with pytest.raises(SignatureMismatch):
        verify("Bearer " + token(), body=BODY + b" ")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"exp": SECONDS - 60}, TimestampTooOld),
        ({"exp": ...}, TimestampMissing),
        ({"exp": "soon"}, TimestampMalformed),
        ({"exp": True}, TimestampMalformed),
        ({"exp": 1e300}, TimestampMalformed),
        ({"nbf": SECONDS + 61}, TimestampInFuture),
        ({"iat": SECONDS + 61}, TimestampInFuture),
    ],
)
def test_a_token_that_is_not_for_now_is_told_so(changes, error):
    with pytest.raises(error):
        verify("Bearer " + token(**changes))


def test_clocks_may_differ_by_the_leeway():
    assert verify("Bearer " + token(exp=SECONDS - 59, nbf=SECONDS + 60, iat=SECONDS + 60))


def test_a_token_without_an_end_needs_an_age():
    block = {**BLOCK, "max_age": 300, "leeway": 0}
    endless = "Bearer " + token(exp=...)

    assert verify(endless, block=block, now=NOW + timedelta(seconds=300))
    with pytest.raises(TimestampTooOld):
        verify(endless, block=block, now=NOW + timedelta(seconds=301))
    with pytest.raises(TimestampMissing):
        verify("Bearer " + token(exp=..., iat=...), block=block)
    with pytest.raises(TimestampMissing):
        verify("Bearer " + token(iat=...), block=block)


@pytest.mark.parametrize("value", [None, "", "  ", "Bearer ", "bearer"])
def test_no_token_is_missing_or_malformed(value):
    with pytest.raises((SignatureMissing, SignatureMalformed)):
        verify(value)


@pytest.mark.parametrize(
    "value",
    [
        "Basic x",
        *("Bearer " + text for text in ("x", "a.b", "a.b.c", "..", "é.é.é", "%%.%%.%%", "a" * 20_000)),
        *("Bearer " + text for text in ("e30.e30.", "W10.e30.AAAA", "e30.e30.AAAA")),
    ],
)
def test_what_is_no_token_is_malformed(value):
    with pytest.raises((SignatureMalformed, SignatureMismatch)):
        verify(value)


def test_claims_that_are_none_are_malformed():
    for payload in (b"[]", b"7", b"{", b"\xff", b"[" * 5000):
        made = jwt.PyJWS().encode(payload, SECRET, "HS256")
        with pytest.raises(SignatureMalformed):
            verify("Bearer " + made)


@given(bit=st.integers(min_value=0))
def test_any_flipped_bit_is_refused(bit):
    good = token().encode()
    changed = bytearray(good)
    changed[bit // 8 % len(good)] ^= 1 << bit % 8

    with pytest.raises(VerificationFailed):
        verify("Bearer " + changed.decode("latin-1"))


def test_a_signature_has_one_way_of_being_written():
    """The last letter of 32 bytes in base64 has two bits that mean nothing."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    good = token()
    place = alphabet.index(good[-1])

    for bit in (1, 2):
        with pytest.raises(SignatureMalformed):
            verify("Bearer " + good[:-1] + alphabet[place ^ bit])


def test_a_rotation_tells_which_secret_matched():
    old = SECRET[::-1]
    proof = verify("Bearer " + token(old), JWT=SECRET, JWT_OLD=old).proof

    assert (proof.secret_name, proof.secret_index) == ("JWT_OLD", 1)


def test_what_it_signs_it_believes():
    scheme = compile_verification(BLOCK)
    secrets = verification_needs(BLOCK).read({"JWT": SECRET, "AUD": "us"})
    bare = {**BLOCK, "audience": "us"}

    made = compile_verification(bare).sign(
        RawRequest(headers=Headers(), body=BODY), now=NOW, secrets=secrets, message_id="1"
    )

    verified = scheme.verify(RequestView(made, variables={"AUD": "us"}), now=NOW, secrets=secrets)

    assert verified.proof.secret_name == "JWT"


def test_a_public_key_cannot_sign():
    scheme = compile_verification(BLOCK)
    public = Secret(name="K", text="k", key=b"k", public=True)

    with pytest.raises(InvalidInput):
        scheme.sign(RawRequest(headers=Headers(), body=b""), now=NOW, secrets=(public,), message_id="1")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"algorithms": ["HS256", "RS256"]}, "not both"),
        ({"algorithms": ["RS256"]}, "key"),
        ({"algorithms": ["HS265"]}, "HS256"),
    ],
)
def test_a_block_that_cannot_be_meant_is_refused(changes, word):
    block = {**BLOCK, **changes}

    with pytest.raises(ConfigurationError, match=word):
        compile_verification(block)


def _unusable_pems() -> dict[str, str]:
    private = KEYS["EdDSA"].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    agreeing = x25519.X25519PrivateKey.generate().public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    bitcoin = ec.generate_private_key(ec.SECP256K1()).public_key()
    return {
        "truncated": public_pem("RS256")[:200],
        "a heading alone": "-----BEGIN PUBLIC KEY-----",
        "private": private.decode(),
        "a kind that signs nothing": agreeing.public_bytes(serialization.Encoding.PEM, form).decode(),
        "a curve of no token": bitcoin.public_bytes(serialization.Encoding.PEM, form).decode(),
    }


@pytest.mark.parametrize("pem", _unusable_pems().values(), ids=_unusable_pems())
def test_a_key_that_no_token_can_be_verified_with_is_told_at_start(pem):
    block = {name: value for name, value in BLOCK.items() if name != "algorithms"}

    with pytest.raises(ConfigurationError, match="JWT cannot be used") as caught:
        verification_needs(block).read({"JWT": pem})
    assert pem[-20:] not in str(caught.value)


def test_a_token_that_ends_with_time_itself_is_believed():
    assert verify("Bearer " + token(exp=253402300799)).proof.timestamp == NOW
