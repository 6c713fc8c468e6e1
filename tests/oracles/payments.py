"""Payments and shops."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from types import SimpleNamespace

import gocardless_pro.errors
import gocardless_pro.webhooks
import jwt
import razorpay
import stripe
from Adyen.util import generate_notification_sig, is_valid_hmac_notification
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.types import Options
from paddle_billing.Notifications import Secret, Verifier
from paddle_billing.Notifications.PaddleSignature import PaddleSignature
from square.utils.webhooks_helper import verify_signature

from smart_api_integrations.core.webhook_schema import RawRequest
from tests.oracles.oracle import (
    DOCUMENTATION,
    FIXED_TIME,
    NOW,
    SECONDS,
    Oracle,
    digest,
    documented,
    header,
    in_base64,
    pem_pair,
    posted,
    refuses,
)

PAYPAL_KEY = rsa.generate_private_key(65537, 2048)
PAYPAL, PAYPAL_PUBLIC = pem_pair(PAYPAL_KEY)
STRANGER, STRANGER_PUBLIC = pem_pair(rsa.generate_private_key(65537, 2048))
PLAID_KEY = ec.generate_private_key(ec.SECP256R1())
PLAID, PLAID_PUBLIC = pem_pair(PLAID_KEY)
PLAID_STRANGER, PLAID_STRANGER_PUBLIC = pem_pair(ec.generate_private_key(ec.SECP256R1()))
PLAID_ENVIRON = {"PLAID_CLIENT_ID": "sample-client-of-plaid", "PLAID_SECRET": "sample-secret-of-plaid"}
PAYPAL_WEBHOOK_ID = "5L518819FA0214926"
STRIPE = "whsec_sample_secret_of_stripe"
GOCARDLESS = "sample-secret-of-gocardless"
ADYEN = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
ADYEN_BODY = (
    b'{"live":"false","notificationItems":[{"NotificationRequestItem":{"pspReference":"1","merchantAccountCode":'
    b'"Octo","merchantReference":"1042","amount":{"value":1130,"currency":"EUR"},"eventCode":"AUTHORISATION",'
    b'"success":"true"}}]}'
)
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


def paypal_signs(body: bytes) -> RawRequest:
    # https://developer.paypal.com/api/rest/webhooks/rest/#link-selfverificationmethod
    time = NOW.isoformat().replace("+00:00", "Z")
    signed = f"transmission-1|{time}|{PAYPAL_WEBHOOK_ID}|{zlib.crc32(body)}".encode()
    made = PAYPAL_KEY.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    headers = {
        "PAYPAL-AUTH-ALGO": "SHA256withRSA",
        "PAYPAL-CERT-URL": "https://api.paypal.com/v1/notifications/certs/CERT-1",
        "PAYPAL-TRANSMISSION-ID": "transmission-1",
        "PAYPAL-TRANSMISSION-TIME": time,
        "PAYPAL-TRANSMISSION-SIG": in_base64(made),
    }
    return posted(body, headers)


@refuses(InvalidSignature, ValueError)
def paypal_accepts(request: RawRequest) -> bool:
    # paypalrestsdk verifies with a function that pyOpenSSL no longer has
    names = ("PAYPAL-TRANSMISSION-ID", "PAYPAL-TRANSMISSION-TIME")
    words = [header(request, name) for name in names]
    signed = "|".join([*words, PAYPAL_WEBHOOK_ID, str(zlib.crc32(request.body))])
    key = load_pem_public_key(PAYPAL_PUBLIC)
    assert isinstance(key, rsa.RSAPublicKey)
    made = base64.b64decode(header(request, "PAYPAL-TRANSMISSION-SIG"), validate=True)
    key.verify(made, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return all(words) and header(request, "PAYPAL-AUTH-ALGO") == "SHA256withRSA"


def plaid_signs(body: bytes) -> RawRequest:
    claims = {"iat": SECONDS, "request_body_sha256": hashlib.sha256(body).hexdigest()}
    return posted(
        body,
        {"Plaid-Verification": jwt.encode(claims, PLAID_KEY, algorithm="ES256", headers={"kid": "1"})},
    )


@refuses(jwt.PyJWTError, KeyError)
def plaid_accepts(request: RawRequest) -> bool:
    # https://plaid.com/docs/api/webhooks/webhook-verification/
    unclocked: Options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    token = header(request, "Plaid-Verification")
    claims = jwt.decode(token, PLAID_PUBLIC, algorithms=["ES256"], options=unclocked)
    fresh = abs(SECONDS - claims["iat"]) <= 300
    return fresh and claims["request_body_sha256"] == hashlib.sha256(request.body).hexdigest()


@refuses(gocardless_pro.errors.InvalidSignatureError, TypeError)
def gocardless_accepts(request: RawRequest) -> None:
    gocardless_pro.webhooks.parse(request.body, GOCARDLESS, header(request, "Webhook-Signature"))


def adyen_signs(body: bytes) -> RawRequest:
    payload = json.loads(body)
    for each in payload["notificationItems"]:
        item = each["NotificationRequestItem"]
        made = generate_notification_sig(item, ADYEN).decode()
        item["additionalData"] = {"hmacSignature": made}
    return posted(json.dumps(payload).encode(), {})


@refuses(ValueError, KeyError, TypeError)
def adyen_accepts(request: RawRequest) -> bool:
    # Adyen's own function looks at the first item only: it is asked for each
    items = json.loads(request.body)["notificationItems"]
    return all(is_valid_hmac_notification({"notificationItems": [each]}, ADYEN) is True for each in items)


ORACLES = (
    Oracle(
        provider="paypal",
        library=DOCUMENTATION,
        environ={"PAYPAL_WEBHOOK_ID": PAYPAL_WEBHOOK_ID},
        other_environ={"PAYPAL_WEBHOOK_ID": PAYPAL_WEBHOOK_ID},
        signs=paypal_signs,
        accepts=paypal_accepts,
        signer=PAYPAL,
        other_signer=STRANGER,
        fetched=PAYPAL_PUBLIC,
        other_fetched=STRANGER_PUBLIC,
    ),
    Oracle(
        provider="plaid",
        library=DOCUMENTATION,
        environ=PLAID_ENVIRON,
        other_environ=PLAID_ENVIRON,
        signs=plaid_signs,
        accepts=plaid_accepts,
        signer=PLAID,
        other_signer=PLAID_STRANGER,
        fetched=PLAID_PUBLIC,
        other_fetched=PLAID_STRANGER_PUBLIC,
    ),
    Oracle(
        provider="gocardless",
        library="gocardless_pro",
        environ={"GOCARDLESS_WEBHOOK_SECRET": GOCARDLESS},
        other_environ={"GOCARDLESS_WEBHOOK_SECRET": "another-secret-of-gocardless"},
        # gocardless_pro verifies only: its page says the body's HMAC in hexadecimal
        signs=lambda body: posted(body, {"Webhook-Signature": digest(GOCARDLESS, body).hex()}),
        accepts=gocardless_accepts,
        bodies=(b'{"events":[{"id":"EV1","resource_type":"payments","action":"confirmed"}],"meta":{}}',),
        any_body=False,
    ),
    Oracle(
        provider="adyen",
        library="Adyen",
        environ={"ADYEN_HMAC_KEY": ADYEN},
        other_environ={"ADYEN_HMAC_KEY": "A" * 64},
        signs=adyen_signs,
        accepts=adyen_accepts,
        bodies=(ADYEN_BODY,),
        covers_body=False,  # eight fields of each item, and nothing else
        any_body=False,
        any_event=False,
    ),
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
