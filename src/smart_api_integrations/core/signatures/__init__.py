"""Signature schemes: one file per family, signing and verifying. Floor 1.

``SCHEMES`` is the whole list: a scheme that is added there can be named in every ``webhook.yaml``. An
entry makes a scheme of a checked ``verification:`` block; what a block may hold is declared in
``providers.webhook_yaml``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from smart_api_integrations.core.signatures import scheme_options
from smart_api_integrations.core.signatures.scheme import Scheme, Verified
from smart_api_integrations.core.signatures.secrets import Secret, SecretForm

SCHEMES: Mapping[str, Callable[[Mapping[str, Any]], Scheme]] = {
    "hmac": scheme_options.hmac_scheme,
    "none": scheme_options.none_scheme,
    "custom": scheme_options.verifier_scheme,
}

__all__ = ["SCHEMES", "Scheme", "Secret", "SecretForm", "Verified"]
