"""Where people meet: Twitch."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from twitchAPI.eventsub.webhook import EventSubWebhook

from smart_api_integrations.core.webhook_schema import RawRequest
from tests.oracles.oracle import NOW, Oracle, digest, posted, refuses

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


ORACLES = (
    Oracle(
        provider="twitch",
        library="twitchAPI",
        environ={"TWITCH_WEBHOOK_SECRET": TWITCH},
        other_environ={"TWITCH_WEBHOOK_SECRET": "another-secret-of-twitch"},
        signs=twitch_signs,
        accepts=twitch_accepts,
    ),
)
