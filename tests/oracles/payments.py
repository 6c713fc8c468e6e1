"""Stripe, and the shops: Shopify."""

from __future__ import annotations

import stripe

from smart_api_integrations.core.webhook_schema import RawRequest
from tests.oracles.oracle import (
    DOCUMENTATION,
    FIXED_TIME,
    SECONDS,
    Oracle,
    digest,
    header,
    in_base64,
    posted,
    refuses,
)

STRIPE = "whsec_sample_secret_of_stripe"
SHOPIFY = "shpss_sample_secret_of_shopify"


def stripe_signs(body: bytes) -> RawRequest:
    made = stripe.WebhookSignature.generate_signature_header(body.decode(), STRIPE, timestamp=SECONDS)
    return posted(body, {"Stripe-Signature": made})


@refuses(stripe.SignatureVerificationError, ValueError, TypeError)
def stripe_accepts(request: RawRequest) -> None:
    stripe.WebhookSignature.verify_header(
        request.body.decode(), header(request, "Stripe-Signature"), STRIPE, tolerance=300
    )


def shopify_signs(body: bytes) -> RawRequest:
    # https://shopify.dev/docs/apps/build/webhooks/subscribe/https: base64 of the body's HMAC-SHA256
    return posted(body, {"X-Shopify-Hmac-SHA256": in_base64(digest(SHOPIFY, body))})


def shopify_accepts(request: RawRequest) -> bool:
    return header(request, "X-Shopify-Hmac-SHA256") == in_base64(digest(SHOPIFY, request.body))


ORACLES = (
    Oracle(
        provider="stripe",
        library="stripe",
        environ={"STRIPE_WEBHOOK_SECRET": STRIPE},
        other_environ={"STRIPE_WEBHOOK_SECRET": "whsec_another_secret_of_stripe"},
        signs=stripe_signs,
        accepts=stripe_accepts,
        clocks={"stripe._webhook.time": FIXED_TIME},
    ),
    Oracle(
        provider="shopify",
        library=DOCUMENTATION,
        environ={"SHOPIFY_WEBHOOK_SECRET": SHOPIFY},
        other_environ={"SHOPIFY_WEBHOOK_SECRET": "shpss_another_secret_of_shopify"},
        signs=shopify_signs,
        accepts=shopify_accepts,
    ),
)
