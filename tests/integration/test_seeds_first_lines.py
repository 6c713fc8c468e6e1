"""The first lines of the three guides work as they are written there."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.journal import Trace
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.providers.samples import signed_request
from smart_api_integrations.receive.incoming import IncomingRequest
from smart_api_integrations.settings import Settings
from tests.github_requests import one_piece
from tests.serving import exchange, serving

SECONDS = 20.0


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    get_webhook_registry().clear()
    yield
    get_webhook_registry().clear()


def write(path: str, text: str) -> None:
    file = Path(path)
    file.parent.mkdir(parents=True)
    file.write_text(text)


def run_as_written(program: str, **names: Any) -> dict[str, Any]:
    """Run a guide's text as a module of its own; return its names."""
    exec(program, names)  # noqa: S102 - the text is above
    return names


# ------------------------------------------------------------------ the first guide: the decorator

FIRST_YAML = """
webhooks:
  default:
    path: "/api/webhooks/myapi/"
    verify_signature: true
    signing_secret_env: "MYAPI_WEBHOOK_SECRET"
    events:
      - "resource.created"
      - "resource.updated"
      - "resource.deleted"
"""
FIRST_SECRET = "whsec_your_webhook_secret"
FIRST_HANDLER = """
from smart_api_integrations.webhooks import webhook_handler

@webhook_handler('myapi', 'resource.created')
def handle_resource_created(event):
    resource = event.payload['data']
    print(f"New resource created: {resource['id']}")
    return {'processed': True, 'resource_id': resource['id']}
"""


async def handled(platform: Platform, event_id: str) -> Trace:
    """Wait until every handling of an event is over."""
    async with asyncio.timeout(SECONDS):
        while True:
            trace = await platform.journal.events.trace(event_id)
            assert trace is not None
            if trace.attempts and all(part.leased_until is None for part in trace.handlings):
                return trace
            await asyncio.sleep(0)


@pytest.mark.parametrize("path", ["/api/webhooks/myapi/", "/webhooks/myapi/"])
@pytest.mark.parametrize("header", ["X-Webhook-Signature", "X-Signature"])
def test_the_decorator_of_the_first_guide(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], path: str, header: str
) -> None:
    write("providers/myapi/webhook.yaml", FIRST_YAML)
    monkeypatch.setenv("MYAPI_WEBHOOK_SECRET", FIRST_SECRET)
    run_as_written(FIRST_HANDLER, __name__="first_guide")
    body = json.dumps(
        {"event_type": "resource.created", "data": {"id": "123", "name": "Test Resource"}}
    ).encode()
    signature = hmac.new(FIRST_SECRET.encode(), body, hashlib.sha256).hexdigest()
    request = (
        f"POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\n"
        f"{header}: {signature}\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body

    async def story() -> Trace:
        platform = Platform(Settings())
        await platform.open()
        await platform.start_work()
        try:
            async with serving(platform) as address:
                head, _, content = (await exchange(address, request)).partition(b"\r\n\r\n")
            assert b" 200 " in head
            answer = json.loads(content)
            assert (answer["success"], answer["event_type"]) == (True, "resource.created")
            return await handled(platform, answer["id"])
        finally:
            await platform.close()

    trace = asyncio.run(story())

    assert [part.target for part in trace.handlings] == ["myapi:default:first_guide.handle_resource_created"]
    assert json.loads(trace.attempts[0].result or "") == {"processed": True, "resource_id": "123"}
    assert "New resource created: 123" in capsys.readouterr().out


# ------------------------------------------------------------------ the second guide: the processor

SECOND_YAML = """
# providers/stripe/webhook.yaml (simple version)
webhooks:
  default:
    path: /webhooks/stripe/
    verify_signature: true
    signing_secret_env: STRIPE_WEBHOOK_SECRET
"""
SECOND_HANDLERS = '''
# webhook_handlers.py
from smart_api_integrations.core.webhook_registry import get_webhook_registry

# Connect to the webhook system
registry = get_webhook_registry()
processor = registry.create_processor("stripe", "default")

# This function runs when a payment succeeds
@processor.on("payment.succeeded")
def handle_payment_succeeded(event):
    # Get the payment details from the event
    payment_data = event.payload["data"]["object"]
    amount = payment_data["amount"] / 100  # Convert cents to dollars
    currency = payment_data["currency"]
    customer_email = payment_data["billing_details"]["email"]
    
    # Your business logic here
    print(f"Payment of {amount} {currency} from {customer_email}")
    
    # Update your database
    # order_id = payment_data["metadata"]["order_id"]
    # update_order_status(order_id, "paid")
    
    # Return success (this gets sent back to Stripe)
    return {"status": "processed"}

# This function runs when a payment fails
@processor.on("payment.failed")
def handle_payment_failed(event):
    payment_data = event.payload["data"]["object"]
    error = payment_data["last_payment_error"]
    
    # Your business logic here
    print(f"Payment failed: {error['message']}")
    
    # Maybe notify the customer
    # customer_email = payment_data["billing_details"]["email"]
    # send_payment_failed_email(customer_email)
    
    return {"status": "handled"}

# Optional: Add code that runs for ALL events
@processor.use
def log_all_events(event):
    """This runs for every event before the specific handler"""
    print(f"Received {event.type} event at {event.timestamp}")
    # You could log events to a database here
'''  # noqa: W293 - as it is written there
PAYMENTS: dict[str, tuple[Any, Any, str]] = {
    "payment.succeeded": (
        {"amount": 2599, "currency": "eur", "billing_details": {"email": "ada@example.com"}},
        {"status": "processed"},
        "Payment of 25.99 eur from ada@example.com",
    ),
    "payment.failed": (
        {"last_payment_error": {"message": "Your card was declined."}},
        {"status": "handled"},
        "Payment failed: Your card was declined.",
    ),
}


@pytest.mark.parametrize("own_yaml", [True, False], ids=["with the guide's YAML", "packaged"])
@pytest.mark.parametrize("event", PAYMENTS)
def test_the_processor_of_the_second_guide(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], event: str, own_yaml: bool
) -> None:
    payment, result, printed = PAYMENTS[event]
    if own_yaml:
        write("providers/stripe/webhook.yaml", SECOND_YAML)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_your_webhook_signing_secret")
    run_as_written(SECOND_HANDLERS, __name__="webhook_handlers")

    async def story() -> Trace:
        platform = Platform(Settings())
        await platform.open()
        await platform.start_work()
        try:
            signed = signed_request(
                platform._catalogue.source("stripe"),
                event,
                now=platform._own.now(),
                delivery_id="evt_1",
                payload={"id": "evt_1", "data": {"object": payment}},
            )
            request = IncomingRequest(
                method="POST",
                path="/webhooks/stripe/",
                query="",
                headers=tuple(signed.headers.items()),
                remote_address=None,
                next_piece=one_piece(signed.body),
            )
            answer = await platform.gateway.accept(request, "stripe")
            assert answer.status == 200
            return await handled(platform, json.loads(answer.body)["id"])
        finally:
            await platform.close()

    trace = asyncio.run(story())

    out = capsys.readouterr().out
    assert json.loads(trace.attempts[0].result or "") == result
    assert f"Received {event} event at 20" in out
    assert printed in out


# ------------------------------------------------------------------ the third guide: the Quick Start

QUICK_START = """
from webhook_system import WebhookManager

# Initialize manager
manager = WebhookManager()
manager.start()

# Register a webhook
webhook_id = manager.register_webhook(
    url="https://example.com/webhook",
    events=["data.created", "data.updated"],
    secret="your-secret-key"
)

# Trigger an event
manager.trigger_event(
    event="data.created",
    data={"id": "123", "name": "Test Item"},
    metadata={"source": "api"}
)

manager.stop()
"""


def verify_webhook_signature(request_body, signature_header, secret):
    """As the third guide has it."""
    expected_sig = hmac.new(secret.encode(), request_body, hashlib.sha256).hexdigest()

    provided_sig = signature_header.replace("sha256=", "")
    return hmac.compare_digest(expected_sig, provided_sig)


class Receiver(ThreadingHTTPServer):
    """An endpoint that checks the signature with the guide's own function."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[bytes, dict[str, str], bool]] = []
        self.arrived = threading.Semaphore(0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/webhook"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        good = verify_webhook_signature(body, headers["x-webhook-signature"], "your-secret-key")
        self.send_response(200 if good else 401)
        self.send_header("content-length", "0")
        self.end_headers()
        self.server.got.append((body, headers, good))
        self.server.arrived.release()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_quick_start_of_the_third_guide_runs_as_it_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def nobody_answers(host: str, *_: Any, **__: Any) -> Any:
        raise socket.gaierror(host)  # the tests look no names up

    monkeypatch.setattr(socket, "getaddrinfo", nobody_answers)
    names = run_as_written(QUICK_START)

    assert names["webhook_id"].startswith("ep_")
    assert (tmp_path / "webhooks.db").is_file()


def test_the_quick_start_delivers_to_a_real_endpoint_that_verifies_it(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    monkeypatch.setenv("WEBHOOKS_ALLOWED_NETWORKS", "127.0.0.0/8")
    program = QUICK_START.replace("https://example.com/webhook", receiver.url)
    program = program.replace("manager.stop()", "arrived()\nmanager.stop()")

    run_as_written(program, arrived=lambda: receiver.arrived.acquire(timeout=SECONDS))

    ((body, headers, good),) = receiver.got
    document = json.loads(body)
    assert good
    assert document.keys() == {"id", "event", "timestamp", "data", "metadata"}
    assert (document["event"], document["data"], document["metadata"]) == (
        "data.created",
        {"id": "123", "name": "Test Item"},
        {"source": "api"},
    )
    assert headers["x-webhook-signature"].startswith("sha256=")
    assert headers["webhook-id"] == document["id"]


def test_what_a_stop_left_undelivered_goes_out_at_the_next_start(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    from webhook_system import WebhookManager  # noqa: PLC0415 - it reads the folder that one is in

    monkeypatch.setenv("WEBHOOKS_ALLOWED_NETWORKS", "127.0.0.0/8")
    manager = WebhookManager()
    webhook_id = manager.register_webhook(url=receiver.url, events=["*"], secret="your-secret-key")
    message_id = manager.trigger_event("order.created", {"total": 99.99})
    manager.stop()
    assert receiver.got == []

    with WebhookManager() as manager:
        assert receiver.arrived.acquire(timeout=SECONDS)
        statistics = eventually(lambda: counted(manager.get_webhook_stats(webhook_id)))
        registered = manager.registry.webhooks[webhook_id]

    assert json.loads(receiver.got[0][0])["id"] == message_id
    assert (statistics["successful"], statistics["failed"]) == (1, 0)
    assert (registered.url, registered.events, registered.active) == (receiver.url, ["*"], True)


def counted(statistics: dict[str, Any]) -> dict[str, Any] | None:
    return statistics if statistics["total_attempts"] else None


def eventually(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + SECONDS
    while not (value := found()):
        assert time.monotonic() < deadline, "it did not happen"
    return value


def test_the_options_and_the_registry_of_the_third_guide(receiver: Receiver) -> None:
    from webhook_system import WebhookManager  # noqa: PLC0415 - it reads the folder that one is in

    seen: list[Any] = []
    told = threading.Event()

    def note(payload: Any) -> None:
        seen.append((payload.event, payload.data, payload.metadata))
        told.set()

    manager = WebhookManager(db_path="other.db")
    with manager:
        manager.add_event_handler("order.created", note)
        webhook_id = manager.register_webhook(
            url="https://api.example.com/webhook",
            events=["order.created", "order.updated"],
            secret="secret-key",
            retry_count=3,
            retry_delay=5,
            timeout=30,
            headers={"X-API-Key": "key"},
        )
        changed = manager.registry.update_webhook(webhook_id, {"active": False})
        manager.trigger_event(event="order.created", data={"order_id": "ORD-123", "total": 99.99})
        assert told.wait(SECONDS)
        listed = manager.registry.get_webhooks_for_event("order.created")
        manager.registry.unregister(webhook_id)
        left = dict(manager.registry.webhooks)

    assert seen == [("order.created", {"order_id": "ORD-123", "total": 99.99}, {})]
    assert (changed.retry_count, changed.retry_delay, changed.timeout) == (3, 5, 30)
    assert changed.headers == {"X-API-Key": "key"}
    assert (changed.active, listed, left) == (False, [], {})
    assert Path("other.db").is_file()


# ------------------------------------------------------------------ the package itself


def test_the_packages_own_names_are_importable() -> None:
    from smart_api_integrations import Dead, Retry, Skip, Webhooks, publish  # noqa: PLC0415 - that is the test

    assert [kind.__name__ for kind in (Dead, Retry, Skip, Webhooks)] == ["Dead", "Retry", "Skip", "Webhooks"]
    assert callable(publish)
    assert callable(publish.aio)
