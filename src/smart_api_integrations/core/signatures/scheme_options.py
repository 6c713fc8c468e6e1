"""From a ``verification:`` block to its scheme. Floor 1.

The blocks' shape and words are checked before (``providers.webhook_yaml``); here stand the defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from smart_api_integrations.core.signatures.hmac_scheme import HmacScheme
from smart_api_integrations.core.signatures.none_scheme import NoneScheme
from smart_api_integrations.core.signatures.signature_field import PartsList, SignatureField, TimestampField
from smart_api_integrations.core.signatures.verifier_scheme import GENERIC_SIGNATURE, VerifierScheme
from smart_api_integrations.core.templates import Template, compile_template
from smart_api_integrations.errors import ConfigurationError

DEFAULT_TOLERANCE = 300
"""Seconds; what Stripe, Slack and Standard Webhooks document."""


def hmac_scheme(options: Mapping[str, Any]) -> HmacScheme:
    """Make the HMAC scheme that *options* describe.

    Raises:
        ConfigurationError: A template in it is wrong, or the signed time is nowhere.
    """
    timestamp = options.get("timestamp") or {}
    if timestamp.get("part") and not options.get("signature", {}).get("list"):
        message = (
            "verification.timestamp.part is a part of signature.list, which is not there: describe the list."
        )
        raise ConfigurationError(message)
    return HmacScheme(
        algorithm=options.get("algorithm", "sha256"),
        signature=_signature_field(options.get("signature", {})),
        timestamp=_timestamp_field(timestamp) if timestamp else None,
        id=_template(options.get("id")),
        signed=compile_template(options.get("signed", "{body}")),
    )


def none_scheme(options: Mapping[str, Any]) -> NoneScheme:  # noqa: ARG001 - every entry of SCHEMES is called alike
    """Make the scheme that believes everything."""
    return NoneScheme()


def verifier_scheme(options: Mapping[str, Any]) -> VerifierScheme:
    """Make the scheme that waits for a verifier.

    Raises:
        ConfigurationError: A template in it is wrong.
    """
    return VerifierScheme(signature=signature_sources(options.get("signature", {}))[0])


def signature_sources(options: Mapping[str, Any]) -> tuple[Template, ...]:
    """Return where the ``signature:`` block says that signatures are; the generic headers by default.

    Raises:
        ConfigurationError: A template in it is wrong.
    """
    named = options.get("from") or [GENERIC_SIGNATURE.source]
    return tuple(compile_template(text) for text in ([named] if isinstance(named, str) else named))


def _signature_field(options: Mapping[str, Any]) -> SignatureField:
    parts = options.get("list")
    return SignatureField(
        sources=signature_sources(options),
        parts=None if parts is None else PartsList(**parts),
        prefix=options.get("prefix", ""),
        prefix_optional=options.get("prefix_optional", False),
        encoding=options.get("encoding", "hex"),
    )


def _timestamp_field(options: Mapping[str, Any]) -> TimestampField:
    tolerance = options.get("tolerance", DEFAULT_TOLERANCE)
    if not options.get("from") and not options.get("part"):
        message = "verification.timestamp says neither 'from' nor 'part': name the header of the signed time."
        raise ConfigurationError(message)
    return TimestampField(
        source=_template(options.get("from")),
        part=options.get("part"),
        unit=options.get("unit", "s"),
        tolerance=timedelta(seconds=tolerance),
        future=timedelta(seconds=options.get("future", min(tolerance, DEFAULT_TOLERANCE))),
    )


def _template(source: str | None) -> Template | None:
    return None if source is None else compile_template(source)
