"""Mail services."""

from __future__ import annotations

import resend
import svix

from smart_api_integrations.core.webhook_schema import RawRequest
from tests.oracles.oracle import FIXED_TIME, NOW, SECONDS, FixedDatetime, Oracle, header, posted, refuses

RESEND = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_b3RoZXItc2VjcmV0LW9mLXNhbXBsZQ=="


def svix_signs(body: bytes) -> RawRequest:
    made = svix.Webhook(RESEND).sign("msg_1", NOW, body.decode())
    return posted(body, {"svix-id": "msg_1", "svix-timestamp": str(SECONDS), "svix-signature": made})


@refuses(svix.WebhookVerificationError, ValueError)
def svix_accepts(request: RawRequest) -> None:
    svix.Webhook(RESEND).verify(request.body, dict(request.headers))


@refuses(ValueError)
def resend_accepts(request: RawRequest) -> None:
    resend.Webhooks.verify(
        {
            "payload": request.body.decode(),
            "headers": {
                "id": header(request, "svix-id"),
                "timestamp": header(request, "svix-timestamp"),
                "signature": header(request, "svix-signature"),
            },
            "webhook_secret": RESEND,
        }
    )


ORACLES = (
    Oracle(
        provider="resend",
        library="svix",
        environ={"RESEND_WEBHOOK_SECRET": RESEND},
        other_environ={"RESEND_WEBHOOK_SECRET": OTHER},
        signs=svix_signs,
        accepts=svix_accepts,
        clocks={"standardwebhooks.webhooks:datetime": FixedDatetime},
    ),
    Oracle(
        provider="resend",
        library="resend",
        environ={"RESEND_WEBHOOK_SECRET": RESEND},
        other_environ={"RESEND_WEBHOOK_SECRET": OTHER},
        signs=svix_signs,
        accepts=resend_accepts,
        clocks={"resend.webhooks._webhooks:time": FIXED_TIME},
    ),
)
