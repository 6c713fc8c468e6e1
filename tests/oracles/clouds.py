"""AWS SNS, Azure Event Grid, CloudEvents, Google Pub/Sub, Microsoft Graph."""

from __future__ import annotations

import base64
import json
from typing import Any

import google.auth.exceptions
import google.auth.jwt
import jwt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from smart_api_integrations.core.webhook_schema import RawRequest
from tests.oracles.oracle import (
    DOCUMENTATION,
    NOW,
    PUBLIC_URL,
    SECONDS,
    Oracle,
    documented,
    header,
    in_base64,
    pem_pair,
    posted,
    refuses,
)

PUBSUB_KEY = rsa.generate_private_key(65537, 2048)
PUBSUB, PUBSUB_PUBLIC = pem_pair(PUBSUB_KEY)
PUBSUB_STRANGER, PUBSUB_STRANGER_PUBLIC = pem_pair(rsa.generate_private_key(65537, 2048))
PUBSUB_AUDIENCE = f"{PUBLIC_URL}/webhooks/google_pubsub"
PUBSUB_ACCOUNT = "push@project.iam.gserviceaccount.com"
SNS_KEY = rsa.generate_private_key(65537, 2048)
SNS, SNS_PUBLIC = pem_pair(SNS_KEY)
SNS_STRANGER, SNS_STRANGER_PUBLIC = pem_pair(rsa.generate_private_key(65537, 2048))
SNS_TOPIC = "arn:aws:sns:us-east-1:123456789012:orders"
SNS_ASKED = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
SNS_HASHES = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303  # SHA-1 is what version 1 signs
SNS_NOTICE = {
    "Type": "Notification",
    "MessageId": "1",
    "TopicArn": SNS_TOPIC,
    "Message": "Zürich {timestamp} $& ✓\nSubject\nno",
    "Timestamp": "2026-11-22T12:00:00.000Z",
    "SignatureVersion": "2",
    "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
}
SNS_ANSWERED = {**SNS_NOTICE, "Token": "1", "SubscribeURL": "https://sns.us-east-1.amazonaws.com/?Token=1"}
GRAPH = "sample-client-state-of-graph"
NOTICE = {"subscriptionId": "1", "changeType": "created", "clientState": GRAPH}


@refuses(ValueError, KeyError, TypeError)
def graph_accepts(request: RawRequest) -> bool:
    # https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks: every item carries it
    items = json.loads(request.body)["value"]
    return bool(items) and all(item["clientState"] == GRAPH for item in items)


def pubsub_token(**claims: Any) -> str:
    known = {
        "aud": PUBSUB_AUDIENCE,
        "email": PUBSUB_ACCOUNT,
        "email_verified": True,
        "exp": SECONDS + 3600,
        "iat": SECONDS,
        "iss": "https://accounts.google.com",
    }
    return jwt.encode({**known, **claims}, PUBSUB_KEY, algorithm="RS256", headers={"kid": "1"})


@refuses(google.auth.exceptions.GoogleAuthError, ValueError)
def pubsub_accepts(request: RawRequest) -> bool:
    # https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions#validate_tokens
    token = header(request, "Authorization").removeprefix("Bearer ")
    claims = google.auth.jwt.decode(token, certs=PUBSUB_PUBLIC, audience=PUBSUB_AUDIENCE)
    return claims["email"] == PUBSUB_ACCOUNT and claims["email_verified"] is True


def sns_text(message: dict[str, str]) -> bytes:
    # https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html
    kinds = {
        "Notification": ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
        "SubscriptionConfirmation": SNS_ASKED,
        "UnsubscribeConfirmation": SNS_ASKED,
    }
    names = kinds[message["Type"]]
    there = [name for name in names if name != "Subject" or name in message]
    return "".join(f"{name}\n{message[name]}\n" for name in there).encode()


def sns_signs(body: bytes) -> RawRequest:
    message = json.loads(body)
    made = SNS_KEY.sign(sns_text(message), padding.PKCS1v15(), SNS_HASHES[message["SignatureVersion"]])
    signed = json.dumps({**message, "Signature": in_base64(made)}).encode()
    headers = {"x-amz-sns-message-type": message["Type"]}
    return posted(signed, headers, content_type="text/plain; charset=UTF-8")


@refuses(InvalidSignature, ValueError, KeyError, TypeError)
def sns_accepts(request: RawRequest) -> bool:
    message = json.loads(request.body)
    made = base64.b64decode(message["Signature"], validate=True)
    algorithm = SNS_HASHES[message["SignatureVersion"]]
    SNS_KEY.public_key().verify(made, sns_text(message), padding.PKCS1v15(), algorithm)
    return message["TopicArn"] == SNS_TOPIC


ORACLES = (
    Oracle(
        provider="aws_sns",
        library=DOCUMENTATION,
        environ={"AWS_SNS_TOPIC_ARN": SNS_TOPIC},
        other_environ={"AWS_SNS_TOPIC_ARN": SNS_TOPIC},
        signs=sns_signs,
        accepts=sns_accepts,
        bodies=tuple(
            json.dumps(message).encode()
            for message in (
                {**SNS_NOTICE, "Subject": "Order"},
                SNS_NOTICE,
                {**SNS_NOTICE, "SignatureVersion": "1"},
                {**SNS_ANSWERED, "Type": "SubscriptionConfirmation"},
                {**SNS_ANSWERED, "Type": "UnsubscribeConfirmation"},
            )
        ),
        covers_body=False,  # its fields, by name, and not how they are written down
        any_body=False,
        any_event=False,
        signer=SNS,
        other_signer=SNS_STRANGER,
        fetched=SNS_PUBLIC,
        other_fetched=SNS_STRANGER_PUBLIC,
    ),
    Oracle(
        provider="google_pubsub",
        library="google-auth",
        environ={
            "GOOGLE_PUBSUB_AUDIENCE": PUBSUB_AUDIENCE,
            "GOOGLE_PUBSUB_SERVICE_ACCOUNT": PUBSUB_ACCOUNT,
        },
        other_environ={
            "GOOGLE_PUBSUB_AUDIENCE": PUBSUB_AUDIENCE,
            "GOOGLE_PUBSUB_SERVICE_ACCOUNT": PUBSUB_ACCOUNT,
        },
        signs=lambda body: posted(body, {"Authorization": f"Bearer {pubsub_token()}"}),
        accepts=pubsub_accepts,
        clocks={"google.auth._helpers:utcnow": lambda: NOW.replace(tzinfo=None)},
        covers_body=False,
        signer=PUBSUB,
        other_signer=PUBSUB_STRANGER,
        fetched=PUBSUB_PUBLIC,
        other_fetched=PUBSUB_STRANGER_PUBLIC,
    ),
    documented(  # https://learn.microsoft.com/en-us/azure/event-grid/secure-webhook-delivery
        "azure_event_grid",
        "AZURE_EVENT_GRID_WEBHOOK_SECRET",
        lambda key, _body: {"aeg-sas-key": key},
        covers_body=False,
    ),
    documented(  # https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md
        "cloudevents",
        "CLOUDEVENTS_WEBHOOK_TOKEN",
        lambda key, _body: {"Authorization": f"Bearer {key}"},
        covers_body=False,
    ),
    Oracle(
        provider="microsoft_graph",
        library=DOCUMENTATION,
        environ={"MICROSOFT_GRAPH_CLIENT_STATE": GRAPH},
        other_environ={"MICROSOFT_GRAPH_CLIENT_STATE": "another-client-state-of-graph"},
        signs=lambda body: posted(body, {}),
        accepts=graph_accepts,
        bodies=(json.dumps({"value": [NOTICE, NOTICE]}).encode(),),
        covers_body=False,
        any_body=False,
    ),
)
