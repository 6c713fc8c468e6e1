"""Why a received event was believed, in words. Floor 8."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from smart_api_integrations.core.edited_copy import original_of
from smart_api_integrations.core.journal import Proof, ReceivedEvent
from smart_api_integrations.core.masking import masked_header
from smart_api_integrations.dashboard.views.measures import plural, span
from smart_api_integrations.dashboard.views.visible import shortened, visible
from smart_api_integrations.dashboard.views.words import source

LONGEST_SIGNATURE = 48

_ALGORITHMS: Mapping[str, str] = {"sha1": "SHA1", "sha256": "SHA256", "sha512": "SHA512"}
_SCHEMES: Mapping[str, str] = {"hmac": "HMAC", "ed25519": "Ed25519", "jwt": "JWT"}
_ORDINALS = ("current", "the one before")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofLine:
    """One thing that was checked: what, the finding, and what it rests on."""

    icon: str
    tone: str
    name: str
    found: str
    rests_on: str
    is_code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The verdict as a sentence, its reason, and the proofs."""

    tone: str
    icon: str
    title: str
    text: str
    proofs: tuple[ProofLine, ...]


def verification(event: ReceivedEvent) -> Verification:
    """Return the verdict on an event that was accepted."""
    who = source(event.provider).title
    original = original_of(event)
    if original is not None:
        return Verification(
            tone="wait",
            icon="edit",
            title="An edited copy: a person made it here",
            text=f"It was made out of {visible(original)}. {who} never sent it, so no signature was checked; "
            "its handlers see that in the header X-Webhooks-Edited-Copy-Of.",
            proofs=(),
        )
    if event.proof.scheme == "none":
        return Verification(
            tone="wait",
            icon="warn",
            title="Accepted without a check: its configuration demands none",
            text="Anybody who knows the address can send this. "
            f"Set `verification` in {visible(event.provider)}'s webhook.yaml.",
            proofs=(_first_time(event),),
        )
    return Verification(
        tone="ok",
        icon="shield-ok",
        title=f"Verified: this came from {who}, unchanged",
        text=_reason(event),
        proofs=(_signature(event), _secret(event.proof), _timestamp(event), _first_time(event)),
    )


def secret_rank(proof: Proof) -> str:
    """Return which secret matched: ``current``, ``the one before``, ``number 3``."""
    if proof.secret_index < len(_ORDINALS):
        return _ORDINALS[proof.secret_index]
    return f"number {proof.secret_index + 1}"


def method(proof: Proof) -> str:
    """Return the scheme by its usual name: ``HMAC-SHA256``."""
    scheme = _SCHEMES.get(proof.scheme, proof.scheme)
    algorithm = _ALGORITHMS.get(proof.algorithm or "", proof.algorithm or "")
    return f"{scheme}-{algorithm}" if algorithm and algorithm.lower() != scheme.lower() else scheme


def signature_header(event: ReceivedEvent) -> tuple[str, str] | None:
    """Return the header that carries the signature, found by its name, or None."""
    named = ("signature", "hmac")
    for name, value in event.headers:
        if any(word in name.lower() for word in named):
            return name, value
    return None


def _reason(event: ReceivedEvent) -> str:
    header = signature_header(event)
    where = f"The signature in {visible(header[0])}" if header else "Its signature"
    when = ""
    if event.proof.timestamp is not None:
        age = event.received_at - event.proof.timestamp
        when = f", {span(abs(age))} before it arrived" if age >= timedelta(seconds=1) else ", as it was sent"
    which = (
        "your current secret"
        if event.proof.secret_index == 0
        else f"an older secret ({secret_rank(event.proof)})"
    )
    return f"{where} matches the body byte for byte, made with {which}{when}."


def _signature(event: ReceivedEvent) -> ProofLine:
    header = signature_header(event)
    shown = "" if header is None else shortened(visible(masked_header(*header)), LONGEST_SIGNATURE)
    return ProofLine(
        icon="check",
        tone="ok",
        name="Signature",
        found=f"{method(event.proof)} matches",
        rests_on=shown,
        is_code=True,
    )


def _secret(proof: Proof) -> ProofLine:
    tried = (
        f"{secret_rank(proof)}, {proof.secrets_tried} tried" if proof.secrets_tried else secret_rank(proof)
    )
    older = proof.secret_index > 0
    return ProofLine(
        icon="clock" if older else "check",
        tone="wait" if older else "ok",
        name="Secret",
        found=proof.secret_name or "configured",
        rests_on=f"{tried}: the sender has not changed over yet" if older else tried,
    )


def _timestamp(event: ReceivedEvent) -> ProofLine:
    proof = event.proof
    if proof.timestamp is None:
        return ProofLine(
            icon="skip", tone="idle", name="Timestamp", found="None signed", rests_on="repeats are told by id"
        )
    age = event.received_at - proof.timestamp
    found = f"{span(age)} old" if age >= timedelta(0) else f"{span(-age)} ahead"
    limit = "no limit" if proof.tolerance is None else f"limit is {span(proof.tolerance)}"
    return ProofLine(icon="check", tone="ok", name="Timestamp", found=found, rests_on=limit)


def _first_time(event: ReceivedEvent) -> ProofLine:
    if not event.duplicates:
        return ProofLine(
            icon="check", tone="ok", name="First time seen", found="Yes", rests_on="no repeat so far"
        )
    return ProofLine(
        icon="check",
        tone="ok",
        name="First time seen",
        found=f"{plural(event.duplicates, 'repeat')} later",
        rests_on="answered 200, not run",
    )
