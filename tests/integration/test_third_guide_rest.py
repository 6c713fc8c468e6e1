"""The REST table of the third guide, row by row, against a server that runs as users start it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import time

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from smart_api_integrations.core.ed25519_keys import new_private_key
from tests.recorder import recording
from tests.running_server import running_server

SECONDS = 30.0


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    with running_server(f"sqlite:///{folder / 'webhooks.db'}", folder=folder) as running:
        yield running


@pytest.fixture
def client(server):
    with httpx.Client(base_url=server.url, timeout=SECONDS) as opened:
        yield opened


@pytest.fixture
def endpoint():
    with recording() as recorder:
        yield recorder


@pytest.fixture
def registered(client, endpoint):
    given = {"url": endpoint.url, "events": ["order.*"], "secret": "your-secret-key", "retry_count": 1}
    made = client.post("/api/webhooks", json=given).json()
    yield made
    client.delete(f"/api/webhooks/{made['id']}")


def eventually(found):
    deadline = time.monotonic() + SECONDS
    while not (value := found()):
        assert time.monotonic() < deadline, "it did not happen"
    return value


def test_a_webhook_is_registered_listed_shown_changed_and_deleted(client):
    given = {
        "url": "https://example.com/webhook",
        "events": ["order.created", "*"],
        "retry_count": 3,
        "retry_delay": 5,
        "timeout": 30,
        "headers": {"X-Team": "shop"},
        "metadata": {"owner": "ada"},
    }
    made = client.post("/api/webhooks", json=given)
    path = f"/api/webhooks/{made.json()['id']}"
    listed = client.get("/api/webhooks")
    shown = client.get(path)
    changed = client.patch(path, json={"active": False, "events": ["order.paid"]})
    deleted = client.delete(path)
    gone = client.get(path)

    assert (made.status_code, listed.status_code, shown.status_code) == (201, 200, 200)
    assert made.json().items() >= given.items()
    assert made.json()["secret"].startswith("whsec_")
    assert [each["id"] for each in listed.json()] == [made.json()["id"]]
    assert (shown.json()["url"], shown.json()["events"]) == (given["url"], given["events"])
    assert (changed.status_code, changed.json()["active"], changed.json()["events"]) == (
        200,
        False,
        ["order.paid"],
    )
    assert (deleted.status_code, deleted.content, gone.status_code) == (204, b"", 404)


def test_an_event_is_triggered_delivered_listed_and_counted(client, endpoint, registered):
    before = client.get("/api/stats").json()
    event = {"event": "order.created", "data": {"order_id": "ORD-123"}, "metadata": {"source": "api"}}
    answer = client.post("/api/events/trigger", json=event)
    (request,) = endpoint.wait_for(1)
    (delivery,) = eventually(
        lambda: [
            each
            for each in client.get("/api/deliveries", params={"webhook_id": registered["id"]}).json()
            if each["status"] == "delivered"
        ]
    )
    stats = client.get("/api/stats").json()

    assert answer.status_code == 202
    assert answer.json() == {
        "id": request.json()["id"],
        "event": "order.created",
        "status": "accepted",
        "deliveries": 1,
    }
    expected = hmac.new(b"your-secret-key", request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-webhook-signature"] == f"sha256={expected}"
    assert request.json().items() >= event.items()
    assert (delivery["webhook_id"], delivery["payload_id"]) == (registered["id"], answer.json()["id"])
    assert stats.keys() == {"webhooks", "deliveries_24h"}
    assert stats["webhooks"] == {"active": 1, "total": 1}
    assert stats["deliveries_24h"].keys() == {"total", "successful", "failed", "avg_duration_ms"}
    assert stats["deliveries_24h"]["successful"] == before["deliveries_24h"]["successful"] + 1
    assert stats["deliveries_24h"]["avg_duration_ms"] > 0


def test_the_event_types_are_listed_with_who_gets_them(client, registered):
    client.patch(f"/api/webhooks/{registered['id']}", json={"events": ["data.*", "order.paid"]})
    found = {each["event"]: each for each in client.get("/api/events").json()}

    assert found["data.created"] == {
        "event": "data.created",
        "category": "data",
        "predefined": True,
        "webhooks": 1,
    }
    assert found["order.paid"] == {
        "event": "order.paid",
        "category": "custom",
        "predefined": False,
        "webhooks": 1,
    }
    assert (found["system.startup"]["webhooks"], found["health.check"]["category"]) == (0, "monitoring")
    assert len(found) == 13


def test_a_key_pair_signs_so_that_a_receiver_holds_no_secret(client, endpoint):
    secret = new_private_key(os.urandom)
    made = client.post(
        "/api/webhooks", json={"url": endpoint.url, "events": ["pair.*"], "secret": secret}
    ).json()
    client.post("/api/events/trigger", json={"event": "pair.made", "data": {}})
    (request,) = endpoint.wait_for(1)
    shown = client.get(f"/api/webhooks/{made['id']}").json()
    client.delete(f"/api/webhooks/{made['id']}")

    headers, key = request.headers, base64.b64decode(shown["public_key"].removeprefix("whpk_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
    signature = base64.b64decode(headers["webhook-signature"].removeprefix("v1a,"))
    Ed25519PublicKey.from_public_bytes(key).verify(signature, signed)
    assert secret not in json.dumps(shown)
    assert shown["secret"].startswith("whsk_…")


class TestTesting:
    def test_a_url_as_the_guide_has_it(self, client, endpoint):
        answer = client.post(
            "/api/webhooks/test", json={"url": endpoint.url, "event": "test.ping", "data": {"test": True}}
        )
        (request,) = endpoint.requests

        told = answer.json()
        assert (answer.status_code, told["success"], told["response_code"]) == (200, True, 200)
        assert (told["event"], told["payload_id"]) == ("test.ping", request.json()["id"])
        assert told["duration_ms"] > 0
        assert (request.json()["event"], request.json()["data"]) == ("test.ping", {"test": True})
        assert request.headers["webhook-signature"].startswith("v1,")

    def test_nothing_of_it_is_kept(self, client, endpoint):
        before = client.get("/api/deliveries").json(), client.get("/api/stats").json()
        client.post("/api/webhooks/test", json={"url": endpoint.url})

        assert (client.get("/api/deliveries").json(), client.get("/api/stats").json()) == before
        assert len(endpoint.requests) == 1

    def test_a_registered_one_is_tested_with_its_own_secret(self, client, endpoint, registered):
        told = client.post("/api/webhooks/test", json={"webhook_id": registered["id"]}).json()
        (request,) = endpoint.requests

        expected = hmac.new(b"your-secret-key", request.body, hashlib.sha256).hexdigest()
        assert (told["success"], request.json()["event"]) == (True, "test.ping")
        assert request.headers["x-webhook-signature"] == f"sha256={expected}"

    def test_what_went_wrong_is_told_with_status_200(self, client):
        with recording(503) as busy:
            answer = client.post("/api/webhooks/test", json={"url": busy.url})
        hung_up = client.post("/api/webhooks/test", json={"url": busy.url})

        assert (answer.status_code, answer.json()["success"], answer.json()["response_code"]) == (
            200,
            False,
            503,
        )
        assert "503" in answer.json()["error_message"]
        assert (hung_up.status_code, hung_up.json()["success"], hung_up.json()["response_code"]) == (
            200,
            False,
            None,
        )

    @pytest.mark.parametrize(
        "given",
        [
            {},
            {"url": "http://10.0.0.1/"},
            {"url": "http://169.254.169.254/latest"},
            {"url": "https://example.com/", "webhook_id": "ep_1"},
            {"url": "https://example.com/", "event": ""},
            {"url": "https://example.com/", "headers": {"webhook-id": "mine"}},
            {"url": "https://example.com/", "timeout": 0},
            {"url": "https://example.com/", "unknown": 1},
        ],
    )
    def test_what_cannot_be_tested_is_refused(self, client, given):
        answer = client.post("/api/webhooks/test", json=given)

        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]

    def test_an_unknown_one_is_not_found(self, client):
        assert client.post("/api/webhooks/test", json={"webhook_id": "ep_nobody"}).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "given", "status"),
    [
        ("GET", "/api/webhooks/ep_nobody", None, 404),
        ("PATCH", "/api/webhooks/ep_nobody", {"active": False}, 404),
        ("DELETE", "/api/webhooks/ep_nobody", None, 404),
        ("POST", "/api/webhooks", {"url": "https://example.com/"}, 422),
        ("POST", "/api/webhooks", {"url": "not a url", "events": ["*"]}, 422),
        ("POST", "/api/webhooks", {"url": "https://example.com/", "events": ["*"], "retry_count": 11}, 422),
        ("POST", "/api/events/trigger", {"data": {}}, 422),
        ("POST", "/api/events/trigger", {"event": "", "data": {}}, 422),
        ("GET", "/api/nothing", None, 404),
        ("PUT", "/api/webhooks", {}, 405),
    ],
)
def test_a_fault_is_a_problem_with_a_hint(client, method, path, given, status):
    answer = client.request(method, path, json=given)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json().keys() >= {"status", "title", "code", "detail", "hint"}


def test_the_dashboard_and_the_description_are_where_the_guide_has_them(client):
    page, description = client.get("/"), client.get("/openapi.json")

    assert (page.status_code, "text/html" in page.headers["content-type"]) == (200, True)
    documented = description.json()["paths"]
    assert {
        *("/api/webhooks", "/api/webhooks/{webhook_id}", "/api/webhooks/test", "/api/events"),
        *("/api/events/trigger", "/api/deliveries", "/api/stats"),
    } <= documented.keys()
