"""Chat and telephones."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from discord_interactions import verify_key
from slack_sdk.signature import Clock, SignatureVerifier
from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature
from twilio.request_validator import RequestValidator, get_signature_algorithm

from smart_api_integrations.core.webhook_schema import RawRequest
from tests.oracles.oracle import (
    FIXED_TIME,
    FORM,
    JSON,
    PUBLIC_URL,
    SECONDS,
    Oracle,
    header,
    in_base64,
    key_of,
    posted,
    refuses,
)

DISCORD, TELNYX, STRANGER = key_of("discord"), key_of("telnyx"), key_of("stranger")
TWILIO = "sample0auth0token0of0twilio00000"
TWILIO_URL = f"{PUBLIC_URL}/webhooks/twilio"
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


def discord_signs(body: bytes) -> RawRequest:
    made = DISCORD.sign(str(SECONDS).encode() + body).signature.hex()
    return posted(body, {"X-Signature-Ed25519": made, "X-Signature-Timestamp": str(SECONDS)})


def discord_accepts(request: RawRequest) -> bool:
    signature, timestamp = header(request, "X-Signature-Ed25519"), header(request, "X-Signature-Timestamp")
    return bool(verify_key(request.body, signature, timestamp, bytes(DISCORD.verify_key).hex()))


def telnyx_signs(body: bytes) -> RawRequest:
    made = in_base64(TELNYX.sign(f"{SECONDS}|".encode() + body).signature)
    return posted(body, {"telnyx-signature-ed25519": made, "telnyx-timestamp": str(SECONDS)})


@refuses(WebhookVerificationError)
def telnyx_accepts(request: RawRequest) -> None:
    verify_webhook_signature(request.body, dict(request.headers), in_base64(bytes(TELNYX.verify_key)))


class Fields(dict[str, list[str]]):
    """A form with repeated fields, as Twilio's library takes it from Django."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def twilio_signs(body: bytes) -> RawRequest:
    validator = RequestValidator(TWILIO)
    if body.startswith((b"{", b"[")):
        query = f"bodySHA256={validator.compute_hash(body.decode())}"
        url, content_type, params = f"{TWILIO_URL}?{query}", JSON, Fields()
    else:
        query, url, content_type = "", TWILIO_URL, FORM
        params = Fields(parse_qs(body.decode(), keep_blank_values=True))
    made = {"X-Twilio-Signature": validator.compute_signature(url, params)}
    return posted(body, made, content_type=content_type, query=query, public_url=url)


@refuses(TypeError)
def twilio_accepts(request: RawRequest) -> bool:
    is_form = header(request, "Content-Type") == FORM
    text = request.body.decode()
    params: Any = Fields(parse_qs(text, keep_blank_values=True)) if is_form else text
    algorithm = get_signature_algorithm(request.headers.get("X-Twilio-Webhooks-Signature-Settings"))
    return bool(
        RequestValidator(TWILIO).validate(
            request.public_url, params, header(request, "X-Twilio-Signature"), algorithm
        )
    )


ORACLES = (
    Oracle(
        provider="discord",
        library="discord-interactions",
        environ={"DISCORD_PUBLIC_KEY": bytes(DISCORD.verify_key).hex()},
        other_environ={"DISCORD_PUBLIC_KEY": bytes(STRANGER.verify_key).hex()},
        signs=discord_signs,
        accepts=discord_accepts,
        signer=bytes(DISCORD).hex(),
        other_signer=bytes(STRANGER).hex(),
    ),
    Oracle(
        provider="telnyx",
        library="telnyx",
        environ={"TELNYX_PUBLIC_KEY": in_base64(bytes(TELNYX.verify_key))},
        other_environ={"TELNYX_PUBLIC_KEY": in_base64(bytes(STRANGER.verify_key))},
        signs=telnyx_signs,
        accepts=telnyx_accepts,
        clocks={"telnyx.lib.webhook_verification:time": FIXED_TIME},
        signer=in_base64(bytes(TELNYX)),
        other_signer=in_base64(bytes(STRANGER)),
    ),
    Oracle(
        provider="twilio",
        library="twilio",
        environ={"TWILIO_AUTH_TOKEN": TWILIO},
        other_environ={"TWILIO_AUTH_TOKEN": "another0auth0token0of0twilio0000"},
        signs=twilio_signs,
        accepts=twilio_accepts,
        bodies=(
            b"MessageSid=SM1&MessageStatus=sent&Body=a+b%26c%2B1",
            b"MediaUrl=b1&MediaUrl=a&MediaUrl=a&Zip=%C3%BC1&Body=",
            b'[{"type":"com.twilio.messaging.message.sent","id":"EZ1"}]',
        ),
        any_body=False,
    ),
    Oracle(
        provider="slack",
        library="slack_sdk",
        environ={"SLACK_SIGNING_SECRET": SLACK},
        other_environ={"SLACK_SIGNING_SECRET": "another0secret0of0slack000000000"},
        signs=slack_signs,
        accepts=slack_accepts,
    ),
)
