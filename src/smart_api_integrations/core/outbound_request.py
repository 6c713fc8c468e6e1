"""The exact bytes and headers of a delivery, and what its answer means. Floor 1.

Pure: times, ids and secrets are arguments. Sending is ``network.http_transport``'s.

Rules:

1. A message's body is built once, ``{id, event, timestamp, data, metadata}`` as compact UTF-8 JSON; every
   delivery and every retry sends the same bytes under the same ``webhook-id``, which receivers know it by.
2. Every attempt is signed anew, twice: ``X-Webhook-Signature: sha256=<hex>`` over the body, keyed with the
   whole secret string, and the three headers of Standard Webhooks, whose timestamp is the attempt's. With a
   key pair (``whsk_``) the standard's signature is ``v1a`` and stands alone. While a replaced secret has its
   time of grace, ``webhook-signature`` has one signature for each, newest first; ``X-Webhook-Signature``
   is the newest shared secret's.
3. An endpoint's own headers can add to ours and never replace one that says who sends what to whom:
   those names are refused when the endpoint is saved, and ours are set last.
4. Only 2xx is success. A redirect is a failure: it is never followed, for it would take the signed body to
   an address that nobody registered.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from smart_api_integrations.core import ed25519_keys
from smart_api_integrations.core.digests import hmac_digest
from smart_api_integrations.errors import InvalidInput

MAX_HOPS = 3
"""A message that has passed through so many of our own systems goes no further: it runs in a circle."""

LONGEST_RETRY_AFTER = timedelta(hours=24)
USER_AGENT = "smart-api-integrations"
WHSEC = "whsec_"  # https://www.standardwebhooks.com: how a base64 secret is marked
HOPS_HEADER = "webhook-hops"

MAX_HEADERS = 50
MAX_HEADER_VALUE = 1024

# Ours, or the connection's. ``user-agent``, ``accept`` and ``authorization`` are the endpoint's to choose.
RESERVED_HEADERS = frozenset(
    {
        "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "cookie",
        "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
        "x-webhook-signature",
    }
)  # fmt: skip
RESERVED_PREFIXES = ("webhook-", "proxy-")
_REPLACEABLE = frozenset({"User-Agent", "Accept"})

_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
_HEADER_VALUE = re.compile(r"[ -~]*")
_SECONDS = re.compile(r"[0-9]{1,20}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundRequest:
    """A request that is ready to be sent."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    method: str = "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back.

    Attributes:
        headers: Names in lower case; the values of a repeated one joined by ``", "``.
        body: The first bytes of the body, as they came (never decompressed).
        truncated: True where the body went on.
        phases: Milliseconds, as ``Attempt.phases`` has them.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)
    truncated: bool = False
    phases: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an answer means for its delivery.

    Attributes:
        code: A stable word: ``ok``, ``redirect``, ``gone``, ``http_status``.
        message: One sentence for people.
        retry_after: When the receiver asked to be called again, from now, 0 to 24 hours; None if it did not.
        gone: It answered 410: it wants no more deliveries.
    """

    delivered: bool
    code: str
    message: str
    retry_after: timedelta | None = None
    gone: bool = False


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return an endpoint's own headers if every one of them may be sent.

    Raises:
        InvalidInput: A name or a value cannot be a header's, a name is reserved or given twice, or there
            are too many. Values are never repeated: they may be secrets.
    """
    if len(headers) > MAX_HEADERS:
        raise InvalidInput.at(field="headers", found=f"{len(headers)}", expected=f"at most {MAX_HEADERS}")
    seen: set[str] = set()
    for name, value in headers.items():
        _check_header(name, value)
        if name.lower() in seen:
            raise InvalidInput.at(
                field="headers",
                found=f"{name!r} twice",
                expected="every name once: upper and lower case are the same",
            )
        seen.add(name.lower())
    return dict(headers)


def _check_header(name: Any, value: Any) -> None:
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
        raise InvalidInput.at(
            field="headers", found=f"the name {name!r:.80}", expected="letters, digits and hyphens"
        )
    lower = name.lower()
    if lower in RESERVED_HEADERS or lower.startswith(RESERVED_PREFIXES):
        raise InvalidInput.at(
            field="headers", found=f"{name!r}, which is ours to set", expected="another name"
        )
    if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value) or value != value.strip():
        expected = "text in printable ASCII without space at its ends"
        raise InvalidInput.at(
            field=f"headers.{name}", found="a value that no header can have", expected=expected
        )
    if len(value) > MAX_HEADER_VALUE:
        raise InvalidInput.at(
            field=f"headers.{name}", found=f"{len(value)} characters", expected=f"at most {MAX_HEADER_VALUE}"
        )


def signing_key(secret: str) -> bytes:
    """Return the key that Standard Webhooks signs with: what follows ``whsec_``, decoded, or all of it.

    Raises:
        InvalidInput: The secret is empty, or starts with ``whsec_`` and what follows is no base64.
    """
    if not secret.startswith(WHSEC):
        key = secret.encode()
    else:
        try:
            key = base64.b64decode(secret[len(WHSEC) :], validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidInput.at(
                field="secret",
                found="'whsec_' and no base64 after it",
                expected="whsec_ and base64, or other text",
            ) from error
    if not key:
        raise InvalidInput.at(
            field="secret", found="nothing", expected="at least one character; leave it out to have one made"
        )
    return key


def signed_headers(
    body: bytes,
    *,
    message_id: str,
    secrets: Sequence[str],
    timestamp: datetime,
    authorization: str | None = None,
    extra: Mapping[str, str] | None = None,
    hops: int = 0,
) -> dict[str, str]:
    """Return the headers of one attempt to deliver *body*.

    *secrets* sign, newest first; *timestamp* is the attempt's; *extra* are the endpoint's own (see
    ``checked_headers``), before which *authorization* goes; *hops* is how many of our systems the message had
    passed through before this one.

    Raises:
        InvalidInput: A secret cannot sign.
    """
    seconds = str(int(timestamp.timestamp()))
    content = b"%b.%b.%b" % (message_id.encode(), seconds.encode(), body)
    headers = {
        "User-Agent": USER_AGENT,
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        **_seeds_signature(secrets, body),
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(_signature(secret, content) for secret in secrets),
        HOPS_HEADER: str(hops + 1),
    }
    if authorization is not None:
        headers["Authorization"] = authorization
    if extra:
        ours = {name.lower(): name for name in headers}
        for name, value in extra.items():
            replaced = ours.get(name.lower())
            if replaced is None or replaced in _REPLACEABLE:
                headers.pop(replaced or name, None)
                headers[name] = value
    return headers


def check_secret(secret: str) -> None:
    """Return if *secret* can sign: a key pair's ``whsk_``, ``whsec_`` and base64, or any other text.

    Raises:
        InvalidInput: It cannot.
    """
    _signature(secret, b"")


def _signature(secret: str, content: bytes) -> str:
    if ed25519_keys.is_private_key(secret):
        return "v1a," + base64.b64encode(ed25519_keys.sign(secret, content)).decode()
    return "v1," + base64.b64encode(hmac_digest(signing_key(secret), content, "sha256")).decode()


def _seeds_signature(secrets: Sequence[str], body: bytes) -> dict[str, str]:
    """Return the third seed's header; none for a key pair, whose receiver has nothing to check it with."""
    secret = next((each for each in secrets if not ed25519_keys.is_private_key(each)), None)
    if secret is None:
        return {}
    return {"X-Webhook-Signature": "sha256=" + hmac_digest(secret.encode(), body, "sha256").hex()}


def judge_answer(status: int, headers: Mapping[str, str], *, now: datetime) -> Verdict:
    """Return what an answer means; *headers* have names in lower case.

    >>> judge_answer(503, {"retry-after": "120"}, now=datetime(2026, 1, 1, tzinfo=UTC)).retry_after
    datetime.timedelta(seconds=120)
    """
    if 200 <= status < 300:
        return Verdict(delivered=True, code="ok", message=f"the endpoint answered {status}")
    if status == 410:
        message = "the endpoint answered 410 Gone: it wants no more deliveries"
        return Verdict(delivered=False, code="gone", message=message, gone=True)
    retry_after = parse_retry_after(headers.get("retry-after"), now=now)
    if 300 <= status < 400:
        message = (
            f"the endpoint answered {status}: redirects are not followed; register the address it moved to"
        )
        return Verdict(delivered=False, code="redirect", message=message, retry_after=retry_after)
    message = f"the endpoint answered {status}; 2xx is success"
    return Verdict(delivered=False, code="http_status", message=message, retry_after=retry_after)


def parse_retry_after(value: str | None, *, now: datetime) -> timedelta | None:
    """Return the wait that a ``Retry-After`` asks for, 0 to 24 hours, or None where it asks for none.

    Seconds or an HTTP date (RFC 9110, section 10.2.3); anything else is ignored, as is a negative number.
    """
    if value is None:
        return None
    text = value.strip()[:64]
    if _SECONDS.fullmatch(text):
        wait = timedelta(seconds=min(int(text), LONGEST_RETRY_AFTER.total_seconds()))
    else:
        try:
            date = parsedate_to_datetime(text)
        except (ValueError, TypeError, OverflowError):
            return None
        wait = (date if date.tzinfo else date.replace(tzinfo=UTC)) - now
    return max(timedelta(0), min(wait, LONGEST_RETRY_AFTER))


SHARED, KEY_PAIR = "shared", "key_pair"
SECRET_KINDS = (SHARED, KEY_PAIR)


def new_secret(random_bytes: Callable[[int], bytes], kind: str = SHARED) -> str:
    """Return a fresh signing secret as Standard Webhooks asks.

    ``shared`` is ``whsec_`` and 24 random bytes in base64, ``key_pair`` an Ed25519 private key, ``whsk_``.

    Raises:
        InvalidInput: *kind* is neither.
    """
    if kind not in SECRET_KINDS:
        expected = " or ".join(SECRET_KINDS)
        raise InvalidInput.at(field="secret_kind", found=f"{kind!r:.40}", expected=expected)
    if kind == KEY_PAIR:
        return ed25519_keys.new_private_key(random_bytes)
    return WHSEC + base64.b64encode(random_bytes(24)).decode()
