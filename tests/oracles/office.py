"""What offices work with.

Asana, Calendly, DocuSign, Dropbox, HubSpot, Intercom, Linear, monday, Notion, Teams, Trello,
Typeform, Zendesk, Zoom.
"""

from __future__ import annotations

import base64

import jwt
from hubspot.exceptions import InvalidSignatureTimestampError
from hubspot.utils.signature import Signature
from jwt.types import Options

from smart_api_integrations.core.webhook_schema import RawRequest
from tests.oracles.oracle import (
    DOCUMENTATION,
    NOW,
    SECONDS,
    FixedDatetime,
    Oracle,
    digest,
    documented,
    header,
    in_base64,
    posted,
    refuses,
)

TIME = str(SECONDS)
ISO_TIME = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")


HUBSPOT = "f0e9d8c7-b6a5-4321-8765-0fedcba98765"
MONDAY = "sample-signing-secret-of-monday-app"
TRELLO = "sample-secret-of-trello"
URL = "https://hooks.example.com/webhooks/sample"


def hubspot_signs(body: bytes) -> RawRequest:
    made = Signature.get_signature(HUBSPOT, body.decode(), "v3", URL, "POST", f"{TIME}000")
    headers = {"X-HubSpot-Signature-v3": made, "X-HubSpot-Request-Timestamp": f"{TIME}000"}
    return posted(body, headers, public_url=URL)


@refuses(InvalidSignatureTimestampError, TypeError)
def hubspot_accepts(request: RawRequest) -> bool:
    return Signature.is_valid(
        header(request, "X-HubSpot-Signature-v3"),
        HUBSPOT,
        request.body.decode(),
        http_uri=request.public_url or "",
        signature_version="v3",
        timestamp=header(request, "X-HubSpot-Request-Timestamp"),
    )


def monday_signs(body: bytes) -> RawRequest:
    claims = {"accountId": 1, "userId": 1, "aud": URL, "exp": SECONDS + 300, "iat": SECONDS}
    return posted(body, {"Authorization": jwt.encode(claims, MONDAY, algorithm="HS256")})


@refuses(jwt.PyJWTError, KeyError)
def monday_accepts(request: RawRequest) -> bool:
    # https://developer.monday.com/apps/docs/integration-authorization
    unclocked: Options = {"verify_aud": False, "verify_exp": False, "verify_iat": False, "verify_nbf": False}
    token = header(request, "Authorization").removeprefix("Bearer ")
    claims = jwt.decode(token, MONDAY, algorithms=["HS256"], options=unclocked)
    return claims["exp"] >= SECONDS


def trello_header(request: RawRequest) -> str:
    # https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/
    return in_base64(digest(TRELLO, request.body + (request.public_url or "").encode(), "sha1"))


def trello_signs(body: bytes) -> RawRequest:
    made = trello_header(posted(body, {}, public_url=URL))
    return posted(body, {"X-Trello-Webhook": made}, public_url=URL)


def trello_accepts(request: RawRequest) -> bool:
    return header(request, "X-Trello-Webhook") == trello_header(request)


ORACLES = (
    Oracle(
        provider="monday",
        library=DOCUMENTATION,
        environ={"MONDAY_WEBHOOK_SECRET": MONDAY},
        other_environ={"MONDAY_WEBHOOK_SECRET": "another-signing-secret-of-monday-app"},
        signs=monday_signs,
        accepts=monday_accepts,
        covers_body=False,
    ),
    Oracle(
        provider="hubspot",
        library="hubspot-api-client",
        environ={"HUBSPOT_CLIENT_SECRET": HUBSPOT},
        other_environ={"HUBSPOT_CLIENT_SECRET": "another-secret-of-hubspot"},
        signs=hubspot_signs,
        accepts=hubspot_accepts,
        clocks={"hubspot.utils.signature:datetime": FixedDatetime},
    ),
    Oracle(
        provider="trello",
        library=DOCUMENTATION,
        environ={"TRELLO_API_SECRET": TRELLO},
        other_environ={"TRELLO_API_SECRET": "another-secret-of-trello"},
        signs=trello_signs,
        accepts=trello_accepts,
    ),
    documented(  # https://developers.asana.com/docs/webhooks-guide
        "asana",
        "ASANA_WEBHOOK_SECRET",
        lambda key, body: {"X-Hook-Signature": digest(key, body).hex()},
    ),
    documented(  # https://developers.docusign.com/platform/webhooks/connect/validate/
        "docusign",
        "DOCUSIGN_HMAC_KEY",
        lambda key, body: {"X-DocuSign-Signature-1": in_base64(digest(key, body))},
    ),
    documented(  # https://www.dropbox.com/developers/reference/webhooks
        "dropbox",
        "DROPBOX_APP_SECRET",
        lambda key, body: {"X-Dropbox-Signature": digest(key, body).hex()},
    ),
    documented(  # https://linear.app/developers/webhooks
        "linear",
        "LINEAR_WEBHOOK_SECRET",
        lambda key, body: {"Linear-Signature": digest(key, body).hex()},
        bodies=(b'{"action":"create","type":"Issue","webhookTimestamp":%d000}' % SECONDS,),
        any_body=False,
    ),
    documented(  # https://developer.calendly.com/api-docs/4c305798a61d3-webhook-signatures
        "calendly",
        "CALENDLY_WEBHOOK_SECRET",
        lambda key, body: {
            "Calendly-Webhook-Signature": f"t={TIME},v1={digest(key, f'{TIME}.'.encode() + body).hex()}"
        },
    ),
    documented(  # https://developers.intercom.com/docs/webhooks/setting-up-webhooks
        "intercom",
        "INTERCOM_CLIENT_SECRET",
        lambda key, body: {"X-Hub-Signature": f"sha1={digest(key, body, 'sha1').hex()}"},
    ),
    documented(  # https://developers.notion.com/reference/webhooks
        "notion",
        "NOTION_WEBHOOK_SECRET",
        lambda key, body: {"X-Notion-Signature": f"sha256={digest(key, body).hex()}"},
    ),
    documented(  # https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/
        "teams",
        "TEAMS_WEBHOOK_SECRET",
        lambda key, body: {"Authorization": f"HMAC {in_base64(digest(base64.b64decode(key), body))}"},
        secrets=("c2FtcGxlLXNlY3JldC1vZi10ZWFtcw==", "YW5vdGhlci1zZWNyZXQtb2YtdGVhbXM="),
    ),
    documented(  # https://www.typeform.com/developers/webhooks/secure-your-webhooks/
        "typeform",
        "TYPEFORM_WEBHOOK_SECRET",
        lambda key, body: {"Typeform-Signature": f"sha256={in_base64(digest(key, body))}"},
    ),
    documented(  # https://developer.zendesk.com/documentation/webhooks/verifying/
        "zendesk",
        "ZENDESK_WEBHOOK_SECRET",
        lambda key, body: {
            "X-Zendesk-Webhook-Signature-Timestamp": ISO_TIME,
            "X-Zendesk-Webhook-Signature": in_base64(digest(key, ISO_TIME.encode() + body)),
        },
    ),
    documented(  # https://developers.zoom.us/docs/api/webhooks/
        "zoom",
        "ZOOM_WEBHOOK_SECRET",
        lambda key, body: {
            "x-zm-request-timestamp": TIME,
            "x-zm-signature": f"v0={digest(key, f'v0:{TIME}:'.encode() + body).hex()}",
        },
    ),
)
