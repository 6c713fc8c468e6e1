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

from collections.abc import Callable, Mapping
from difflib import get_close_matches
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
    "hmac_sha384": {"scheme": "hmac", "algorithm": "sha384"},
    "hmac_sha512": {"scheme": "hmac", "algorithm": "sha512"},
    "rsa": {"scheme": "asymmetric", "algorithm": "rsa-pkcs1-sha256"},
    "ed25519": {"scheme": "asymmetric", "algorithm": "ed25519"},
    "token": {"scheme": "token"},
    "jwt": {"scheme": "jwt"},
    "custom": {"scheme": "custom"},
    "none": {"scheme": "none"},
}
_WAYS = ("any_of", "all_of")
_CARRIED = {"token", "jwt"}
"""The schemes whose requests carry the secret itself: they name its place ``from``, without a signature."""
_KEPT_FOR_A_VERIFIER = ("secret", "signature")


def lay_over(below: Block, layer: Block) -> Block:
    """Return *below* with *layer* over it, its flat keys compiled; neither is changed.

    Raises:
        ConfigurationError: ``verification_type`` is unknown.
    """
    flat = {key: layer[key] for key in FLAT_KEYS if layer.get(key) is not None}
    rest = {key: value for key, value in layer.items() if key not in FLAT_KEYS}
    verification = _lay_flat(below.get("verification", {}), flat)
    extract = (
        {"extract": {"event_type": f"{{header:{flat['event_header']}}}"}} if "event_header" in flat else {}
    )
    laid = merge(below, extract)
    if verification:
        laid["verification"] = verification
    if rest.get("verification"):
        laid["verification"] = _lay_verification(verification, rest.pop("verification"))
    return merge(laid, rest)


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


def _lay_verification(below: Block, above: Block) -> Block:
    """Return *above* over *below*; another scheme keeps nothing but what a verifier reads."""
    if any(above.get(word) for word in _WAYS):
        return dict(above)
    scheme = above.get("scheme")
    if scheme is None or scheme == below.get("scheme"):
        return merge(below, above)
    kept = _KEPT_FOR_A_VERIFIER if scheme == "custom" else ()
    return merge({key: below[key] for key in kept if key in below}, above)


def _lay_flat(below: Block, flat: Block) -> Block:
    """Return *below* with flat keys over it; where it has several ways, over the one that they mean."""
    word = next((word for word in _WAYS if below.get(word)), None)
    if word is None or "verification_type" in flat or flat.get("verify_signature") is False:
        return _lay_verification(below, _compile(flat, below))
    ways = list(below[word])
    header = flat.get("signature_header")
    place = next((n for n, way in enumerate(ways) if header and _reads(_sources(way), header)), 0)
    ways[place] = _lay_verification(ways[place], _compile(flat, ways[place]))
    return {**below, word: ways}


def _compile(flat: Block, below: Block) -> Block:
    """Return the flat keys as the block that they mean over *below*."""
    if flat.get("verify_signature") is False:
        return {"scheme": "none"}
    verification = _algorithm(flat["verification_type"], below) if "verification_type" in flat else {}
    scheme = verification.get("scheme", below.get("scheme"))
    if "signature_header" in flat and not _reads(_sources(below), flat["signature_header"]):
        where = verification if scheme in _CARRIED else verification.setdefault("signature", {})
        where["from"] = f"{{header:{flat['signature_header']}}}"
    if "signing_secret_env" in flat:
        verification["key" if scheme == "asymmetric" else "secret"] = {"env": flat["signing_secret_env"]}
    if scheme == "jwt":  # a token says itself when it was made
        if "replay_tolerance" in flat:
            verification["max_age"] = flat["replay_tolerance"]
        return verification
    timestamp = _timestamp(flat, below)
    if timestamp:
        verification["timestamp"] = timestamp
    return verification


def _algorithm(word: str, below: Block) -> Block:
    known = _VERIFICATION_TYPES.get(word)
    if known is None:
        near = get_close_matches(word, _VERIFICATION_TYPES, n=1)
        hint = f", did you mean {near[0]!r}?" if near else ""
        message = f"verification_type: {word!r} is none of {', '.join(_VERIFICATION_TYPES)}{hint}"
        raise ConfigurationError(message)
    if all(below.get(key) == value for key, value in known.items()):
        return {}
    return {**known, **_USUALLY.get(known["scheme"], _nothing)(known.get("algorithm", ""))}


def generic_signature(algorithm: str) -> Block:
    """Return how a signature is written where nothing says how: hex or base64, perhaps ``sha256=`` before."""
    return {"signature": {"prefix": f"{algorithm}=", "prefix_optional": True, "encoding": "auto"}}


def _nothing(_algorithm: str) -> Block:
    return {}


_USUALLY: Mapping[str, Callable[[str], Block]] = {
    "hmac": generic_signature,
    "asymmetric": lambda _algorithm: {"signature": {"encoding": "auto"}},
    "token": lambda _algorithm: {"prefix": "Bearer ", "prefix_optional": True},
    "jwt": lambda _algorithm: {"prefix": "Bearer ", "prefix_optional": True},
}


def _timestamp(flat: Block, below: Block) -> Block:
    timestamp: Block = {}
    header = flat.get("timestamp_header")
    if header is not None and not _reads(below.get("timestamp", {}).get("from"), header):
        timestamp = {"from": f"{{header:{header}}}", "unit": "auto"}
    if "replay_tolerance" in flat and (timestamp or below.get("timestamp")):
        timestamp["tolerance"] = flat["replay_tolerance"]
    return timestamp


def _sources(verification: Block) -> Any:
    """Return what a block's ``from`` is, of a signature or of what a request carries."""
    return verification.get("signature", {}).get("from") or verification.get("from")


def _reads(sources: Any, header: str) -> bool:
    """Tell whether *sources*, one template or several, read *header*."""
    references = (
        reference
        for source in ([sources] if isinstance(sources, str) else sources or [])
        for reference in compile_template(source).references
    )
    return any(ref.kind == "header" and ref.argument.lower() == header.lower() for ref in references)
