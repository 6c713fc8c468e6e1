"""Standard Webhooks, and those who sign as it says."""

from __future__ import annotations

import standardwebhooks

from smart_api_integrations.core.webhook_schema import RawRequest
from tests.oracles.oracle import NOW, SECONDS, FixedDatetime, Oracle, posted, refuses

STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + "b3RoZXItc2VjcmV0LW9mLXNhbXBsZQ=="


def standard_signs(body: bytes) -> RawRequest:
    made = standardwebhooks.Webhook(STANDARD).sign("msg_1", NOW, body.decode())
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(SECONDS), "webhook-signature": made}
    return posted(body, headers)


@refuses(standardwebhooks.WebhookVerificationError, ValueError)
def standard_accepts(request: RawRequest) -> None:
    standardwebhooks.Webhook(STANDARD).verify(request.body, dict(request.headers), json_parse=False)


ORACLES = (
    Oracle(
        provider="standard_webhooks",
        library="standardwebhooks",
        environ={"STANDARD_WEBHOOKS_SECRET": STANDARD},
        other_environ={"STANDARD_WEBHOOKS_SECRET": OTHER},
        signs=standard_signs,
        accepts=standard_accepts,
        clocks={"standardwebhooks.webhooks:datetime": FixedDatetime},
    ),
)
