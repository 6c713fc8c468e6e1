"""What offices work with: Calendly, Intercom, Notion, Teams, Typeform, Zendesk, Zoom."""

from __future__ import annotations

import base64

from tests.oracles.oracle import NOW, SECONDS, digest, documented, in_base64

TIME = str(SECONDS)
ISO_TIME = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")


ORACLES = (
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
