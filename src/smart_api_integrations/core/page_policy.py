"""The headers of every answer that a browser may see: what a page may load, who may frame it. Floor 1.

Nothing runs that does not stand in a file of ours: no code in a page, no other site's.
``Referrer-Policy`` is ``same-origin`` and not ``no-referrer``: under the latter a browser writes
``Origin: null`` on our own forms, and over plain HTTP, where it sends no ``Sec-Fetch-Site``, they could not
be told from another site's (https://fetch.spec.whatwg.org/#append-a-request-origin-header).
"""

from __future__ import annotations

from collections.abc import Mapping


def content_security_policy(*, style_nonce: str | None = None) -> str:
    """Return the policy of a page; with *style_nonce* it may make style elements that carry it.

    >>> content_security_policy(style_nonce="q2w3").count("'nonce-q2w3'")
    1
    """
    styles = "'self'" if style_nonce is None else f"'self' 'nonce-{style_nonce}'"
    return (
        f"default-src 'none'; script-src 'self'; style-src {styles}; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": content_security_policy(),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""On every answer of the API and the dashboard, refusals and failures too."""

SESSION_COOKIES = ("__Host-webhooks_session", "webhooks_session")
"""What a session's cookie is called: over HTTPS the first, which no other host and no plain page can set."""
