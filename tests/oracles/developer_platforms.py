"""What developers build on: Cloudflare, Svix, OpenAI, ElevenLabs, Heroku, Vercel, Webflow."""

from __future__ import annotations

import elevenlabs.core
import openai
import svix.webhooks
from elevenlabs.webhooks_custom import WebhooksClient
from openai.lib._webhooks import webhook_signature_matches

from smart_api_integrations.core.webhook_schema import RawRequest
from tests.oracles.oracle import (
    FIXED_TIME,
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

STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_STANDARD = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
ELEVENLABS = "wsec_sample0of0elevenlabs0000000000000000"
MILLISECONDS = f"{SECONDS}000"


def svix_signs(body: bytes) -> RawRequest:
    made = svix.webhooks.Webhook(STANDARD).sign("msg_1", NOW, body.decode())
    return posted(body, {"svix-id": "msg_1", "svix-timestamp": str(SECONDS), "svix-signature": made})


def unbranded_signs(body: bytes) -> RawRequest:
    made = svix.webhooks.Webhook(STANDARD).sign("msg_1", NOW, body.decode())
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(SECONDS), "webhook-signature": made}
    return posted(body, headers)


@refuses(svix.webhooks.WebhookVerificationError, ValueError)
def svix_accepts(request: RawRequest) -> None:
    svix.webhooks.Webhook(STANDARD).verify(request.body, dict(request.headers))


@refuses(openai.OpenAIError, ValueError, TypeError)
def openai_accepts(request: RawRequest) -> bool:
    headers = dict(request.headers)
    return webhook_signature_matches(request.body, headers, secret=STANDARD, tolerance=300)


def elevenlabs_signs(body: bytes) -> RawRequest:
    # the library verifies only, and by this line
    made = digest(ELEVENLABS, f"{SECONDS}.".encode() + body).hex()
    return posted(body, {"ElevenLabs-Signature": f"t={SECONDS},v0={made}"})


@refuses(elevenlabs.core.ApiError, ValueError)
def elevenlabs_accepts(request: RawRequest) -> None:
    client = WebhooksClient(client_wrapper=None)  # type: ignore[arg-type] # verifying calls nobody
    client.construct_event(request.body.decode(), header(request, "ElevenLabs-Signature"), ELEVENLABS)


ORACLES = (
    *(
        Oracle(
            provider="svix",
            library="svix",
            case=case,
            environ={"SVIX_WEBHOOK_SECRET": STANDARD},
            other_environ={"SVIX_WEBHOOK_SECRET": OTHER_STANDARD},
            signs=signs,
            accepts=svix_accepts,
            clocks={"standardwebhooks.webhooks:datetime": FixedDatetime},
        )
        for case, signs in (("", svix_signs), ("unbranded", unbranded_signs))
    ),
    Oracle(
        provider="openai",
        library="openai",
        environ={"OPENAI_WEBHOOK_SECRET": STANDARD},
        other_environ={"OPENAI_WEBHOOK_SECRET": OTHER_STANDARD},
        signs=unbranded_signs,
        accepts=openai_accepts,
        clocks={"openai.lib._webhooks:time": FIXED_TIME},
    ),
    Oracle(
        provider="elevenlabs",
        library="elevenlabs",
        environ={"ELEVENLABS_WEBHOOK_SECRET": ELEVENLABS},
        other_environ={"ELEVENLABS_WEBHOOK_SECRET": "wsec_another0of0elevenlabs000000000000000"},
        signs=elevenlabs_signs,
        accepts=elevenlabs_accepts,
        clocks={"elevenlabs.webhooks_custom:time": FIXED_TIME},
    ),
    documented(  # https://developers.cloudflare.com/notifications/get-started/configure-webhooks/
        "cloudflare",
        "CLOUDFLARE_WEBHOOK_SECRET",
        lambda key, _body: {"cf-webhook-auth": key},
        covers_body=False,
    ),
    documented(  # https://devcenter.heroku.com/articles/app-webhooks
        "heroku",
        "HEROKU_WEBHOOK_SECRET",
        lambda key, body: {"Heroku-Webhook-Hmac-SHA256": in_base64(digest(key, body))},
    ),
    documented(  # https://vercel.com/docs/webhooks/webhooks-api
        "vercel",
        "VERCEL_WEBHOOK_SECRET",
        lambda key, body: {"x-vercel-signature": digest(key, body, "sha1").hex()},
    ),
    documented(  # https://developers.webflow.com/data/docs/working-with-webhooks
        "webflow",
        "WEBFLOW_WEBHOOK_SECRET",
        lambda key, body: {
            "x-webflow-timestamp": MILLISECONDS,
            "x-webflow-signature": digest(key, f"{MILLISECONDS}:".encode() + body).hex(),
        },
    ),
)
