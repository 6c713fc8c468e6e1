"""Payments and shops."""

from __future__ import annotations

from types import SimpleNamespace

import razorpay
import stripe
from paddle_billing.Notifications import Secret, Verifier
from paddle_billing.Notifications.PaddleSignature import PaddleSignature
from square.utils.webhooks_helper import verify_signature

from smart_api_integrations.core.webhook_schema import RawRequest
from tests.oracles.oracle import (
    FIXED_TIME,
    SECONDS,
    Oracle,
    digest,
    documented,
    header,
    in_base64,
    posted,
    refuses,
)

STRIPE = "whsec_sample_secret_of_stripe"
SQUARE = "sample-secret-of-square"
SQUARE_URL = "https://square.example.com/hooks?tenant=1"
RAZORPAY = "sample-secret-of-razorpay"
PADDLE = "pdl_ntfset_sample_secret_of_paddle"


def stripe_signs(body: bytes) -> RawRequest:
    made = stripe.WebhookSignature.generate_signature_header(body.decode(), STRIPE, timestamp=SECONDS)
    return posted(body, {"Stripe-Signature": made})


@refuses(stripe.SignatureVerificationError, ValueError, TypeError)
def stripe_accepts(request: RawRequest) -> None:
    stripe.WebhookSignature.verify_header(
        request.body.decode(), header(request, "Stripe-Signature"), STRIPE, tolerance=300
    )


@refuses(razorpay.errors.SignatureVerificationError, TypeError)
def razorpay_accepts(request: RawRequest) -> None:
    razorpay.Client(auth=("key", "unused")).utility.verify_webhook_signature(
        request.body.decode(), header(request, "X-Razorpay-Signature"), RAZORPAY
    )


def paddle_signs(body: bytes) -> RawRequest:
    made = PaddleSignature.calculate_hmac(PADDLE, f"{SECONDS}:".encode() + body).hexdigest()
    return posted(body, {"Paddle-Signature": f"ts={SECONDS};h1={made}"})


@refuses(ValueError, TypeError)
def paddle_accepts(request: RawRequest) -> bool:
    asked = SimpleNamespace(headers=dict(request.headers), body=request.body)
    return Verifier().verify(asked, Secret(PADDLE))


def square_accepts(request: RawRequest) -> bool:
    return bool(
        verify_signature(
            request_body=request.body.decode(),
            signature_header=header(request, "x-square-hmacsha256-signature"),
            signature_key=SQUARE,
            notification_url=SQUARE_URL,
        )
    )


ORACLES = (
    Oracle(
        provider="stripe",
        library="stripe",
        environ={"STRIPE_WEBHOOK_SECRET": STRIPE},
        other_environ={"STRIPE_WEBHOOK_SECRET": "whsec_another_secret_of_stripe"},
        signs=stripe_signs,
        accepts=stripe_accepts,
        clocks={"stripe._webhook:time": FIXED_TIME},
    ),
    Oracle(
        provider="razorpay",
        library="razorpay",
        environ={"RAZORPAY_WEBHOOK_SECRET": RAZORPAY},
        other_environ={"RAZORPAY_WEBHOOK_SECRET": "another-secret-of-razorpay"},
        # razorpay verifies only: https://razorpay.com/docs/webhooks/validate-test/
        signs=lambda body: posted(body, {"X-Razorpay-Signature": digest(RAZORPAY, body).hex()}),
        accepts=razorpay_accepts,
    ),
    Oracle(
        provider="paddle",
        library="paddle-python-sdk",
        environ={"PADDLE_WEBHOOK_SECRET": PADDLE},
        other_environ={"PADDLE_WEBHOOK_SECRET": "pdl_ntfset_another_secret_of_paddle"},
        signs=paddle_signs,
        accepts=paddle_accepts,
        clocks={"paddle_billing.Notifications.Verifier:time": lambda: float(SECONDS)},
    ),
    documented(
        "shopify",
        "SHOPIFY_WEBHOOK_SECRET",
        lambda secret, body: {"X-Shopify-Hmac-SHA256": in_base64(digest(secret, body))},
    ),
    documented(
        "woocommerce",
        "WOOCOMMERCE_WEBHOOK_SECRET",
        lambda secret, body: {"X-WC-Webhook-Signature": in_base64(digest(secret, body))},
    ),
    documented(
        "chargebee",
        "CHARGEBEE_WEBHOOK_SECRET",
        lambda secret, body: {"Authorization": f"Basic {in_base64(secret.encode())}"},
        covers_body=False,
    ),
    documented(
        "revenuecat",
        "REVENUECAT_WEBHOOK_SECRET",
        lambda secret, body: {"Authorization": f"Bearer {secret}"},
        covers_body=False,
    ),
    Oracle(
        provider="square",
        library="squareup",
        environ={"SQUARE_WEBHOOK_SECRET": SQUARE, "SQUARE_NOTIFICATION_URL": SQUARE_URL},
        other_environ={
            "SQUARE_WEBHOOK_SECRET": "another-secret-of-square",
            "SQUARE_NOTIFICATION_URL": SQUARE_URL,
        },
        # square verifies only: https://developer.squareup.com/docs/webhooks/step3validate
        signs=lambda body: posted(
            body,
            {"x-square-hmacsha256-signature": in_base64(digest(SQUARE, SQUARE_URL.encode() + body))},
            query="tenant=1",
        ),
        accepts=square_accepts,
    ),
)
