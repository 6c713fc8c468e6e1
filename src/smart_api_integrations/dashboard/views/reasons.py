"""Why a request may not be accepted: every reason, its causes, how evidence weighs them. Floor 8."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from smart_api_integrations.core.journal import EventSummary, Rejection
from smart_api_integrations.dashboard.views.measures import moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known beside the rejection itself.

    Attributes:
        last_verified: The newest event of the same provider that verified, or None.
        alike: How many of the newest rejections have the same webhook and reason.
        addresses: From how many addresses those came.
        since: When the first of those came.
        now: The time of looking.
    """

    last_verified: EventSummary | None
    alike: int
    addresses: int
    since: datetime
    now: datetime

    @property
    def verified_ago(self) -> str:
        """When the last one verified, in words; empty where none did."""
        return "" if self.last_verified is None else moment(self.last_verified.received_at, self.now).text


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How strongly the evidence points to a cause: 3 points to it, 0 rules it out; and in words."""

    weight: int
    said: str


Weigh = Callable[[Rejection, Evidence], Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A possible cause: what it is, why it looks so, what to do, and how the evidence weighs."""

    title: str
    text: str
    weigh: Weigh


def _always(weight: int, said: str) -> Weigh:
    return lambda _rejection, _evidence: Finding(weight=weight, said=said)


def _never_verified(_rejection: Rejection, evidence: Evidence) -> Finding:
    if evidence.last_verified is None:
        return Finding(weight=3, said="nothing has ever verified here")
    return Finding(weight=1, said=f"one verified {evidence.verified_ago}")


def _verified_before(_rejection: Rejection, evidence: Evidence) -> Finding:
    if evidence.last_verified is None:
        return Finding(weight=0, said="ruled out: none verified before")
    if evidence.alike > 1 and evidence.last_verified.received_at < evidence.since:
        return Finding(weight=4, said=f"{evidence.alike} failed, the last verified {evidence.verified_ago}")
    return Finding(weight=1, said=f"less likely: one verified {evidence.verified_ago}")


def _passed_a_proxy(rejection: Rejection, _evidence: Evidence) -> Finding:
    hints = {"via", "forwarded", "x-forwarded-for", "x-forwarded-host", "cf-connecting-ip", "x-real-ip"}
    named = sorted(hints & header_names(rejection))
    if named:
        return Finding(weight=2, said=f"possible: it carries {named[0]}")
    return Finding(weight=1, said="less likely: no sign of a proxy")


def _has_a_signature(rejection: Rejection, _evidence: Evidence) -> Finding:
    named = [name for name in sorted(header_names(rejection)) if "signature" in name or "hmac" in name]
    if named:
        return Finding(weight=3, said=f"it carries {named[0]} instead")
    return Finding(weight=0, said="ruled out: no signature of any kind")


def _not_the_provider(rejection: Rejection, evidence: Evidence) -> Finding:
    named = [name for name in header_names(rejection) if "signature" in name or "hmac" in name]
    if named:
        return Finding(weight=1, said="less likely: it carries a signature")
    weight = 2 if evidence.last_verified is None else 3
    return Finding(weight=weight, said="it carries no signature at all")


def header_names(rejection: Rejection) -> set[str]:
    """Return the names of the headers that the request carried, in lower case."""
    listed = rejection.facts.get("headers", ())
    return {str(name).lower() for name in listed} if isinstance(listed, (list, tuple)) else set()


_WRONG_SECRET = Cause(
    title="The secret here is not the one at {who}",
    text="Copy the signing secret of exactly this webhook from {who} again: test and live, and each webhook, "
    "have their own. Then set it here and restart.",
    weigh=_never_verified,
)
_ROTATED = Cause(
    title="The secret was changed at {who} and not here",
    text="Set the new secret beside the old one: during a change both are tried.",
    weigh=_verified_before,
)
_REWRITTEN = Cause(
    title="Something on the way changed the body",
    text="The signature is over the exact bytes. A proxy, a tunnel or a framework that parses and writes "
    "JSON anew breaks it: let the body through untouched.",
    weigh=_passed_a_proxy,
)
_STRANGER = Cause(
    title="It was not {who}",
    text="Anybody can send to a public address; nothing was run. Scanners do this all day.",
    weigh=_not_the_provider,
)
_OTHER_HEADER = Cause(
    title="It is signed in another way than this webhook expects",
    text="Check that the address at {who} belongs to this webhook, and that its webhook.yaml reads the right "
    "header.",
    weigh=_has_a_signature,
)
_UNSIGNED = Cause(
    title="No secret is set at {who}",
    text="Many services sign only once a secret is set. Set one at {who}, and the same here.",
    weigh=_never_verified,
)
_LATE = Cause(
    title="It was sent again long after it was signed",
    text="A copy of an old request, or a queue on the way that held it. Ask {who} to send it anew.",
    weigh=_always(2, "likely where a single one fails"),
)
_CLOCK = Cause(
    title="This server's clock is wrong",
    text="Compare it with another and turn on time synchronisation (timedatectl set-ntp true).",
    weigh=lambda _rejection, evidence: Finding(
        weight=3 if evidence.alike > 1 else 1,
        said=f"{evidence.alike} fail the same way" if evidence.alike > 1 else "less likely: a single one",
    ),
)
_UNKNOWN_ADDRESS = Cause(
    title="The address at the sender is wrong, or its webhook is not mounted",
    text="Sources lists every address that is open, and the variable that a closed one waits for.",
    weigh=_always(3, "no webhook has this name"),
)
_TOO_LARGE = Cause(
    title="The sender's events are larger than the limit",
    text="Raise WEBHOOKS_MAX_BODY_BYTES, or the webhook's own limit in its webhook.yaml.",
    weigh=_always(2, "the limit was reached"),
)
_NOT_ITS_FORMAT = Cause(
    title="The sender is set to another content type",
    text="Set it to JSON (application/json) at {who}, where it lets you choose.",
    weigh=_always(2, "the body could not be read"),
)
_WRITES_TWICE = Cause(
    title="What writes the body at {who} puts a key into one object twice",
    text="JSON leaves open which of the two counts, and programs differ, so none is believed. Report it "
    "to the sender; where you write the body yourself, build one object and write it once.",
    weigh=_always(2, "the body is JSON, but a key of it is there twice"),
)
_TAMPERED = Cause(
    title="Somebody wants two programs to read the same body differently",
    text="Such bodies are made to show a checker one value and the program behind it another.",
    weigh=_always(1, "possible: a usual JSON writer cannot make this"),
)
_VERIFIER_FAULT = Cause(
    title="The verifier does not take what a stranger may send",
    text="Its log line (action verifier_raised) says what it raised and where. Let it return False for what "
    "it cannot read: a missing signature, one in another form, bytes that are no UTF-8.",
    weigh=_always(2, "the verifier raised instead of saying no"),
)
_SLOW_LINE = Cause(
    title="The sender or the line is very slow, or somebody holds connections open",
    text="One is harmless. Many from one address are an attack: block the address before this server.",
    weigh=_always(2, "the body did not arrive in time"),
)
_KEY_SERVER = Cause(
    title="The provider's key could not be fetched",
    text="The sender was asked to send it again. If it goes on: is the provider's key server reachable?",
    weigh=_always(2, "the key that verifies the request could not be fetched"),
)
_WRONG_TOKEN = Cause(
    title="The token in the provider's settings is not the one that is set here",
    text="Compare it with the variable that Sources names for this webhook, and start the check again there.",
    weigh=_always(2, "the handshake's conditions were not met"),
)
_BROWSER = Cause(
    title="A browser opened the address",
    text="Webhooks are posted. To see that the address is open, look at Sources.",
    weigh=_always(1, "it was none of the provider's handshakes"),
)
_NEW_ADDRESS = Cause(
    title="{who} sends from a new address",
    text="Look for it in the provider's published list, and add it to `ip_whitelist` if it is there.",
    weigh=_always(2, "the address is not on the webhook's list"),
)
_PROXY = Cause(
    title="A proxy stands before this server",
    text="Name it in WEBHOOKS_TRUSTED_PROXIES, so that the sender's address is seen and not the proxy's.",
    weigh=_always(2, "the address may be your proxy's"),
)
_FLOOD = Cause(
    title="One address sends many requests that do not verify",
    text="Look at the rejections before this one. WEBHOOKS_PER_IP_PER_MINUTE is the limit; block the address "
    "before this server if it goes on.",
    weigh=_always(2, "an address or a webhook reached its limit"),
)
_LIMIT = Cause(
    title="The webhook's own rate_limit is lower than what {who} sends",
    text="The sender was told when to come back. Raise `rate_limit` in its webhook.yaml if this is usual.",
    weigh=_always(2, "an address or a webhook reached its limit"),
)
_PLAIN_HTTP = Cause(
    title="The sender's settings name an http: address",
    text="Change it to https: at {who}. The server demands it because WEBHOOKS_REQUIRE_HTTPS is set.",
    weigh=_always(3, "HTTPS is required"),
)
_WRONG_METHOD = Cause(
    title="A browser or a probe opened the address",
    text="Webhooks are posted. To see that the address is open, look at Sources.",
    weigh=_always(3, "it was not a POST"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A reason for people: short in lists, a sentence on its page, what may lie behind it.

    Attributes:
        reached: The index in ``CHECKS`` of the check that failed.
    """

    short: str
    title: str
    causes: tuple[Cause, ...]
    reached: int


_NOT_PROVEN = "We could not prove that {who} sent this, so nothing was run"
_ADDRESS, COMPLETE, _HEADER, _TIME, _SIGNATURE, _PARSED = range(6)

REASONS: Mapping[str, Reason] = {
    "signature_mismatch": Reason(
        short="signature mismatch",
        title=_NOT_PROVEN,
        causes=(_ROTATED, _WRONG_SECRET, _REWRITTEN, _STRANGER),
        reached=_SIGNATURE,
    ),
    "signature_missing": Reason(
        short="no signature", title=_NOT_PROVEN, causes=(_STRANGER, _UNSIGNED, _OTHER_HEADER), reached=_HEADER
    ),
    "signature_malformed": Reason(
        short="signature malformed", title=_NOT_PROVEN, causes=(_OTHER_HEADER, _STRANGER), reached=_HEADER
    ),
    "timestamp_missing": Reason(
        short="no timestamp", title=_NOT_PROVEN, causes=(_OTHER_HEADER, _STRANGER), reached=_TIME
    ),
    "timestamp_malformed": Reason(
        short="timestamp malformed", title=_NOT_PROVEN, causes=(_OTHER_HEADER, _STRANGER), reached=_TIME
    ),
    "timestamp_too_old": Reason(
        short="too old",
        title="It was signed too long ago, so nothing was run",
        causes=(_LATE, _CLOCK),
        reached=_TIME,
    ),
    "timestamp_in_future": Reason(
        short="from the future",
        title="It says that it was signed in the future, so nothing was run",
        causes=(_CLOCK, _STRANGER),
        reached=_TIME,
    ),
    "handshake_refused": Reason(
        short="handshake refused",
        title="It is no handshake that this webhook answers",
        causes=(_WRONG_TOKEN, _BROWSER),
        reached=_SIGNATURE,
    ),
    "address_not_allowed": Reason(
        short="address not allowed",
        title="It came from an address that this webhook does not take requests from",
        causes=(_NEW_ADDRESS, _PROXY, _STRANGER),
        reached=_ADDRESS,
    ),
    "too_many_requests": Reason(
        short="too many requests",
        title="Too many requests came in a short time, so this one was not taken",
        causes=(_FLOOD, _LIMIT),
        reached=_ADDRESS,
    ),
    "https_required": Reason(
        short="not over HTTPS",
        title="It did not come over HTTPS, so it was not taken",
        causes=(_PLAIN_HTTP, _PROXY),
        reached=_ADDRESS,
    ),
    "too_busy": Reason(
        short="too many bodies at once",
        title="Too many bodies were arriving at once; the sender was asked to send it again",
        causes=(_SLOW_LINE,),
        reached=COMPLETE,
    ),
    "malformed_request": Reason(
        short="cannot be read",
        title="The request could not be read, so nothing was run",
        causes=(_NOT_ITS_FORMAT, _STRANGER),
        reached=_PARSED,
    ),
    "duplicate_keys": Reason(
        short="a key twice",
        title="Its JSON says one key twice, so nothing was run",
        causes=(_WRITES_TWICE, _TAMPERED),
        reached=_PARSED,
    ),
    "verifier_raised": Reason(
        short="verifier raised",
        title="The webhook's own verifier raised instead of answering, so nothing was run",
        causes=(_VERIFIER_FAULT, _STRANGER),
        reached=_SIGNATURE,
    ),
    "unknown_webhook": Reason(
        short="unknown address",
        title="No webhook has this address",
        causes=(_UNKNOWN_ADDRESS, _STRANGER),
        reached=_ADDRESS,
    ),
    "method_not_allowed": Reason(
        short="not a POST",
        title="It was not a POST, so nothing was run",
        causes=(_WRONG_METHOD,),
        reached=_ADDRESS,
    ),
    "key_unavailable": Reason(
        short="no key",
        title="The key that verifies it could not be fetched",
        causes=(_KEY_SERVER,),
        reached=_SIGNATURE,
    ),
    "body_too_slow": Reason(
        short="body too slow",
        title="The body did not arrive in time",
        causes=(_SLOW_LINE,),
        reached=COMPLETE,
    ),
    "body_too_large": Reason(
        short="body too large",
        title="The body is larger than is allowed",
        causes=(_TOO_LARGE,),
        reached=COMPLETE,
    ),
}
_OTHER = Reason(
    short="not accepted",
    title="The request was not accepted, so nothing was run",
    causes=(),
    reached=_ADDRESS,
)

CHECKS = (
    "Address known",
    "Body complete",
    "Signature present and well formed",
    "Timestamp, where one is signed",
    "Signature",
    "Readable",
)


def reason_of(rejection: Rejection) -> Reason:
    """Return what is known of a rejection's reason; something even of a word that is new."""
    return REASONS.get(rejection.reason, _OTHER)


def reason_called(reason: str) -> str:
    """Return what a reason's word is called in a list."""
    return REASONS.get(reason, _OTHER).short
