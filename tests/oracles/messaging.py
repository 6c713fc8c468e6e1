"""Slack."""

from __future__ import annotations

from slack_sdk.signature import Clock, SignatureVerifier

from smart_api_integrations.core.webhook_schema import RawRequest
from tests.oracles.oracle import SECONDS, Oracle, posted, refuses

SLACK = "8f742231b10e8888abcd99yyyzzz85a5"


class _FixedClock(Clock):
    def now(self) -> float:
        return float(SECONDS)


def slack_signs(body: bytes) -> RawRequest:
    made = SignatureVerifier(SLACK).generate_signature(timestamp=str(SECONDS), body=body)
    return posted(body, {"X-Slack-Signature": str(made), "X-Slack-Request-Timestamp": str(SECONDS)})


@refuses(ValueError, TypeError)
def slack_accepts(request: RawRequest) -> bool:
    return SignatureVerifier(SLACK, clock=_FixedClock()).is_valid_request(request.body, dict(request.headers))


ORACLES = (
    Oracle(
        provider="slack",
        library="slack_sdk",
        environ={"SLACK_SIGNING_SECRET": SLACK},
        other_environ={"SLACK_SIGNING_SECRET": "another0secret0of0slack000000000"},
        signs=slack_signs,
        accepts=slack_accepts,
    ),
)
