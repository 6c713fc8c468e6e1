"""The first guide's best practices and troubleshooting, as they are written there: requests in, answers out.

What stands around the snippets in the guide (models, a queue, a cache) is replaced by the smallest thing that
behaves so. The handlers run in a Flask application without a store, while the sender waits.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from smart_api_integrations.core.webhook import WebhookVerifier
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.core.webhook_schema import WebhookEvent
from smart_api_integrations.frameworks.flask import register_webhook_routes
from smart_api_integrations.webhooks import WebhookHandler, WebhookResponse, webhook_handler

SECRET = "whsec_your_webhook_secret"
QUICK_START = """
webhooks:
  default:
    path: "/api/webhooks/myapi/"
    verify_signature: true
    signing_secret_env: "MYAPI_WEBHOOK_SECRET"
"""
REPLAY = """
webhooks:
  default:
    signing_secret_env: "MYAPI_WEBHOOK_SECRET"
    signature_header: "X-Webhook-Signature"
    timestamp_header: "X-Webhook-Timestamp"
    replay_tolerance: 300
"""
GUARDED = """
webhooks:
  default:
    signing_secret_env: "MYAPI_WEBHOOK_SECRET"
ip_whitelist:
  - "192.168.1.100"     # Single IP
  - "10.0.0.0/24"       # CIDR range
  - "2001:db8::/32"     # IPv6 range
"""
LIMITED = """
webhooks:
  default:
    signing_secret_env: "MYAPI_WEBHOOK_SECRET"
    rate_limit:
      requests_per_minute: 60
      burst_limit: 2
"""

Post = Any


def signature(body: bytes, secret: str = SECRET) -> str:
    """Sign as the guide's "Test manually" does."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@pytest.fixture
def served(tmp_path, monkeypatch) -> Iterator[Callable[..., Post]]:
    """Return a function that serves a provider's file, and gives back what posts to it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MYAPI_WEBHOOK_SECRET", SECRET)
    monkeypatch.delenv("WEBHOOKS_DATABASE_URL", raising=False)
    get_webhook_registry().clear()

    def serve(text: str = QUICK_START) -> Post:
        folder = tmp_path / "providers" / "myapi"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "webhook.yaml").write_text(text)
        app = Flask("host")
        register_webhook_routes(app)
        client = app.test_client()

        def post(event: str, data: Any = None, *, peer: str = "127.0.0.1", **headers: str) -> Any:
            body = json.dumps({"id": f"evt_{time.monotonic_ns()}", "type": event, "data": data}).encode()
            named = {"X-Webhook-Signature": signature(body), "Content-Type": "application/json"}
            named |= {name.replace("_", "-"): value for name, value in headers.items()}
            return client.post(
                "/webhooks/myapi/", data=body, headers=named, environ_base={"REMOTE_ADDR": peer}
            )

        post.client = client  # type: ignore[attr-defined]  # for what is sent in another way
        return post

    yield serve
    get_webhook_registry().clear()


def test_an_idempotent_handler_says_that_it_was_done_before(served) -> None:
    payments: dict[str, int] = {}

    @webhook_handler("myapi", "payment.completed")
    def handle_payment_completed(event: WebhookEvent) -> dict[str, Any]:
        payment_id = event.payload["data"]["payment"]["id"]
        if payment_id in payments:
            return {"processed": False, "reason": "Payment already processed", "payment_id": payment_id}
        payments[payment_id] = event.payload["data"]["payment"]["amount"]
        return {"processed": True, "payment_id": payment_id}

    post = served()
    first, second = (post("payment.completed", {"payment": {"id": "pay_1", "amount": 5}}) for _ in range(2))

    assert first.get_json()["processed"] is True
    assert second.get_json()["reason"] == "Payment already processed"


class IntegrityError(Exception):
    """As Django's."""


class RobustWebhookHandler(WebhookHandler):
    provider = "myapi"
    logger = logging.getLogger("guide")

    def on_user_created(self, event: WebhookEvent) -> WebhookResponse:
        try:
            user_data = event.payload["data"]["user"]
            user = self.create_user(user_data)
            return self.success_response({"user_id": user["id"]})
        except KeyError as e:
            self.logger.error("Missing required field: %s", e)  # noqa: TRY400 - as the guide has it
            return self.error_response(f"Missing required field: {e}", {"event_id": event.id})
        except IntegrityError as e:
            self.logger.warning("User already exists: %s", e)
            return self.success_response({"processed": False, "reason": "User already exists"})
        except Exception:
            self.logger.exception("Unexpected error processing webhook")
            return self.webhook_response(success=False, status_code=500, message="Internal server error")

    def create_user(self, user: dict[str, Any]) -> dict[str, Any]:
        if user["id"] == "known":
            raise IntegrityError
        if user["id"] == "broken":
            raise ZeroDivisionError
        return user


@pytest.mark.parametrize(
    ("data", "status", "success", "told"),
    [
        ({"user": {"id": "usr_1"}}, 200, True, "usr_1"),
        ({"user": {}}, 400, False, "Missing required field: 'id'"),
        ({"user": {"id": "known"}}, 200, True, "User already exists"),
        ({"user": {"id": "broken"}}, 500, False, "Internal server error"),
    ],
)
def test_errors_are_handled_gracefully(served, data, status, success, told) -> None:
    RobustWebhookHandler()

    got = served()("user.created", data)

    assert (got.status_code, got.get_json()["success"]) == (status, success)
    assert told in got.text


def test_what_a_handler_logs_and_raises_again_is_a_500_without_its_words(served, caplog) -> None:
    @webhook_handler("myapi", "important.event")
    def handle_important_event(event: WebhookEvent) -> dict[str, Any]:
        log = logging.getLogger("guide")
        try:
            raise ValueError("hush")  # noqa: EM101, TRY301 - the guide's process_event fails
        except Exception:
            log.exception("Failed to process event", extra={"event_type": event.type})
            raise

    with caplog.at_level(logging.INFO):
        got = served()("important.event")

    assert got.status_code == 500
    assert "hush" not in got.text
    assert "Failed to process event" in caplog.text


def test_heavy_work_is_queued_and_answered_at_once(served) -> None:
    class Task:
        queued: list[Any] = []  # noqa: RUF012 - of this test

        @classmethod
        def delay(cls, *arguments: Any) -> str:
            cls.queued.append(arguments)
            return "task-1"

    @webhook_handler("myapi", "large.import")
    def handle_large_import(event: WebhookEvent) -> dict[str, Any]:
        import_id = event.payload["data"]["import_id"]
        Task.delay(import_id, event.payload)
        return {"queued": True, "import_id": import_id, "message": "Import queued for processing"}

    @webhook_handler("myapi", "heavy.task")
    def queue_heavy_task(event: WebhookEvent) -> dict[str, Any]:
        return {"queued": True, "task_id": str(Task.delay(event.payload))}

    post = served()
    large, heavy = post("large.import", {"import_id": 7}).get_json(), post("heavy.task").get_json()

    assert (large["data"]["queued"], large["data"]["import_id"]) == (True, 7)
    assert heavy["task_id"] == "task-1"
    assert json.loads(json.dumps(Task.queued[0][1]))["type"] == "large.import"  # a queue can carry it


def test_a_bulk_update_is_one_handler_call(served) -> None:
    @webhook_handler("myapi", "bulk.update")
    def handle_bulk_update(event: WebhookEvent) -> dict[str, Any]:
        resources = [(update["id"], update["name"]) for update in event.payload["data"]["updates"]]
        return {"processed": True, "count": len(resources)}

    got = served()("bulk.update", {"updates": [{"id": n, "name": str(n)} for n in range(500)]})

    assert got.get_json()["count"] == 500


def test_input_is_validated_and_an_invalid_one_is_said(served) -> None:
    @webhook_handler("myapi", "user.input")
    def handle_user_input(event: WebhookEvent) -> dict[str, Any]:
        user_data = event.payload["data"]["user"]
        if "@" not in user_data["email"]:
            return {"processed": False, "error": "Invalid email address"}
        user_data["name"] = user_data["name"].strip()
        return {"processed": True, "user_id": user_data["name"]}

    post = served()

    assert post("user.input", {"user": {"email": "no"}}).get_json()["error"] == "Invalid email address"
    assert post("user.input", {"user": {"email": "a@b.example", "name": " A "}}).get_json()["user_id"] == "A"


def test_a_result_may_be_cached_by_the_events_type_and_id(served) -> None:
    cache: dict[str, Any] = {}

    @webhook_handler("myapi", "frequent.event")
    def handle_with_cache(event: WebhookEvent) -> dict[str, Any]:
        cache_key = f"webhook:{event.type}:{event.id}"
        if result := cache.get(cache_key):
            return result
        return cache.setdefault(cache_key, {"count": len(cache)})

    post = served()
    counts = [post("frequent.event").get_json()["count"] for _ in range(2)]

    assert counts == [0, 1]  # two events have two ids
    assert all(key.startswith("webhook:frequent.event:evt_") for key in cache)


class MyAPIWebhookVerifier(WebhookVerifier):
    """Custom signature verification for MyAPI."""

    def verify(self, payload: bytes, signature: str, secret: str, **kwargs: Any) -> bool:
        timestamp, hash_value = signature.split(",")
        current_time = int(time.time())
        if abs(current_time - int(timestamp)) > 300:  # 5 minutes
            return False
        message = f"{timestamp}.{payload.decode('utf-8')}"
        expected = hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected, hash_value)


@pytest.mark.parametrize(
    ("age", "secret", "status"), [(0, SECRET, 200), (301, SECRET, 401), (0, "guess", 401)]
)
def test_the_guides_own_verifier_decides(served, age, secret, status) -> None:
    processor = get_webhook_registry().create_processor("myapi")
    processor.verifier = MyAPIWebhookVerifier()
    post = served()
    body = json.dumps({"id": "evt_1", "type": "user.created", "data": None}).encode()
    timestamp = int(time.time()) - age
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()

    answer = post.client.post("/webhooks/myapi/", data=body, headers={"X-Signature": f"{timestamp},{signed}"})

    assert answer.status_code == status


@pytest.mark.parametrize(("age", "status"), [(0, 200), (299, 200), (310, 401), (-310, 401)])
def test_a_replayed_request_is_refused(served, age, status) -> None:
    post = served(REPLAY)

    got = post("user.created", X_Webhook_Timestamp=str(int(time.time()) - age))

    assert got.status_code == status


@pytest.mark.parametrize(
    ("peer", "status"),
    [
        ("192.168.1.100", 200),
        ("10.0.0.77", 200),
        ("2001:db8::7", 200),
        ("192.168.1.101", 401),
        ("10.0.1.1", 401),
    ],
)
def test_only_listed_addresses_are_let_in(served, peer, status) -> None:
    assert served(GUARDED)("user.created", peer=peer).status_code == status


def test_bursts_beyond_the_limit_are_told_to_come_back(served) -> None:
    post = served(LIMITED)

    statuses = [post("user.created").status_code for _ in range(3)]

    assert statuses == [200, 200, 429]


def test_an_event_without_a_handler_is_answered_gracefully(served) -> None:
    got = served()("something.nobody.handles")

    assert (got.status_code, got.get_json()["success"]) == (200, True)


def test_debugging_shows_the_headers_by_either_name(served, capsys) -> None:
    bodies: list[bytes] = []

    @webhook_handler("myapi", "test.event")
    def debug_webhook(event: WebhookEvent) -> dict[str, Any]:
        print(f"Headers: {event.headers}")  # noqa: T201 - the guide's own
        print(f"Signature: {event.headers.get('HTTP_X_WEBHOOK_SIGNATURE')}")  # noqa: T201
        bodies.append(event.body)
        return {"debug": True}

    got = served()("test.event")

    assert got.get_json()["debug"] is True
    assert f"Signature: {signature(bodies[0])}" in capsys.readouterr().out


def test_the_registered_handlers_are_listed_by_their_types(served, capsys) -> None:
    webhook_handler("myapi", "user.created")(print)

    registry = get_webhook_registry()
    processor = registry.get_processor("myapi:default")
    assert processor is not None
    print(f"Registered handlers: {list(processor.handlers.keys())}")  # noqa: T201 - the guide's own

    assert "['user.created']" in capsys.readouterr().out


def test_the_signature_of_the_guides_manual_check_is_the_one_that_is_expected(served) -> None:
    secret, payload = SECRET, '{"type": "test", "test": "data"}'
    expected = hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()

    answer = served().client.post(
        "/api/webhooks/myapi/",
        data=payload,
        content_type="application/json",
        headers={"X-Webhook-Signature": expected},
    )

    assert answer.status_code == 200
