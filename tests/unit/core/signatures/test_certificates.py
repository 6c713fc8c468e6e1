"""A certificate is believed for its name, in its time, and where somebody who is trusted vouches for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from smart_api_integrations.core.allowed_hosts import host_patterns
from smart_api_integrations.core.signatures.certificates import CertificateRefused, check_certificate

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PAYPAL = host_patterns(["*.paypal.com"])
Pair = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def issue(
    name: str, issuer: Pair | None = None, *, is_authority: bool = True, names: tuple[str, ...] = ()
) -> Pair:
    """Issue a certificate, valid from a day before to a day after ``NOON``."""
    key = ec.generate_private_key(ec.SECP256R1())
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = key if issuer is None else issuer[1]
    made = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(own if issuer is None else issuer[0].subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOON - timedelta(days=1))
        .not_valid_after(NOON + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if is_authority:
        made = made.add_extension(_CERTIFIES, critical=True)
    if names:
        made = made.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False
        )
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return made.sign(signer, hashes.SHA256()), key


_CERTIFIES = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
ROOT = issue("Root")
BETWEEN = issue("Between", ROOT)
NAME = "certs.paypal.com"
LEAF, _ = issue(NAME, BETWEEN, is_authority=False, names=(NAME,))
STRANGER = issue("Stranger")
FORGED, _ = issue(NAME, STRANGER, is_authority=False, names=(NAME,))
ELSEWHERE, _ = issue(
    "certs.paypal.com.example.com", BETWEEN, is_authority=False, names=("certs.paypal.com.example.com",)
)
NAMELESS, _ = issue(NAME, BETWEEN, is_authority=False)


def check(*chain: x509.Certificate, roots=(ROOT[0],), subjects=PAYPAL, now=NOON) -> bool:
    check_certificate(chain, subjects=subjects, roots=roots, now=now)
    return True


def test_a_whole_chain_to_a_trusted_authority_is_believed():
    assert check(LEAF, BETWEEN[0])


def test_the_authority_may_be_the_one_between():
    assert check(LEAF, roots=(BETWEEN[0],)) or pytest.fail("it vouches itself")


@pytest.mark.parametrize(
    ("chain", "roots"),
    [
        ((LEAF,), (ROOT[0],)),
        ((LEAF, BETWEEN[0]), (STRANGER[0],)),
        ((LEAF, BETWEEN[0]), ()),
        ((FORGED, STRANGER[0]), (ROOT[0],)),
        ((FORGED, BETWEEN[0]), (ROOT[0],)),
        ((FORGED,), (ROOT[0], BETWEEN[0])),
        ((ELSEWHERE, BETWEEN[0]), (ROOT[0],)),
        ((NAMELESS, BETWEEN[0]), (ROOT[0],)),
        ((BETWEEN[0],), (ROOT[0],)),
        ((STRANGER[0],), (ROOT[0],)),
    ],
    ids=["a gap", "another root", "no root", "a stranger", "forged", "forged alone", "another name", "none",
         "an authority's own", "self-signed"],
)  # fmt: skip
def test_anything_less_is_refused(chain, roots):
    with pytest.raises(CertificateRefused):
        check(*chain, roots=roots)


@pytest.mark.parametrize("days", [-2, 2])
@pytest.mark.parametrize("subjects", [PAYPAL, ()], ids=["by its chain", "by its host"])
def test_it_is_believed_in_its_time_only(days, subjects):
    with pytest.raises(CertificateRefused, match="at this time"):
        check(LEAF, BETWEEN[0], subjects=subjects, now=NOON + timedelta(days=days))


def test_one_that_its_host_vouches_for_needs_no_chain():
    assert check(LEAF, subjects=(), roots=())
