"""Whatever a sender writes into a body, a header or a name, the dashboard shows it and does nothing else."""

import json
import time
from html.parser import HTMLParser
from importlib import resources

import pytest

from smart_api_integrations import dashboard
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.server.application import create_pages
from smart_api_integrations.server.doorkeeper import HostDoorkeeper
from tests.asgi_call import call
from tests.journal_scenes import SENT, Scene, open_platform, rejected

POLYGLOTS = [
    "</script><script>alert(1)</script>",
    "'\"><img src=x onerror=alert(1)>",
    "</title></textarea></style></noscript><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "</code></pre><iframe srcdoc='<script>alert(1)</script>'>",
    "{{7*7}}${7*7}<%= 7*7 %>{% raw %}",
    "--><!--<a href='javascript:alert(1)'>",
    "\u202e\u2066gpj.exe\u2069",
    "nul\x00 bell\x07 escape\x1b[2J",
    "＜script＞alert(1)＜/script＞",
    "\ud7ff\ue000\ufffe",
]
OURS = {file.name for file in resources.files(dashboard).joinpath("static").iterdir()}


class Reader(HTMLParser):
    """Reads a page as a browser does, and keeps what could run or load."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.faults = []
        self.texts = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in {"iframe", "object", "embed", "img", "base", "style", "foreignobject", "animate"}:
            self.faults.append(tag)
        if tag == "script" and given.get("src", "").partition("?")[0].rpartition("/")[2] not in OURS:
            self.faults.append("script")
        for name, value in attrs:
            text = (value or "").strip().lower()
            if name.startswith("on") or name in {"style", "srcdoc"}:
                self.faults.append(f"{tag} {name}")
            if name in {"href", "src", "action"} and not text.startswith(("/", "#", "data:,", "https://")):
                self.faults.append(f"{tag} {name}={text}")

    def handle_data(self, data):
        self.texts.append(data)


def pages(platform):
    return create_pages(platform, HostDoorkeeper(lambda _: "admin"))


def read(page):
    reader = Reader()
    reader.feed(page)
    return reader


@pytest.fixture
async def platform(tmp_path):
    async with open_platform(tmp_path) as opened:
        yield opened


async def pages_of(app, paths):
    answers = [await call(app, "GET", path) for path in paths]
    assert [answer.status for answer in answers] == [200] * len(paths)
    return [read(answer.text) for answer in answers]


@pytest.mark.parametrize("hostile", POLYGLOTS)
async def test_nothing_that_a_sender_writes_becomes_markup(platform, hostile):
    scene, app = Scene(platform=platform), pages(platform)
    text = hostile.replace("\x00", "") or "x"
    endpoint = await scene.endpoint("https://example.com/in", "*", description=text, headers={"X-Note": text})
    event = await scene.event(
        "orders.sync",
        max_attempts=1,
        event_type=text,
        action=text,
        event_id=text,
        path=f"/webhooks/{text}",
        query=text,
        remote_address=text,
        headers=(("X-Note", text), (text, text), ("Content-Type", "application/json")),
        body=json.dumps({hostile: [hostile]}, ensure_ascii=False).encode("utf-8", "surrogatepass"),
    )
    message = await scene.message(text, {hostile: hostile})
    for claim in await scene.claims():
        await scene.record(
            claim,
            State.FAILED,
            error_message=text,
            error_detail=text,
            error_code=text,
            response_code=500,
            response_body=text,
            response_headers={text: text},
            request_headers=SENT | {text: text},
            result=text,
        )
    rejection = rejected(
        detail=text,
        reason=text,
        provider=text,
        webhook_name=text,
        remote_address=text,
        facts={"headers": [text], text: text},
    )
    await platform.journal.events.log_rejections([rejection])

    found = await pages_of(
        app,
        [
            "/", "/events", "/dead-letters", "/rejections", "/messages", "/endpoints",
            f"/endpoints/{endpoint.id}", f"/rejections/{rejection.id}", f"/messages/{message.id}",
            *(f"/events/{event.id}?body={tab}&answer={part}" for tab, part in
              [("pretty", "body"), ("raw", "headers"), ("hex", "sent"), ("headers", "body")]),
        ],
    )  # fmt: skip

    assert [page.faults for page in found] == [[]] * len(found)
    shown = "".join("".join(page.texts) for page in found)
    assert not set(shown) & {"\x00", "\x07", "\x1b", "\u202e", "\u2066", "\u2069"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":"' + b"A" * 10_000_000 + b'"}',
        b"[" * 1000 + b"1" + b"]" * 1000,
        b"[" * 200_000,
        b"[" + b"1," * 120_000 + b"1]",
        b'{"a":' * 1000 + b"1" + b"}" * 1000,
        b'"' + b"\\" * 250_001 + b'"',
        b"\xff" * 250_000,
        b" " * 250_000,
    ],
    ids=["10 MB", "deep", "open", "wide", "deep objects", "backslashes", "no text", "blank"],
)
async def test_a_body_made_to_be_slow_or_large_is_shown_at_once(platform, body):
    event = await Scene(platform=platform).event(body=body)
    app = pages(platform)

    began = time.perf_counter()
    answers = [await call(app, "GET", f"/events/{event.id}?body={tab}") for tab in ("pretty", "raw", "hex")]

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert max(len(answer.body) for answer in answers) < 5_000_000
    assert time.perf_counter() - began < 10


async def test_a_body_is_never_served_as_a_page(platform):
    event = await Scene(platform=platform).event(body=b"<html><script>alert(1)</script>")

    answer = await call(pages(platform), "GET", f"/events/{event.id}/body")

    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
