"""Public keys: read from however a provider writes them down, and what each algorithm checks. Floor 1.

Rules:

1. The configured algorithm decides, never the key and never the request: a key of another kind is a
   configuration error, so no signature is ever checked by mathematics that it was not made for.
2. What was read once is kept: parsing a key costs as much as a verification.
3. A private key where a public one belongs is refused: whoever reads our configuration could sign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificate

PublicKey = Any
PrivateKey = Any
_PEM = b"-----BEGIN "
_SHORTEST_RSA = 1024  # bits: some providers' keys are old; below it anybody can factor them


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """How one algorithm checks and makes signatures.

    Attributes:
        kind: The class of its public keys.
        check: Raises ``InvalidSignature`` unless the signature fits.
        make: Signs, for samples and tests.
        raw_key: Reads a key that is written as its bare bytes; None where none is written so.
        fits: Whether a key of the right class fits, by its curve or size.
        size: The length of a signature in bytes, where it is always the same.
    """

    kind: type
    check: Callable[[PublicKey, bytes, bytes], None]
    make: Callable[[PrivateKey, bytes], bytes]
    raw_key: Callable[[bytes], PublicKey] | None = None
    fits: Callable[[PublicKey], bool] = lambda _key: True
    size: int | None = None


def read_public_key(written: bytes, algorithm: str) -> PublicKey:
    """Return the key in PEM, in DER, in a certificate, or in its bare bytes.

    Raises:
        ValueError: It is no public key, or none of the algorithm's.
    """
    return _read(written, algorithm)


def matches(key: PublicKey, signature: bytes, signed: bytes, algorithm: str) -> bool:
    """Tell whether *signature* is the key's holder's over *signed*."""
    try:
        ALGORITHMS[algorithm].check(key, signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def make_signature(private_key: bytes, signed: bytes, algorithm: str) -> bytes:
    """Sign with a private key in PEM or, for ed25519, its 32 bytes: the sender's side.

    Raises:
        ValueError: It is no private key of the algorithm's.
    """
    known = ALGORITHMS[algorithm]
    if known.raw_key is not None and known.kind is ed25519.Ed25519PublicKey and len(private_key) == _ED_BYTES:
        key: PrivateKey = ed25519.Ed25519PrivateKey.from_private_bytes(private_key)
    else:
        key = serialization.load_pem_private_key(private_key, password=None)
    if not isinstance(key.public_key(), known.kind):
        message = f"the private key is not one of {algorithm}"
        raise ValueError(message)  # noqa: TRY004 - the value is wrong, not the caller's type
    return known.make(key, signed)


def algorithm_of_pem(pem: bytes) -> str:
    """Return the algorithm of tokens that a public key in PEM is for, as RFC 7518 names it.

    Raises:
        ValueError: It is no public key, or of a kind or size that no token is signed with.
    """
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        message = "it is no public key in PEM"
        raise ValueError(message) from error
    for name, algorithm in TOKEN_ALGORITHMS.items():
        known = ALGORITHMS[algorithm]
        if isinstance(key, known.kind) and known.fits(key):
            return name
    message = "it is a key of a kind that no token is signed with"
    raise ValueError(message)


@lru_cache(maxsize=256)
def _read(written: bytes, algorithm: str) -> PublicKey:
    known = ALGORITHMS[algorithm]
    try:
        key = _load(written, known)
    except ValueError as error:
        message = f"it is no public key of {algorithm}"
        raise ValueError(message) from error
    if not isinstance(key, known.kind) or not known.fits(key):
        message = f"it is a key, but none of {algorithm}"
        raise ValueError(message)
    return key


def _load(written: bytes, known: Algorithm) -> PublicKey:
    if written.startswith(_PEM + b"CERTIFICATE"):
        return load_pem_x509_certificate(written).public_key()
    if written.startswith(_PEM):
        return serialization.load_pem_public_key(written)
    try:
        return serialization.load_der_public_key(written)
    except ValueError:
        if known.raw_key is not None and len(written) in _RAW_LENGTHS:
            return known.raw_key(written)
        return load_der_x509_certificate(written).public_key()


_ED_BYTES = 32
_RAW_LENGTHS = (_ED_BYTES, 33, 65, 49, 97)  # ed25519; points of P-256 and P-384, compressed or not


def _check_ed25519(key: PublicKey, signature: bytes, signed: bytes) -> None:
    key.verify(signature, signed)


def _ecdsa(curve: ec.EllipticCurve, hashed: hashes.HashAlgorithm) -> Algorithm:
    """Check DER signatures and bare ``r || s`` alike: which of them it is, its length tells."""
    half = (curve.key_size + 7) // 8
    mathematics = ec.ECDSA(hashed)

    def check(key: PublicKey, signature: bytes, signed: bytes) -> None:
        if len(signature) == 2 * half:
            r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
            signature = encode_dss_signature(r, s)
        elif encode_dss_signature(*decode_dss_signature(signature)) != signature:
            raise InvalidSignature
        key.verify(signature, signed, mathematics)

    return Algorithm(
        kind=ec.EllipticCurvePublicKey,
        check=check,
        make=lambda key, signed: bytes(key.sign(signed, mathematics)),
        raw_key=lambda written: ec.EllipticCurvePublicKey.from_encoded_point(curve, written),
        fits=lambda key: key.curve.name == curve.name,
    )


def _rsa(hashed: hashes.HashAlgorithm, padded: Callable[[], Any]) -> Algorithm:
    def check(key: PublicKey, signature: bytes, signed: bytes) -> None:
        key.verify(signature, signed, padded(), hashed)

    return Algorithm(
        kind=rsa.RSAPublicKey,
        check=check,
        make=lambda key, signed: bytes(key.sign(signed, padded(), hashed)),
        fits=lambda key: key.key_size >= _SHORTEST_RSA,
    )


def _pss() -> padding.PSS:
    return padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)


ALGORITHMS: Mapping[str, Algorithm] = {
    "ed25519": Algorithm(
        kind=ed25519.Ed25519PublicKey,
        check=_check_ed25519,
        make=lambda key, signed: bytes(key.sign(signed)),
        raw_key=ed25519.Ed25519PublicKey.from_public_bytes,
        size=64,
    ),
    "ecdsa-p256-sha256": _ecdsa(ec.SECP256R1(), hashes.SHA256()),
    "ecdsa-p384-sha384": _ecdsa(ec.SECP384R1(), hashes.SHA384()),
    # SHA-1 because AWS SNS signs so where SignatureVersion is 1:
    # https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
    "rsa-pkcs1-sha1": _rsa(hashes.SHA1(), padding.PKCS1v15),  # noqa: S303 - the provider's choice
    "rsa-pkcs1-sha256": _rsa(hashes.SHA256(), padding.PKCS1v15),
    "rsa-pkcs1-sha512": _rsa(hashes.SHA512(), padding.PKCS1v15),
    "rsa-pss-sha256": _rsa(hashes.SHA256(), _pss),
}
"""The algorithms of ``scheme: asymmetric``."""

TOKEN_ALGORITHMS: Mapping[str, str] = {
    "RS256": "rsa-pkcs1-sha256",
    "EdDSA": "ed25519",
    "ES256": "ecdsa-p256-sha256",
    "ES384": "ecdsa-p384-sha384",
}
"""What a key is for that stands alone (``algorithm_of_pem``), each with its name in ``ALGORITHMS``."""
