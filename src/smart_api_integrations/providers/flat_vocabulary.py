"""From the flat keys of the first guides to the one vocabulary of the block. Floor 3.

Rules:

1. A layer is one place that says something: the packaged file, the user's ``default``, the ``default_*``
   keys, the webhook itself. Flat keys are compiled layer by layer, then the layers are laid over each
   other key by key; within one layer ``verification:`` wins over the flat keys.
2. Flat keys refine what lies below them. Naming the header or the algorithm that a preset has anyway
   changes nothing, so the guides' files for Stripe or GitHub mean those providers' real schemes; where
   there is no preset, or another algorithm is named, they mean an HMAC of the body in hex or base64.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smart_api_integrations.core.templates import compile_template
from smart_api_integrations.errors import ConfigurationError

Block = dict[str, Any]

FLAT_KEYS = (
    "verify_signature",
    "signing_secret_env",
    "verification_type",
    "signature_header",
    "timestamp_header",
    "replay_tolerance",
    "event_header",
)
_VERIFICATION_TYPES: Mapping[str, Mapping[str, str]] = {
    "hmac_sha256": {"scheme": "hmac", "algorithm": "sha256"},
    "hmac_sha1": {"scheme": "hmac", "algorithm": "sha1"},
    "hmac_sha512": {"scheme": "hmac", "algorithm": "sha512"},
    "custom": {"scheme": "custom"},
}


def lay_over(below: Block, layer: Block) -> Block:
    """Return *below* with *layer* over it, its flat keys compiled; neither is changed.

    Raises:
        ConfigurationError: ``verification_type`` is unknown.
    """
    flat = {key: layer[key] for key in FLAT_KEYS if layer.get(key) is not None}
    rest = {key: value for key, value in layer.items() if key not in FLAT_KEYS}
    compiled = _compile(flat, below.get("verification", {}))
    return merge(merge(below, compiled), rest)


def merge(below: Block, above: Block) -> Block:
    """Return both, key by key; a time that is named anew is no longer where it was before."""
    merged = dict(below)
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        elif value is not None:
            merged[key] = value
    if above.get("from") is not None and above.get("part") is None:
        merged.pop("part", None)
    if above.get("part") is not None and above.get("from") is None:
        merged.pop("from", None)
    return merged


def _compile(flat: Block, below: Block) -> Block:
    verification: Block = {}
    if "verification_type" in flat:
        verification = _algorithm(flat["verification_type"], below)
    if "signature_header" in flat and not _reads(below, "signature", flat["signature_header"]):
        verification.setdefault("signature", {})["from"] = f"{{header:{flat['signature_header']}}}"
    if "signing_secret_env" in flat:
        verification["secret"] = {"env": flat["signing_secret_env"]}
    timestamp = _timestamp(flat, below)
    if timestamp:
        verification["timestamp"] = timestamp
    if flat.get("verify_signature") is False:
        verification = {"scheme": "none"}
    compiled: Block = {"verification": verification} if verification else {}
    if "event_header" in flat:
        compiled["extract"] = {"event_type": f"{{header:{flat['event_header']}}}"}
    return compiled


def _algorithm(word: str, below: Block) -> Block:
    known = _VERIFICATION_TYPES.get(word)
    if known is None:
        message = f"verification_type: {word!r} is none of {', '.join(_VERIFICATION_TYPES)}"
        raise ConfigurationError(message)
    if all(below.get(key) == value for key, value in known.items()):
        return {}
    return {**known, **generic_signature(known["algorithm"])} if "algorithm" in known else dict(known)


def generic_signature(algorithm: str) -> Block:
    """Return how a signature is written where nothing says how: hex or base64, perhaps ``sha256=`` before."""
    return {"signature": {"prefix": f"{algorithm}=", "prefix_optional": True, "encoding": "auto"}}


def _timestamp(flat: Block, below: Block) -> Block:
    timestamp: Block = {}
    header = flat.get("timestamp_header")
    if header is not None and not _reads(below, "timestamp", header):
        timestamp = {"from": f"{{header:{header}}}", "unit": "auto"}
    if "replay_tolerance" in flat and (timestamp or below.get("timestamp")):
        timestamp["tolerance"] = flat["replay_tolerance"]
    return timestamp


def _reads(below: Block, field: str, header: str) -> bool:
    """Tell whether *field* of the layers below reads *header* already."""
    sources = below.get(field, {}).get("from") or []
    references = (
        reference
        for source in ([sources] if isinstance(sources, str) else sources)
        for reference in compile_template(source).references
    )
    return any(ref.kind == "header" and ref.argument.lower() == header.lower() for ref in references)
