"""Where people meet: LINE, Meta, Telegram, Twitch, WhatsApp, X."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from linebot.v3.webhook import SignatureValidator
from pywa.utils import webhook_updates_validator
from twitchAPI.eventsub.webhook import EventSubWebhook

from smart_api_integrations.core.webhook_schema import RawRequest
from tests.oracles.oracle import NOW, Oracle, digest, documented, header, in_base64, posted, refuses

TWITCH = "sample-secret-of-twitch"
TWITCH_TIME = NOW.strftime("%Y-%m-%dT%H:%M:%S.634234626Z")


def twitch_signs(body: bytes) -> RawRequest:
    # the library verifies only, and by this line
    made = digest(TWITCH, f"1{TWITCH_TIME}".encode() + body).hex()
    headers = {
        "Twitch-Eventsub-Message-Id": "1",
        "Twitch-Eventsub-Message-Timestamp": TWITCH_TIME,
        "Twitch-Eventsub-Message-Signature": f"sha256={made}",
    }
    return posted(body, headers)


@refuses(KeyError)
def twitch_accepts(request: RawRequest) -> bool:
    async def text() -> str:
        return request.body.decode()

    asked: Any = SimpleNamespace(headers=dict(request.headers), text=text)
    library: Any = SimpleNamespace(secret=TWITCH)  # all that the check reads of the library's server
    return asyncio.run(EventSubWebhook._verify_signature(library, asked))


LINE = "0123456789abcdef0123456789abcdef"
META = "fedcba9876543210fedcba9876543210"


def line_signs(body: bytes) -> RawRequest:
    # the library verifies only, and by this line
    return posted(body, {"x-line-signature": in_base64(digest(LINE, body))})


def line_accepts(request: RawRequest) -> bool:
    return bool(SignatureValidator(LINE).validate(request.body.decode(), header(request, "x-line-signature")))


def meta_signs(body: bytes) -> RawRequest:
    # the library verifies only, and by this line
    return posted(body, {"X-Hub-Signature-256": f"sha256={digest(META, body).hex()}"})


@refuses(TypeError)
def meta_accepts(request: RawRequest) -> bool:
    return webhook_updates_validator(META, request.body, header(request, "X-Hub-Signature-256"))


ORACLES = (
    Oracle(
        provider="line",
        library="line-bot-sdk",
        environ={"LINE_CHANNEL_SECRET": LINE},
        other_environ={"LINE_CHANNEL_SECRET": "another-secret-of-line"},
        signs=line_signs,
        accepts=line_accepts,
    ),
    *(
        Oracle(
            provider=provider,
            library="pywa",
            environ={"META_APP_SECRET": META},
            other_environ={"META_APP_SECRET": "another-secret-of-meta"},
            signs=meta_signs,
            accepts=meta_accepts,
        )
        for provider in ("meta", "whatsapp")
    ),
    documented(  # https://core.telegram.org/bots/api#setwebhook
        "telegram",
        "TELEGRAM_SECRET_TOKEN",
        lambda key, _body: {"X-Telegram-Bot-Api-Secret-Token": key},
        covers_body=False,
    ),
    documented(  # https://docs.x.com/x-api/webhooks/introduction
        "twitter",
        "TWITTER_WEBHOOK_SECRET",
        lambda key, body: {"x-twitter-webhooks-signature": f"sha256={in_base64(digest(key, body))}"},
        any_body=False,
    ),
    Oracle(
        provider="twitch",
        library="twitchAPI",
        environ={"TWITCH_WEBHOOK_SECRET": TWITCH},
        other_environ={"TWITCH_WEBHOOK_SECRET": "another-secret-of-twitch"},
        signs=twitch_signs,
        accepts=twitch_accepts,
    ),
)
