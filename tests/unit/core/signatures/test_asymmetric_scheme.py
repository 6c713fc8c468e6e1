"""Promises of the asymmetric scheme: only the private key's holder is believed."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.signatures import SecretForm
from smart_api_integrations.core.signatures.asymmetric_scheme import MOST_CHECKS
from smart_api_integrations.core.signatures.scheme_options import asymmetric_scheme
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import (
    ConfigurationError,
    InvalidInput,
    SignatureMalformed,
    SignatureMismatch,
    SignatureMissing,
    TimestampMalformed,
    TimestampMissing,
    TimestampTooOld,
    VerificationFailed,
)

NOW = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
FORM = SecretForm(names=("KEY",), encoding="hex", algorithms=("ed25519",))
KEY = FORM.decode("KEY", PRIVATE.public_key().public_bytes_raw().hex())
OTHER_KEY = FORM.decode("KEY_OLD", OTHER.public_key().public_bytes_raw().hex())
SIGNER = FORM.decode_signer("KEY", PRIVATE.private_bytes_raw().hex())
BODY = b'{"type":1}'
DISCORD = asymmetric_scheme(
    {
        "algorithm": "ed25519",
        "signature": {"from": "{header:S}"},
        "timestamp": {"from": "{header:T}"},
        "signed": "{timestamp}{body}",
    }
)


def signed(body: bytes = BODY) -> RawRequest:
    return DISCORD.sign(RawRequest(headers=Headers(), body=body), now=NOW, secrets=(SIGNER,), message_id="m")


def verify(request: RawRequest, *, now: datetime = NOW, secrets=(OTHER_KEY, KEY), scheme=DISCORD):
    return scheme.verify(RequestView(request), now=now, secrets=secrets)


def test_the_holder_of_the_private_key_is_believed():
    verified = verify(signed())

    assert verified.signed == b"1700000000" + BODY
    proof = verified.proof
    assert (proof.scheme, proof.algorithm, proof.secret_name) == ("asymmetric", "ed25519", "KEY")
    assert (proof.secret_index, proof.secrets_tried) == (1, 2)


def test_another_key_or_none_is_a_mismatch():
    for secrets in ((OTHER_KEY,), ()):
        with pytest.raises(SignatureMismatch):
            verify(signed(), secrets=secrets)


def test_the_window_holds_here_too():
    with pytest.raises(TimestampTooOld):
        verify(signed(), now=NOW + timedelta(seconds=301))


@given(body=st.binary(min_size=1, max_size=100), bit=st.integers(min_value=0))
def test_any_flipped_bit_of_the_body_is_a_mismatch(body, bit):
    request = signed(body)
    changed = bytearray(body)
    changed[bit // 8 % len(body)] ^= 1 << bit % 8

    with pytest.raises(SignatureMismatch):
        verify(RawRequest(headers=request.headers, body=bytes(changed)))


@given(name=st.sampled_from(["S", "T"]), bit=st.integers(min_value=0))
def test_any_flipped_bit_of_a_header_is_refused(name, bit):
    request = signed()
    value = bytearray(request.headers[name].encode())
    value[bit // 8 % len(value)] ^= 1 << bit % 8
    headers = Headers({**request.headers, name: value.decode("latin-1")})
    if headers[name].lower() == request.headers[name].lower():
        return  # hexadecimal in upper case is the same number

    with pytest.raises(VerificationFailed):
        verify(RawRequest(headers=headers, body=BODY))


@pytest.mark.parametrize("value", ["", "00", "zz" * 64, "0" * 127, "é" * 64, "A" * 65_536])
def test_a_signature_that_is_none_is_refused(value):
    headers = Headers({"S": value, "T": "1700000000"})

    with pytest.raises((SignatureMismatch, SignatureMissing)):
        verify(RawRequest(headers=headers, body=BODY))


def test_what_is_missing_is_told():
    request = signed()
    for name, error in (("S", SignatureMissing), ("T", TimestampMissing)):
        headers = Headers({key: value for key, value in request.headers.items() if key != name})
        with pytest.raises(error):
            verify(RawRequest(headers=headers, body=BODY))
    with pytest.raises(TimestampMalformed):
        verify(RawRequest(headers=Headers({**request.headers, "T": "1e9"}), body=BODY))


def test_no_request_makes_us_check_without_end():
    scheme = asymmetric_scheme(
        {
            "algorithm": "ed25519",
            "signature": {
                "from": "{header:S}",
                "list": {"separator": " ", "pair": ",", "key": "v"},
                "encoding": "base64",
            },
        }
    )
    good = b64encode(PRIVATE.sign(BODY)).decode()
    forged = b64encode(bytes(64)).decode()
    headers = Headers({"S": " ".join([f"v,{forged}"] * (MOST_CHECKS - 1) + [f"v,{good}"])})

    assert verify(RawRequest(headers=headers, body=BODY), scheme=scheme, secrets=(KEY,))
    with pytest.raises(SignatureMismatch):
        verify(RawRequest(headers=headers, body=BODY), scheme=scheme)


def test_a_public_key_cannot_sign():
    with pytest.raises(InvalidInput, match="private key"):
        DISCORD.sign(RawRequest(headers=Headers(), body=BODY), now=NOW, secrets=(KEY,), message_id="m")


@pytest.mark.parametrize("algorithm", [{}, {"algorithm": "sha256"}])
def test_an_algorithm_of_keys_must_be_named(algorithm):
    with pytest.raises(ConfigurationError, match="ed25519"):
        asymmetric_scheme(algorithm)


def test_a_request_chooses_among_what_is_allowed_and_nothing_else():
    scheme = asymmetric_scheme(
        {
            "algorithm": {"from": "{json:v}", "allow": {"1": "ed25519"}},
            "signature": {"from": "{header:S}"},
        }
    )
    for body, allowed in ((b'{"v":"1"}', True), (b'{"v":1}', True), (b'{"v":"2"}', False), (b"{}", False)):
        request = RawRequest(headers=Headers({"S": PRIVATE.sign(body).hex()}), body=body)
        if allowed:
            assert verify(request, scheme=scheme).proof.algorithm == "ed25519"
        else:
            with pytest.raises(SignatureMalformed):
                verify(request, scheme=scheme)
