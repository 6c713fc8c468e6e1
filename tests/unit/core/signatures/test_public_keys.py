"""Promises about public keys: read however they are written, and only ever used as what they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from smart_api_integrations.core.signatures.public_keys import (
    ALGORITHMS,
    make_signature,
    matches,
    read_public_key,
)

KEYS: dict[str, Any] = {
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "ecdsa-p256-sha256": ec.generate_private_key(ec.SECP256R1()),
    "ecdsa-p384-sha384": ec.generate_private_key(ec.SECP384R1()),
    "rsa-pkcs1-sha256": rsa.generate_private_key(65537, 2048),
}
for _other in ("rsa-pkcs1-sha1", "rsa-pkcs1-sha512", "rsa-pss-sha256"):
    KEYS[_other] = KEYS["rsa-pkcs1-sha256"]
ENCODING, FORMAT = serialization.Encoding, serialization.PublicFormat
TEXT = b"what is signed"


def pem(private) -> bytes:
    no_password = serialization.NoEncryption()
    return private.private_bytes(ENCODING.PEM, serialization.PrivateFormat.PKCS8, no_password)


def public_pem(name: str) -> bytes:
    return KEYS[name].public_key().public_bytes(ENCODING.PEM, FORMAT.SubjectPublicKeyInfo)


def certificate(private) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "signer")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    draft = x509.CertificateBuilder(name, name, private.public_key(), 1, now, now + timedelta(days=1))
    return draft.sign(private, hashes.SHA256())


def test_every_algorithm_is_tested():
    assert set(KEYS) == set(ALGORITHMS)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_signature_fits_its_text_and_key_and_no_other(name):
    key = read_public_key(public_pem(name), name)
    signature = make_signature(pem(KEYS[name]), TEXT, name)

    assert matches(key, signature, TEXT, name)
    assert not matches(key, signature, TEXT + b"!", name)
    assert not matches(key, bytes(len(signature)), TEXT, name)
    assert not matches(key, b"", TEXT, name)
    assert not matches(key, signature + b"\0", TEXT, name)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_key_is_read_from_pem_der_and_a_certificate(name):
    public = KEYS[name].public_key()
    der = public.public_bytes(ENCODING.DER, FORMAT.SubjectPublicKeyInfo)
    written = [public_pem(name), der]
    if name.startswith("rsa"):
        written += [certificate(KEYS[name]).public_bytes(form) for form in (ENCODING.PEM, ENCODING.DER)]

    for each in written:
        read = read_public_key(each, name)
        assert read.public_bytes(ENCODING.DER, FORMAT.SubjectPublicKeyInfo) == der


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("ed25519", FORMAT.Raw),
        ("ecdsa-p256-sha256", FORMAT.UncompressedPoint),
        ("ecdsa-p256-sha256", FORMAT.CompressedPoint),
        ("ecdsa-p384-sha384", FORMAT.UncompressedPoint),
    ],
)
def test_a_key_is_read_from_its_bare_bytes(name, form):
    encoding = ENCODING.Raw if form is FORMAT.Raw else ENCODING.X962
    raw = KEYS[name].public_key().public_bytes(encoding, form)

    assert matches(read_public_key(raw, name), make_signature(pem(KEYS[name]), TEXT, name), TEXT, name)


def test_the_private_half_of_ed25519_may_be_its_seed():
    seed = KEYS["ed25519"].private_bytes_raw()

    assert make_signature(seed, TEXT, "ed25519") == make_signature(pem(KEYS["ed25519"]), TEXT, "ed25519")


@pytest.mark.parametrize("name", ["ecdsa-p256-sha256", "ecdsa-p384-sha384"])
def test_ecdsa_signatures_may_be_bare_numbers(name):
    r, s = decode_dss_signature(make_signature(pem(KEYS[name]), TEXT, name))
    half = KEYS[name].curve.key_size // 8
    bare = r.to_bytes(half, "big") + s.to_bytes(half, "big")

    assert matches(read_public_key(public_pem(name), name), bare, TEXT, name)
    assert not matches(read_public_key(public_pem(name), name), bare[::-1], TEXT, name)


def test_a_zero_signature_is_refused():
    """CVE-2022-21449: r = s = 0 verified for every text."""
    key = read_public_key(public_pem("ecdsa-p256-sha256"), "ecdsa-p256-sha256")

    for zero in (bytes(64), encode_dss_signature(0, 0)):
        assert not matches(key, zero, TEXT, "ecdsa-p256-sha256")


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_key_of_another_kind_is_refused(name):
    others = [
        other for other in KEYS if other.split("-")[:2] != name.split("-")[:2] and other[:3] != name[:3]
    ]

    for other in others:
        with pytest.raises(ValueError, match=name):
            read_public_key(public_pem(other), name)


def test_another_curve_and_a_short_rsa_key_are_refused():
    with pytest.raises(ValueError, match="p256"):
        read_public_key(public_pem("ecdsa-p384-sha384"), "ecdsa-p256-sha256")


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize(
    "written", [b"", b"x", b"-----BEGIN PUBLIC KEY-----\nx", b"0" * 32 + b"x", bytes(200)]
)
def test_what_is_no_key_is_refused(name, written):
    with pytest.raises(ValueError, match=name):
        read_public_key(written, name)


def test_a_private_key_is_no_public_key():
    with pytest.raises(ValueError, match="ed25519"):
        read_public_key(pem(KEYS["ed25519"]), "ed25519")


def test_a_private_key_of_another_kind_cannot_sign():
    with pytest.raises(ValueError, match="ed25519"):
        make_signature(pem(KEYS["rsa-pkcs1-sha256"]), TEXT, "ed25519")
