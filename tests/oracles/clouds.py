"""Azure Event Grid, CloudEvents, Google Pub/Sub, Microsoft Graph."""

from __future__ import annotations

import json
from typing import Any

import google.auth.exceptions
import google.auth.jwt
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from smart_api_integrations.core.webhook_schema import RawRequest
from tests.oracles.oracle import (
    DOCUMENTATION,
    NOW,
    PUBLIC_URL,
    SECONDS,
    Oracle,
    documented,
    header,
    posted,
    refuses,
    rsa_pair,
)

PUBSUB_KEY = rsa.generate_private_key(65537, 2048)
PUBSUB, PUBSUB_PUBLIC = rsa_pair(PUBSUB_KEY)
PUBSUB_STRANGER, PUBSUB_STRANGER_PUBLIC = rsa_pair(rsa.generate_private_key(65537, 2048))
PUBSUB_AUDIENCE = f"{PUBLIC_URL}/webhooks/google_pubsub"
PUBSUB_ACCOUNT = "push@project.iam.gserviceaccount.com"
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


ORACLES = (
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
