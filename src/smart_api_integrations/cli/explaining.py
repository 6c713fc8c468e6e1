"""Why a request does not verify: by trying what most often goes wrong, one thing at a time. Floor 10.

Nothing here knows a scheme. A guess changes the request, the clock or the secrets and asks the webhook to
verify again; a guess under which it verifies is the explanation. Secrets are named by their variable, their
length and their last four characters, never shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from smart_api_integrations.core.inbound_webhook import InboundWebhook
from smart_api_integrations.core.masking import masked_secret
from smart_api_integrations.core.signatures import Secret, Verified
from smart_api_integrations.core.signatures.secrets import ENCODINGS
from smart_api_integrations.core.webhook_schema import RawRequest
from smart_api_integrations.errors import ConfigurationError, RequestRejected

_MOST_GUESSES_OF_TIME = 20
_BOM = b"\xef\xbb\xbf"
_SECONDS_IN_TEXT = re.compile(r"(?<!\d)(\d{10})(\d{3})?(?!\d)")

Guess = tuple[str, InboundWebhook, RawRequest]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """The verdict on a request, and what it rests on.

    Attributes:
        reason: ``verified``, or why not, as a stable word.
        detail: The same as a sentence.
        key: Which secrets were tried, or which one matched.
        bytes: How many bytes of body there are, and their SHA-256.
        clock: How old the signed time is, where there is one.
        likely: What probably went wrong and what to do; the surest first.
    """

    reason: str
    detail: str
    key: str
    bytes: str
    clock: str
    likely: tuple[str, ...] = ()

    @property
    def verified(self) -> bool:
        """Whether the request is believed."""
        return self.reason == "verified"


def explain(
    webhook: InboundWebhook,
    request: RawRequest,
    *,
    now: datetime,
    others: Mapping[tuple[str, str], InboundWebhook],
) -> Explained:
    """Verify *request* and say why it came out so.

    Args:
        webhook: The webhook that it is for, with its secrets.
        request: As it was received.
        now: When it is judged.
        others: The other webhooks that are known here: it may be meant for one of them.
    """
    content = f"{len(request.body)} bytes, sha256 {sha256(request.body).hexdigest()[:16]}…"
    found = _tried(webhook, request, now)
    if isinstance(found, Verified):
        proof = found.proof
        return Explained(
            reason="verified",
            detail=_by(proof.scheme, proof.algorithm),
            key=_named(webhook.secrets[proof.secret_index]) if webhook.secrets else "none is needed",
            bytes=content,
            clock=_age(proof.timestamp, now, proof.tolerance),
        )
    likely = dict.fromkeys(_explanations(webhook, request, now, others))
    return Explained(
        reason=found.reason,
        detail=str(found),
        key=", ".join(map(_named, webhook.secrets)) or "none is configured",
        bytes=content,
        clock=_age(next(iter(_times_in(request)), None), now, None),
        likely=tuple(likely) or tuple(_hints(found, request)),
    )


def _tried(webhook: InboundWebhook, request: RawRequest, now: datetime) -> Verified | RequestRejected:
    try:
        return webhook.verify(request, now=now)
    except RequestRejected as rejection:
        return rejection


def _explanations(
    webhook: InboundWebhook,
    request: RawRequest,
    now: datetime,
    others: Mapping[tuple[str, str], InboundWebhook],
) -> Iterator[str]:
    """Yield every guess under which the request verifies."""
    for moment in _moments(webhook, request):
        yield (
            f"The signature is right, but was made {_span(now - moment)}: "
            "the request is a repeat or was held up, or one of the two clocks is wrong."
        )
    moments = (now, *_times_in(request))
    for told, guessed, changed in _guesses(webhook, request, others):
        if any(isinstance(_tried(guessed, changed, moment), Verified) for moment in moments):
            yield told


def _guesses(
    webhook: InboundWebhook, request: RawRequest, others: Mapping[tuple[str, str], InboundWebhook]
) -> Iterator[Guess]:
    for what, body in _bodies(request.body):
        told = (
            f"The body was changed on its way: the signature is over {what}. Keep the bytes off the socket."
        )
        yield told, webhook, replace(request, body=body)
    for what, secret in _readings(webhook.secrets):
        told = f"The secret is the right one, but is read wrongly: it verifies {what}."
        yield told, replace(webhook, secrets=(secret,)), request
    for (provider, name), other in others.items():
        if other.secrets and other.secrets != webhook.secrets:
            told = f"It is signed with the secret of {provider}/{name}: {_named(other.secrets[0])}."
            yield told, replace(webhook, secrets=other.secrets), request
        if other.scheme != webhook.scheme and other.scheme.name != "none":
            yield f"It verifies as {provider}/{name}: send it there.", other, request
    if webhook.allowed_networks:
        told = "Its signature is right, but its address is not on the webhook's ip_whitelist."
        yield told, replace(webhook, allowed_networks=()), request


def _moments(webhook: InboundWebhook, request: RawRequest) -> Iterator[datetime]:
    """Yield the times under which the request, as it is, verifies."""
    for moment in _times_in(request):
        if isinstance(_tried(webhook, request, moment), Verified):
            yield moment


def _times_in(request: RawRequest) -> Iterable[datetime]:
    """Return what looks like a time, headers first: wherever a sender puts its own."""
    texts = [*request.headers.values(), request.query, request.body[:4096].decode("utf-8", "replace")]
    found: dict[datetime, None] = {}
    for text in texts:
        for match in _SECONDS_IN_TEXT.finditer(text):
            found[datetime.fromtimestamp(int(match[1]), UTC)] = None
        for word in text.replace('"', " ").split():
            found |= dict.fromkeys(_iso(word))
    return list(found)[:_MOST_GUESSES_OF_TIME]


def _iso(word: str) -> Iterable[datetime]:
    if len(word) < 19 or "T" not in word:
        return
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        return
    yield moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _bodies(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what a body is often changed from, with what that is called."""
    for what, changed in (
        ("the body without its final line break", body.rstrip(b"\r\n")),
        ("the body with a final line break", body + b"\n"),
        ("the body with LF line ends", body.replace(b"\r\n", b"\n")),
        ("the body with CRLF line ends", body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")),
        ("the body without its byte-order mark", body.removeprefix(_BOM)),
        ("an empty body", b""),
    ):
        if changed != body:
            yield what, changed
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return
    for what, options in _WRITINGS:
        written = json.dumps(parsed, **options).encode("utf-8", "surrogatepass")
        for ending, changed in (("", written), (" and a final line break", written + b"\n")):
            if changed != body:
                yield f"its JSON {what}{ending}, not as it is here", changed


_LAYOUTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("without spaces", {"separators": (",", ":")}),
    ("with spaces", {}),
    ("indented by two", {"indent": 2}),
    ("indented by four", {"indent": 4}),
)
_WRITINGS: tuple[tuple[str, dict[str, Any]], ...] = tuple(
    (
        f"written {spaced}{ascii_only * ' in ASCII'}{ordered * ' with sorted keys'}",
        {**layout, "ensure_ascii": ascii_only, "sort_keys": ordered},
    )
    for spaced, layout in _LAYOUTS
    for ascii_only in (False, True)
    for ordered in (False, True)
)


def _readings(secrets: Iterable[Secret]) -> Iterator[tuple[str, Secret]]:
    """Yield each secret as it might be meant otherwise."""
    for secret in secrets:
        bare = secret.text.strip("\"' ")
        after_prefix = bare.partition("_")[2] or bare
        for text, where in (
            (secret.text, ""),
            (bare, " without quotes"),
            (after_prefix, " without its prefix"),
        ):
            for encoding, decode in ENCODINGS.items():
                try:
                    key = decode(text)
                    changed = replace(secret, key=key)
                except (ValueError, ConfigurationError):
                    continue
                if key != secret.key:
                    yield f"as {encoding}{where}", changed


def _hints(rejection: RequestRejected, request: RawRequest) -> Iterator[str]:
    """Yield what is worth a look where no guess explains it."""
    if rejection.reason == "signature_missing":
        near = [name for name in request.headers if re.search("sign|hmac|token|auth", name, re.IGNORECASE)]
        yield (
            f"Headers that look like one: {', '.join(near)}."
            if near
            else "None of its headers looks like one."
        )
    elif rejection.reason == "signature_mismatch":
        yield "The secret is another endpoint's (test and live have their own), or the body was changed."


def _by(scheme: str, algorithm: str | None) -> str:
    return f"The signature is right ({scheme}{'-' + algorithm if algorithm else ''})."


def _named(secret: Secret) -> str:
    return f"{secret.name} {masked_secret(secret.text)} ({len(secret.text)} characters)"


def _age(moment: datetime | None, now: datetime, tolerance: timedelta | None) -> str:
    if moment is None:
        return "no signed time was found"
    allowed = "" if tolerance is None else f"; {tolerance.total_seconds():g} s are allowed"
    return f"signed {_span(now - moment)}{allowed}"


def _span(age: timedelta) -> str:
    seconds = abs(age).total_seconds()
    return f"{seconds:,.0f} s {'ago' if age >= timedelta() else 'ahead'}"
