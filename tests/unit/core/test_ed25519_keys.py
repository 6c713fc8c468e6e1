"""Promises about key pairs, held against the cryptography library's own verifier."""

import base64

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.ed25519_keys import is_private_key, new_private_key, public_key, sign
from smart_api_integrations.errors import InvalidInput

# RFC 8032, section 7.1, test 2.
SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def marked(raw, prefix="whsk_"):
    return prefix + base64.b64encode(raw).decode()


@pytest.mark.parametrize("raw", [SEED, SEED + PUBLIC], ids=["seed", "seed and public key"])
def test_the_vector_of_the_rfc(raw):
    assert sign(marked(raw), b"\x72") == SIGNATURE
    assert public_key(marked(raw)) == marked(PUBLIC, "whpk_")


@given(seed=st.binary(min_size=32, max_size=32), content=st.binary(max_size=200))
def test_an_independent_verifier_takes_what_was_signed_and_nothing_else(seed, content):
    secret = new_private_key(lambda _: seed)
    verifier = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key(secret).removeprefix("whpk_")))

    verifier.verify(sign(secret, content), content)
    with pytest.raises(InvalidSignature):
        verifier.verify(sign(secret, content), content + b"x")


def test_a_fresh_key_is_marked_and_holds_its_public_half():
    secret = new_private_key(lambda count: SEED[:count])

    assert is_private_key(secret)
    assert secret == marked(SEED + PUBLIC)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "plain",
        "whsk_",
        "whsk_%%%",
        marked(SEED[:31]),
        marked(SEED + b"x"),
        marked(SEED + SEED),
        marked(SEED, ""),
    ],
)
def test_what_is_no_key_is_refused_without_being_repeated(secret):
    with pytest.raises(InvalidInput, match=r"^secret: ") as refused:
        sign(secret, b"")
    assert "%%%" not in str(refused.value)
