"""Chat and telephones."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import parse_qs

import jwt
import messagebird.error
import vonage_jwt
from discord_interactions import verify_key
from messagebird.request_validator import RequestValidator as RequestValidatorOfMessageBird
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
    FixedDatetime,
    Oracle,
    header,
    in_base64,
    key_of,
    posted,
    refuses,
)

DISCORD, TELNYX, STRANGER = key_of("discord"), key_of("telnyx"), key_of("stranger")
VONAGE = "sample-signature-secret-of-vonage"
MESSAGEBIRD = "sample-signing-key-of-messagebird"
MESSAGEBIRD_URL = f"{PUBLIC_URL}/webhooks/messagebird"
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


def token_of(secret: str, body: bytes, **claims: Any) -> str:
    known = {"jti": "1", "payload_hash": hashlib.sha256(body).hexdigest()}
    return jwt.encode({**known, **claims}, secret, algorithm="HS256")


def vonage_signs(body: bytes) -> RawRequest:
    # https://developer.vonage.com/en/getting-started/concepts/webhooks
    made = token_of(VONAGE, body, iss="Vonage", iat=SECONDS)
    return posted(body, {"Authorization": f"Bearer {made}"})


@refuses(vonage_jwt.VonageVerifyJwtError)
def vonage_accepts(request: RawRequest) -> bool:
    token = header(request, "Authorization").removeprefix("Bearer ")
    if not vonage_jwt.verify_signature(token, VONAGE):
        return False
    claims = jwt.decode(token, options={"verify_signature": False})  # vonage_jwt does not look at the body
    return bool(claims.get("payload_hash") == hashlib.sha256(request.body).hexdigest())


def messagebird_signs(body: bytes) -> RawRequest:
    # https://developers.messagebird.com/api/#verifying-http-requests
    url = hashlib.sha256(MESSAGEBIRD_URL.encode()).hexdigest()
    made = token_of(MESSAGEBIRD, body, iss="MessageBird", nbf=SECONDS, exp=SECONDS + 60, url_hash=url)
    return posted(body, {"MessageBird-Signature-JWT": made}, public_url=MESSAGEBIRD_URL)


@refuses(messagebird.error.ValidationError)
def messagebird_accepts(request: RawRequest) -> None:
    validator = RequestValidatorOfMessageBird(MESSAGEBIRD)
    validator.validate_signature(
        header(request, "MessageBird-Signature-JWT"), request.public_url, request.body
    )


ORACLES = (
    Oracle(
        provider="vonage",
        library="vonage-jwt",
        environ={"VONAGE_SIGNATURE_SECRET": VONAGE},
        other_environ={"VONAGE_SIGNATURE_SECRET": "another-signature-secret-of-vonage"},
        signs=vonage_signs,
        accepts=vonage_accepts,
    ),
    Oracle(
        provider="messagebird",
        library="messagebird",
        environ={"MESSAGEBIRD_SIGNING_KEY": MESSAGEBIRD},
        other_environ={"MESSAGEBIRD_SIGNING_KEY": "another-signing-key-of-messagebird"},
        signs=messagebird_signs,
        accepts=messagebird_accepts,
        clocks={"jwt.api_jwt:datetime": FixedDatetime},
    ),
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
