"""Signature schemes: one file per family, signing and verifying. Floor 1.

``SCHEMES`` is the whole list: a scheme that is added there can be named in every ``webhook.yaml``. An
entry makes a scheme of a checked ``verification:`` block; what a block may hold is declared in
``providers.verification_yaml``.
"""

from __future__ import annotations

from smart_api_integrations.core.signatures.scheme import Scheme, Verified
from smart_api_integrations.core.signatures.scheme_options import (
    SCHEMES,
    compile_verification,
    verification_needs,
)
from smart_api_integrations.core.signatures.secrets import Secret, SecretForm

__all__ = [
    "SCHEMES",
    "Scheme",
    "Secret",
    "SecretForm",
    "Verified",
    "compile_verification",
    "verification_needs",
]
