"""What must not stand in a log line, whoever wrote it there. Floor 1.

Our own log calls name no secrets. An exception's text, a library's message or a handler's log line may, so
the last step before a line is written looks for what secrets look like. It is a net, not a proof. Every part
of a rule is bounded: what somebody else wrote decides how long a text is.
"""

from __future__ import annotations

import re

from smart_api_integrations.core.masking import MASK, is_sensitive

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # postgresql://user:password@host
    (re.compile(r"(?<=://)[^\s/@]{1,200}@"), f"{MASK}@"),
    # Authorization: Bearer …
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9+/=_.~-]{6,}", re.IGNORECASE), rf"\1 {MASK}"),
    # Keys and tokens that say what they are: ours, Stripe's, GitHub's, Slack's, AWS's.
    (
        re.compile(
            r"\b(whsec_|whsk_|whk_|[srp]k_(?:live|test)_|gh[pousr]_|github_pat_|xox[abeprs]-|AKIA)[A-Za-z0-9+/=_-]{6,}"
        ),
        rf"\1{MASK}",
    ),
    # A JSON Web Token.
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*"), MASK),
    # password=…, "api_key": "…", X-Hub-Signature-256: …
    (
        re.compile(
            r"(?i)([\"']?[a-z0-9_-]{0,40}(?:secret|token|passw(?:or)?d|api[_-]?key|signature|credential)[a-z0-9_-]{0,40}[\"']?"
            r"\s{0,4}[=:]\s{0,4})(\"[^\"]{0,4096}\"|'[^']{0,4096}'|[^\s,;&)}\]]+)"
        ),
        rf"\1{MASK}",
    ),
)


def redacted(text: str) -> str:
    """Return *text* without what looks like a secret.

    >>> redacted("cannot connect to postgresql://app:hunter2@db/webhooks")
    'cannot connect to postgresql://••••@db/webhooks'
    >>> redacted("sent with Authorization: Bearer abcdefgh and secret=s3cr3t, twice")
    'sent with Authorization: Bearer •••• and secret=••••, twice'
    """
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def redacted_field(name: str, value: object) -> object:
    """Return the value of a log line's field as it may be written.

    >>> redacted_field("webhook_secret", "abc"), redacted_field("count", 3), redacted_field("token_count", 3)
    ('••••', 3, 3)
    """
    if isinstance(value, (int, float, bool)) or value is None:
        return value
    return MASK if is_sensitive(name) else redacted(str(value))
