"""Mail services."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import resend
import svix
from anymail.exceptions import AnymailWebhookValidationFailure
from anymail.webhooks.mailgun import MailgunTrackingWebhookView
from anymail.webhooks.mandrill import MandrillCombinedWebhookView
from anymail.webhooks.postmark import PostmarkTrackingWebhookView
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sendgrid.helpers.eventwebhook import EventWebhook

from smart_api_integrations.core.webhook_schema import RawRequest
from tests.oracles.oracle import (
    FIXED_TIME,
    FORM,
    JSON,
    NOW,
    PUBLIC_URL,
    SECONDS,
    FixedDatetime,
    Oracle,
    digest,
    header,
    in_base64,
    posted,
    refuses,
)

RESEND = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
POSTMARK = "hooks:sample-password-of-postmark"
MAILGUN = "sample-signing-key-of-mailgun"
SENDGRID = ec.derive_private_key(1042, ec.SECP256R1())
SENDGRID_STRANGER = ec.derive_private_key(1043, ec.SECP256R1())
MANDRILL = "sample-webhook-key-of-mandrill"
MANDRILL_URL = f"{PUBLIC_URL}/webhooks/mandrill"
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


def view_of(kind: type[Any], **settings: Any) -> Any:
    """Make one of anymail's views without Django's settings, which it reads when it is made."""
    view = object.__new__(kind)
    view.basic_auth = settings.pop("basic_auth", [])
    for name, value in settings.items():
        setattr(view, name, value)
    return view


def asked(request: RawRequest) -> SimpleNamespace:
    """Return what anymail reads of a Django request."""
    meta = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
    return SimpleNamespace(
        META=meta,
        body=request.body,
        content_type=header(request, "Content-Type").partition(";")[0],
        POST=Form(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)),
    )


class Form(dict[str, str]):
    """Django's ``QueryDict``, as far as anymail uses it."""

    def dict(self) -> Mapping[str, str]:
        return self


@refuses(AnymailWebhookValidationFailure)
def postmark_accepts(request: RawRequest) -> None:
    view_of(PostmarkTrackingWebhookView, basic_auth=[POSTMARK]).validate_request(asked(request))


def mailgun_signs(body: bytes) -> RawRequest:
    # https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
    token = "b1ee4d9d6a8c0e4d4f7f1d0f8f7e6a5b"
    made = digest(MAILGUN, f"{SECONDS}{token}".encode()).hex()
    if not body.startswith(b"{"):
        whole = f"{body.decode()}&timestamp={SECONDS}&token={token}&signature={made}".encode()
        return posted(whole, {}, content_type=FORM)
    signature = {"timestamp": str(SECONDS), "token": token, "signature": made}
    return posted(json.dumps({**json.loads(body), "signature": signature}).encode(), {})


@refuses(AnymailWebhookValidationFailure)
def mailgun_accepts(request: RawRequest) -> None:
    view = view_of(MailgunTrackingWebhookView, webhook_signing_key=MAILGUN.encode())
    asks = asked(request)
    asks.content_type = JSON if request.body.startswith(b"{") else FORM  # we go by the body, not by its name
    view.validate_request(asks)


def sendgrid_signs(body: bytes) -> RawRequest:
    # sendgrid verifies only: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
    made = SENDGRID.sign(str(SECONDS).encode() + body, ec.ECDSA(hashes.SHA256()))
    name = "X-Twilio-Email-Event-Webhook"
    return posted(body, {f"{name}-Signature": in_base64(made), f"{name}-Timestamp": str(SECONDS)})


@refuses(ValueError)
def sendgrid_accepts(request: RawRequest) -> bool:
    name = "X-Twilio-Email-Event-Webhook"
    signature, timestamp = header(request, f"{name}-Signature"), header(request, f"{name}-Timestamp")
    return (
        EventWebhook(public(SENDGRID)).verify_signature(request.body.decode(), signature, timestamp) is True
    )


def public(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the public key as SendGrid shows it: PEM's base64 without its armour."""
    return in_base64(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def private(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the private key as PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@refuses(AnymailWebhookValidationFailure)
def mandrill_accepts(request: RawRequest) -> None:
    view = view_of(MandrillCombinedWebhookView, webhook_key=MANDRILL.encode(), webhook_url=request.public_url)
    view.validate_request(asked(request))


def mandrill_signs(body: bytes) -> RawRequest:
    # https://mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks/
    fields = sorted(parse_qsl(body.decode(), keep_blank_values=True))
    text = MANDRILL_URL + "".join(name + value for name, value in fields)
    made = in_base64(digest(MANDRILL, text.encode(), "sha1"))
    return posted(body, {"X-Mandrill-Signature": made}, content_type=FORM, public_url=MANDRILL_URL)


ORACLES = (
    Oracle(
        provider="sendgrid",
        library="sendgrid",
        environ={"SENDGRID_PUBLIC_KEY": public(SENDGRID)},
        other_environ={"SENDGRID_PUBLIC_KEY": public(SENDGRID_STRANGER)},
        signs=sendgrid_signs,
        accepts=sendgrid_accepts,
        bodies=(
            b'[{"event":"delivered","sg_event_id":"1"}]',
            '[{"event":"open","note":"Zürich ✓1"}]'.encode(),
        ),
        signer=private(SENDGRID),
        other_signer=private(SENDGRID_STRANGER),
    ),
    Oracle(
        provider="mandrill",
        library="django-anymail",
        environ={"MANDRILL_WEBHOOK_SECRET": MANDRILL},
        other_environ={"MANDRILL_WEBHOOK_SECRET": "another-webhook-key-of-mandrill"},
        signs=mandrill_signs,
        accepts=mandrill_accepts,
        bodies=(b"mandrill_events=%5B%7B%22event%22%3A%22send%22%2C%22_id%22%3A%221%22%7D%5D",),
        any_body=False,
        any_event=False,
    ),
    Oracle(
        provider="postmark",
        library="django-anymail",
        environ={"POSTMARK_WEBHOOK_SECRET": POSTMARK},
        other_environ={"POSTMARK_WEBHOOK_SECRET": "hooks:another-password-of-postmark"},
        signs=lambda body: posted(body, {"Authorization": f"Basic {in_base64(POSTMARK.encode())}"}),
        accepts=postmark_accepts,
        covers_body=False,
    ),
    Oracle(
        provider="mailgun",
        library="django-anymail",
        environ={"MAILGUN_SIGNING_KEY": MAILGUN},
        other_environ={"MAILGUN_SIGNING_KEY": "another-signing-key-of-mailgun"},
        signs=mailgun_signs,
        accepts=mailgun_accepts,
        bodies=(
            b'{"event-data":{"event":"delivered","id":"1"}}',
            b"event=opened&recipient=ada%40example.com",
        ),
        covers_body=False,
        any_body=False,
    ),
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
