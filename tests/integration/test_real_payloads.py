"""The main job on real input: GitHub's 329 published payloads in, verified, kept, handled, sent on.

They come in over a real socket, are signed as GitHub signs (checked by ``gidgethub``), and leave for a
real endpoint that checks our signature with ``standardwebhooks``.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gidgethub.sansio
import pytest

from tests.running_server import GITHUB_SECRET, RunningServer, running_server
from tests.sink import SECRET, Sink, running_sink

pytestmark = [pytest.mark.payload_examples, pytest.mark.slow]

HANDLERS = """
from smart_api_integrations.webhooks import webhook_handler

@webhook_handler("github", "*")
def pass_on(event):
    data = {"delivery": event.event_id, "body": event.body.decode()}
    return {"events": [{"type": "github.event", "data": data}]}
"""


def published_payloads(folder: Path) -> Iterator[tuple[str, str, bytes]]:
    """Return the event, a delivery id and the body of every published example."""
    for kind in json.loads((folder / "api.github.com" / "index.json").read_text("utf-8")):
        for number, example in enumerate(kind["examples"]):
            body = json.dumps(example, separators=(",", ":"), ensure_ascii=False).encode()
            yield kind["name"], f"{kind['name']}-{number}", body


def signature(body: bytes) -> str:
    signed = "sha256=" + hmac.new(GITHUB_SECRET.encode(), body, hashlib.sha256).hexdigest()
    gidgethub.sansio.validate_event(body, signature=signed, secret=GITHUB_SECRET)
    return signed


class Sender:
    """Posts over one connection to one server."""

    def __init__(self, server: RunningServer) -> None:
        parts = urlsplit(server.url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)

    def close(self) -> None:
        self._connection.close()

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(
            method, path, body=body, headers={"content-type": "application/json", **named}
        )
        response = self._connection.getresponse()
        return response.status, json.loads(response.read() or b"null")

    def post_event(self, event: str, delivery: str, body: bytes) -> tuple[int, Any]:
        return self.request(
            "POST",
            "/webhooks/github",
            body,
            X_GitHub_Event=event,
            X_GitHub_Delivery=delivery,
            X_Hub_Signature_256=signature(body),
        )

    def register(self, sink: Sink) -> None:
        endpoint = {"url": sink.url, "events": ["github.*"], "secret": SECRET}
        status, answer = self.request("POST", "/api/webhooks", json.dumps(endpoint).encode())
        assert status == 201, answer


def test_every_published_payload_arrives_exactly_once(
    database_url: str, tmp_path: Path, payload_examples: Path
) -> None:
    (tmp_path / "real_handlers.py").write_text(HANDLERS)
    sent = list(published_payloads(payload_examples))
    assert (len(sent), len({event for event, _, _ in sent})) == (329, 58)
    with (
        running_sink() as sink,
        running_server(
            database_url, folder=tmp_path, environ={"WEBHOOKS_HANDLERS": "real_handlers"}
        ) as server,
        contextlib.closing(Sender(server)) as sender,
    ):
        sender.register(sink)

        answers = [sender.post_event(*payload) for payload in sent]

        kept = {delivery: answer["id"] for (_, delivery, _), (_, answer) in zip(sent, answers, strict=True)}
        fresh = {answer["id"] for _, answer in answers if not answer["duplicate"]}
        assert {status for status, _ in answers} == {200}
        # Five of the published examples are byte for byte another one: whoever sends the same signed
        # bytes under a new (unsigned) delivery id replays them.
        assert len(fresh) == len({body for _, _, body in sent}) == 324
        assert sink.wait_for(len(fresh)), len(sink.arrivals)
        assert sink.refused == 0
        assert set(sink.arrivals.values()) == {1}
        arrived = {
            document["data"]["delivery"]: document["data"]["body"] for document in sink.documents.values()
        }
        for event, delivery, body in sent:
            status, stored = sender.request("GET", f"/api/received/{kept[delivery]}")
            assert (status, stored["event_type"]) == (200, event)
            assert stored["body"].encode() == body
            assert delivery not in arrived or arrived[delivery].encode() == body
        assert server.stop() == 0
