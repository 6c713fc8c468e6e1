"""Whether a certificate that came over the network may be believed. Floor 1.

The check is cryptography's own path validation (RFC 5280 and the rules that browsers share), given the time
and the authorities. Revocation is not looked up: a certificate is asked for anew when its cache time ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography.x509 import Certificate, DNSName, ExtensionNotFound, SubjectAlternativeName
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from smart_api_integrations.core.allowed_hosts import HostPattern


class CertificateRefused(ValueError):
    """The certificate is not to be believed."""


def check_certificate(
    chain: Sequence[Certificate],
    *,
    subjects: Sequence[HostPattern],
    roots: Sequence[Certificate],
    now: datetime,
) -> None:
    """Return if the first of *chain* is valid, for one of *subjects*, and vouched for by one of *roots*.

    The others of *chain* are what lies between. Without *subjects* only its dates are looked at: whoever
    calls must then know by other means where it is from.

    Raises:
        CertificateRefused: It is not; the message says in what.
    """
    leaf, *between = chain
    if not leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc:
        message = "the certificate is not valid at this time"
        raise CertificateRefused(message)
    if not subjects:
        return
    names = [name for name in _names(leaf) if any(each.fullmatch(name.lower()) for each in subjects)]
    if not names:
        message = "the certificate is for none of the names that are expected"
        raise CertificateRefused(message)
    if not roots:
        message = "there is no authority that is trusted"
        raise CertificateRefused(message)
    verifier = PolicyBuilder().store(Store(list(roots))).time(now).build_server_verifier(DNSName(names[0]))
    try:
        verifier.verify(leaf, list(between))
    except VerificationError as error:
        message = "no authority that is trusted vouches for the certificate"
        raise CertificateRefused(message) from error


def _names(certificate: Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(SubjectAlternativeName)
    except (ExtensionNotFound, ValueError):
        return []
    return found.value.get_values_for_type(DNSName)
