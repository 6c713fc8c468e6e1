"""Why a request to the API or the dashboard goes no further, as RFC 9457 problems. Floor 9."""

from __future__ import annotations

import json
from dataclasses import dataclass

from starlette.responses import Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request goes no further.

    Attributes:
        code: A stable word for programs.
        hint: What to do.
        challenge: The value of ``WWW-Authenticate``.
        retry_after: Seconds until it may be tried again.
    """

    status: int
    title: str
    code: str
    detail: str
    hint: str
    challenge: str | None = None
    retry_after: int | None = None

    def response(self) -> Response:
        """Return the answer to send."""
        body = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "hint": self.hint,
        }
        headers = {"WWW-Authenticate": self.challenge} if self.challenge else {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        return Response(
            json.dumps(body), status_code=self.status, headers=headers, media_type="application/problem+json"
        )


NOT_LOOPBACK = Refusal(
    status=403,
    title="Forbidden",
    code="key_needed",
    detail="Without an API key the API and the dashboard are open to this machine only.",
    hint=(
        "Make a key on the server: `webhooks keys create --role admin`, or set WEBHOOKS_API_KEYS and restart "
        "it; or open it at 127.0.0.1."
    ),
)
HOST_UNKNOWN = Refusal(
    status=421,
    title="Misdirected Request",
    code="host_unknown",
    detail="The API and the dashboard do not answer under this host name.",
    hint="Use a name that WEBHOOKS_ALLOWED_HOSTS lists.",
)
CROSS_SITE = Refusal(
    status=403,
    title="Forbidden",
    code="cross_site",
    detail="The request was made by a page of another site.",
    hint="Make it from the dashboard itself, or with an API key from a program.",
)
KEY_WRONG_API = Refusal(
    status=401,
    title="Unauthorized",
    code="unauthorized",
    detail="The request carries no API key that works here.",
    hint="Send `Authorization: Bearer <key>`. `webhooks keys create` makes a key on the server.",
    challenge='Bearer realm="webhooks"',
)
KEY_WRONG_PAGE = Refusal(
    status=401,
    title="Unauthorized",
    code="unauthorized",
    detail="The dashboard needs an API key: sign in at /login, or send it as the password.",
    hint="`webhooks keys create` makes a key on the server.",
    challenge='Basic realm="webhooks", charset="UTF-8"',
)
HOST_SAYS_NO = Refusal(
    status=403,
    title="Forbidden",
    code="forbidden",
    detail="The application that this is part of does not let you in.",
    hint="Sign in there, as somebody who may see webhooks.",
)
LENGTH_NEEDED = Refusal(
    status=411,
    title="Length Required",
    code="length_required",
    detail="The request's body has no stated length.",
    hint="Send Content-Length instead of a chunked body.",
)
BODY_TOO_LARGE = Refusal(
    status=413,
    title="Content Too Large",
    code="body_too_large",
    detail="The request's body is larger than WEBHOOKS_MAX_BODY_BYTES.",
    hint="Send less at once, or raise the setting.",
)
HTTPS_NEEDED = Refusal(
    status=403,
    title="Forbidden",
    code="https_required",
    detail="The API and the dashboard are reached over HTTPS only.",
    hint="Use https: in the address. The proxy must send X-Forwarded-Proto.",
)
STORE_AWAY = Refusal(
    status=503,
    title="Service Unavailable",
    code="storage_unavailable",
    detail="Keys cannot be looked up: the database does not answer.",
    hint="Send the request again in 5 seconds.",
    retry_after=5,
)


def too_many(what: str, *, retry_after: int) -> Refusal:
    """Return the refusal of one request too many; *what* is a sentence."""
    return Refusal(
        status=429,
        title="Too Many Requests",
        code="too_many_requests",
        detail=what,
        hint=f"Send it again in {retry_after} seconds.",
        retry_after=retry_after,
    )
