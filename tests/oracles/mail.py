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
from anymail.webhooks.postmark import PostmarkTrackingWebhookView

from smart_api_integrations.core.webhook_schema import RawRequest
from tests.oracles.oracle import (
    FIXED_TIME,
    FORM,
    JSON,
    NOW,
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


ORACLES = (
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
