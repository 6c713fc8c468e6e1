"""Who keeps users and lets them in: Auth0, Clerk, Okta, WorkOS."""

from __future__ import annotations

import hashlib
import hmac

import svix.webhooks
from workos.webhooks._verification import verify_header

from smart_api_integrations.core.webhook_schema import RawRequest
from tests.oracles.oracle import (
    FIXED_TIME,
    NOW,
    SECONDS,
    FixedDatetime,
    Oracle,
    documented,
    header,
    posted,
    refuses,
)

CLERK = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WORKOS = "sample-secret-of-workos"


def clerk_signs(body: bytes) -> RawRequest:
    made = svix.webhooks.Webhook(CLERK).sign("msg_1", NOW, body.decode())
    return posted(body, {"svix-id": "msg_1", "svix-timestamp": str(SECONDS), "svix-signature": made})


@refuses(svix.webhooks.WebhookVerificationError, ValueError)
def clerk_accepts(request: RawRequest) -> None:
    svix.webhooks.Webhook(CLERK).verify(request.body, dict(request.headers))


def workos_signs(body: bytes) -> RawRequest:
    # the library verifies only; its page gives this line: https://workos.com/docs/events/data-syncing/webhooks
    time = str(1000 * SECONDS)
    made = hmac.new(WORKOS.encode(), f"{time}.".encode() + body, hashlib.sha256).hexdigest()
    return posted(body, {"WorkOS-Signature": f"t={time}, v1={made}"})


@refuses(ValueError, TypeError)
def workos_accepts(request: RawRequest) -> None:
    verify_header(event_body=request.body, event_signature=header(request, "WorkOS-Signature"), secret=WORKOS)


ORACLES = (
    documented(  # https://auth0.com/docs/customize/log-streams/custom-log-streams
        "auth0",
        "AUTH0_WEBHOOK_SECRET",
        lambda key, _body: {"Authorization": f"Bearer {key}"},
        covers_body=False,
    ),
    documented(  # https://developer.okta.com/docs/concepts/event-hooks/
        "okta", "OKTA_WEBHOOK_SECRET", lambda key, _body: {"Authorization": key}, covers_body=False
    ),
    Oracle(
        provider="clerk",
        library="svix",
        environ={"CLERK_WEBHOOK_SECRET": CLERK},
        other_environ={"CLERK_WEBHOOK_SECRET": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"},
        signs=clerk_signs,
        accepts=clerk_accepts,
        clocks={"standardwebhooks.webhooks:datetime": FixedDatetime},
    ),
    Oracle(
        provider="workos",
        library="workos",
        environ={"WORKOS_WEBHOOK_SECRET": WORKOS},
        other_environ={"WORKOS_WEBHOOK_SECRET": "another-secret-of-workos"},
        signs=workos_signs,
        accepts=workos_accepts,
        clocks={"workos.webhooks._verification:time": FIXED_TIME},
    ),
)
