"""Every snippet of the third guide works as it is written there, against real endpoints."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import inspect
import json
import socket
import sqlite3
import threading
import time
from datetime import datetime

import pytest

import webhook_examples
from smart_api_integrations.errors import DeliveryError, InvalidInput
from tests.recorder import recording
from webhook_examples import (
    DatabaseWebhookIntegration,
    DiscordWebhookNotifier,
    GitHubWebhookAdapter,
    SlackWebhookNotifier,
    WebhookBatchProcessor,
)
from webhook_system import EventType, WebhookConfig, WebhookManager, WebhookPayload

SECONDS = 30.0


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEBHOOKS_ALLOWED_NETWORKS", "127.0.0.0/8")


@pytest.fixture
def endpoint():
    with recording() as recorder:
        yield recorder


def statistics_of(manager, webhook_id, attempts):
    """Wait until so many attempts are recorded; return the statistics."""
    deadline = time.monotonic() + SECONDS
    while (found := manager.get_webhook_stats(webhook_id))["total_attempts"] < attempts:
        assert time.monotonic() < deadline, found
    return found


# ------------------------------------------------------------------ the manager


def test_a_webhook_with_every_option_of_the_guide_delivers_with_its_headers_and_secret(endpoint):
    manager = WebhookManager(db_path="webhooks.db")
    manager.start()
    webhook_id = manager.register_webhook(
        url=endpoint.url,
        events=["order.created", "order.updated"],
        secret="secret-key",
        retry_count=3,
        retry_delay=5,
        timeout=30,
        headers={"X-API-Key": "key"},
    )
    manager.trigger_event(event="order.created", data={"order_id": "ORD-123", "total": 99.99})
    (request,) = endpoint.wait_for(1)
    statistics = statistics_of(manager, webhook_id, 1)
    manager.stop()

    expected = hmac.new(b"secret-key", request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-webhook-signature"] == f"sha256={expected}"
    assert request.headers["x-api-key"] == "key"
    assert request.json()["data"] == {"order_id": "ORD-123", "total": 99.99}
    assert statistics.keys() == {"total_attempts", "successful", "failed", "avg_duration_ms"}
    assert (statistics["successful"], statistics["failed"]) == (1, 0)
    assert statistics["avg_duration_ms"] > 0


def test_retry_count_is_attempts_in_all_and_the_waits_double():
    with recording(500, 500, 500, 500) as endpoint, WebhookManager() as manager:
        webhook_id = manager.register_webhook(url=endpoint.url, events=["*"], retry_count=3, retry_delay=0.2)
        manager.trigger_event("order.created", {})
        requests = endpoint.wait_for(3)
        statistics = statistics_of(manager, webhook_id, 3)
        letters = manager._webhooks.call(manager._webhooks.platform.journal.work.dead_letters())

    assert [letter.attempt_count for letter in letters] == [3]
    assert (statistics["successful"], statistics["failed"], len(requests)) == (0, 3, 3)
    started = times_of_attempts()
    first, second = started[1] - started[0], started[2] - started[1]
    assert 0.2 <= first < 0.4 + first / 2
    assert second >= 0.4


def times_of_attempts():
    with sqlite3.connect("webhooks.db") as connection:
        rows = connection.execute("SELECT timestamp FROM delivery_attempts ORDER BY attempt_number")
        moments = [row[0] for row in rows]
    connection.close()
    return [datetime.fromisoformat(moment).timestamp() for moment in moments]


def test_a_star_gets_every_type_and_a_name_only_its_own(endpoint):
    with recording() as other, WebhookManager() as manager:
        manager.register_webhook(url=endpoint.url, events=["*"])
        manager.register_webhook(url=other.url, events=["data.created"])
        for event in (EventType.SYSTEM_STARTUP, "data.created", "my.own.event"):
            manager.trigger_event(event, {"n": 1})
        everything = endpoint.wait_for(3)
        one = other.wait_for(1)

    assert {request.json()["event"] for request in everything} == {
        "system.startup",
        "data.created",
        "my.own.event",
    }
    assert [request.json()["event"] for request in one] == ["data.created"]


def test_the_predefined_types_are_those_of_the_guide():
    assert [str(event) for event in EventType] == [
        *("system.startup", "system.shutdown", "system.error"),
        *("data.created", "data.updated", "data.deleted"),
        *("process.started", "process.completed", "process.failed"),
        *("health.check", "alert.triggered", "metric.threshold"),
    ]


def test_webhooks_and_statistics_persist_over_a_restart(endpoint):
    with WebhookManager("kept.db") as manager:
        webhook_id = manager.register_webhook(
            url=endpoint.url, events=["*"], secret="secret-key", metadata={"team": "shop"}
        )
        manager.trigger_event("order.created", {})
        statistics = statistics_of(manager, webhook_id, 1)

    with WebhookManager("kept.db") as again:
        webhook = again.registry.webhooks[webhook_id]
        kept = again.get_webhook_stats(webhook_id)

    assert webhook == WebhookConfig(
        id=webhook_id,
        url=endpoint.url,
        events=["*"],
        secret="secret-key",
        metadata={"team": "shop"},
    )
    assert kept == statistics


def test_the_registry_finds_changes_and_removes(endpoint):
    with WebhookManager() as manager:
        registry = manager.registry
        webhook_id = registry.register(WebhookConfig(url=endpoint.url, events=["order.*"]))
        found = [webhook.id for webhook in registry.get_webhooks_for_event("order.created")]
        none = registry.get_webhooks_for_event("invoice.paid")
        changed = registry.update_webhook(webhook_id, {"events": ["invoice.paid"], "retry_count": 5})
        moved = [webhook.id for webhook in registry.get_webhooks_for_event("invoice.paid")]
        registry.unregister(webhook_id)
        left = dict(registry.webhooks)

    assert (found, none, moved, left) == ([webhook_id], [], [webhook_id], {})
    assert (changed.events, changed.retry_count) == (["invoice.paid"], 5)


def test_an_event_is_triggered_from_any_thread_without_waiting_for_a_delivery():
    with recording() as endpoint, WebhookManager() as manager:
        manager.register_webhook(url=endpoint.url, events=["*"])
        ids: list[str] = []
        with endpoint.changed:  # the endpoint answers nobody while this is held
            threads = [
                threading.Thread(
                    target=lambda n=n: ids.append(manager.trigger_event("data.created", {"n": n}))
                )
                for n in range(8)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(SECONDS)
            arrived = len(endpoint.requests)
        requests = endpoint.wait_for(8)

    assert (arrived, len(set(ids))) == (0, 8)
    assert {request.json()["id"] for request in requests} == set(ids)


async def test_an_event_is_triggered_in_a_coroutine_too(endpoint):
    with WebhookManager() as manager:
        manager.register_webhook(url=endpoint.url, events=["*"])
        message_id = manager.trigger_event("data.created", {})
        (request,) = await asyncio.to_thread(endpoint.wait_for, 1)

    assert request.headers["webhook-id"] == message_id


@pytest.mark.parametrize("is_async", [False, True])
def test_an_event_handler_gets_the_payload(is_async):
    seen: list[WebhookPayload] = []
    told = threading.Event()

    def note(payload):
        seen.append(payload)
        told.set()

    async def note_later(payload):
        note(payload)

    with WebhookManager() as manager:
        manager.add_event_handler("data.*", note_later if is_async else note)
        message_id = manager.trigger_event("data.created", {"id": 1}, {"source": "api"})
        assert told.wait(SECONDS)

    (payload,) = seen
    assert (payload.id, payload.event, payload.data) == (message_id, "data.created", {"id": 1})
    assert payload.metadata == {"source": "api"}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"url": "not a url"}, "url"),
        ({"url": "http://10.0.0.1/"}, "url"),
        ({"events": []}, "events"),
        ({"secret": ""}, "secret"),
        ({"retry_count": 11}, "retry_count"),
        ({"retry_delay": -1}, "retry_delay"),
        ({"timeout": 0}, "timeout"),
        ({"headers": {"webhook-id": "mine"}}, "headers"),
        ({"headers": {"Content-Length": "0"}}, "headers"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_and_nothing_is_kept(given, field):
    manager = WebhookManager()
    with pytest.raises(InvalidInput, match=field):
        manager.register_webhook(**{"url": "https://example.com/hook", "events": ["*"], **given})
    left = dict(manager.registry.webhooks)
    manager.stop()

    assert left == {}


# ------------------------------------------------------------------ the schema

WEBHOOKS = (
    "id url events secret active retry_count retry_delay timeout headers metadata created_at updated_at"
)
ATTEMPTS = (
    "id webhook_id payload_id attempt_number status response_code response_body error_message timestamp "
    "duration_ms"
)


@pytest.mark.parametrize(("table", "columns"), [("webhooks", WEBHOOKS), ("delivery_attempts", ATTEMPTS)])
def test_the_tables_have_the_columns_of_the_guide(table, columns):
    manager = WebhookManager()
    manager.register_webhook(url="https://example.com/hook", events=["a.b", "*"], secret="secret-key")
    manager.stop()

    connection = sqlite3.connect("webhooks.db")
    found = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
    events, secret, headers = connection.execute("SELECT events, secret, headers FROM webhooks").fetchone()
    connection.close()

    assert set(columns.split()) <= found
    assert (json.loads(events), json.loads(headers)) == (["a.b", "*"], {})
    assert "secret-key" not in secret


# ------------------------------------------------------------------ the examples


def test_the_examples_have_the_names_of_the_guide():
    assert set(webhook_examples.__all__) == {
        "DatabaseWebhookIntegration",
        "DiscordWebhookNotifier",
        "GitHubWebhookAdapter",
        "SlackWebhookNotifier",
        "WebhookBatchProcessor",
    }
    assert list(inspect.signature(WebhookBatchProcessor).parameters) == [
        "manager",
        "batch_size",
        "flush_interval",
    ]


def test_github_and_database_changes_arrive_at_an_endpoint(endpoint):
    with WebhookManager() as manager:
        manager.register_webhook(url=endpoint.url, events=["github.*", "data.*"])
        github = GitHubWebhookAdapter(manager)
        github.handle_push(
            {
                "repository": {"full_name": "user/repo"},
                "pusher": {"name": "developer"},
                "commits": [...],
                "ref": "refs/heads/main",
            }
        )
        db_hooks = DatabaseWebhookIntegration(manager)
        old_data, new_data = {"name": "John"}, {"name": "Jack"}
        db_hooks.on_record_created("users", 123, {"name": "John", "email": "john@example.com"})
        db_hooks.on_record_updated("users", 123, old_data, new_data)
        db_hooks.on_record_deleted("users", 123)
        requests = endpoint.wait_for(4)

    got = {request.json()["event"]: request.json()["data"] for request in requests}
    assert got.keys() == {"github.push", "data.created", "data.updated", "data.deleted"}
    assert got["github.push"]["repository"] == "user/repo"
    assert got["data.updated"]["changes"] == {"name": {"old": "John", "new": "Jack"}}


async def test_a_batch_arrives_at_an_endpoint_event_by_event(endpoint):
    with WebhookManager() as manager:
        manager.register_webhook(url=endpoint.url, events=["data.created"])
        batch = WebhookBatchProcessor(manager, batch_size=20, flush_interval=5.0)
        for i in range(50):
            batch.add_event("data.created", {"id": i})
        await batch.flush()
        requests = await asyncio.to_thread(endpoint.wait_for, 50)
        batch.close()

    assert sorted(request.json()["data"]["id"] for request in requests) == list(range(50))


async def test_slack_gets_messages_and_alerts(endpoint):
    slack = SlackWebhookNotifier(endpoint.url)

    await slack.send_message("Deployment completed!", channel="#deployments")
    await slack.send_alert(title="High CPU Usage", description="CPU usage exceeded 90%", color="warning")

    message, alert = (request.json() for request in endpoint.requests)
    assert message == {"text": "Deployment completed!", "channel": "#deployments"}
    (attachment,) = alert["attachments"]
    assert attachment["title"] == "High CPU Usage"
    assert attachment["text"] == "CPU usage exceeded 90%"
    assert attachment["color"] == "warning"
    assert "High CPU Usage" in attachment["fallback"]


async def test_discord_gets_messages_and_embeds_that_call_nobody(endpoint):
    discord = DiscordWebhookNotifier(endpoint.url)

    await discord.send_message("@everyone look")
    await discord.send_embed(title="New Order", description="Order #123 received", color=0x00FF00)

    message, embed = (request.json() for request in endpoint.requests)
    assert message["content"] == "@everyone look"
    assert message["allowed_mentions"] == embed["allowed_mentions"] == {"parse": []}
    (shown,) = embed["embeds"]
    assert (shown["title"], shown["description"], shown["color"]) == (
        "New Order",
        "Order #123 received",
        65280,
    )


async def test_what_a_chat_takes_no_more_of_is_cut(endpoint):
    await DiscordWebhookNotifier(endpoint.url).send_embed(
        "t" * 300, "d" * 5000, fields={"n" * 300: "v" * 2000}
    )

    (shown,) = endpoint.requests[0].json()["embeds"]
    (field,) = shown["fields"]
    lengths = [len(text) for text in (shown["title"], shown["description"], field["name"], field["value"])]
    assert lengths == [256, 4096, 256, 1024]


@pytest.mark.parametrize(
    ("color", "fields"), [(-1, None), (0x1000000, None), (0, {str(n): n for n in range(26)})]
)
async def test_an_embed_that_discord_would_refuse_is_not_sent(endpoint, color, fields):
    with pytest.raises(InvalidInput):
        await DiscordWebhookNotifier(endpoint.url).send_embed("t", "d", color=color, fields=fields)
    assert endpoint.requests == []


@pytest.mark.parametrize("notifier", [SlackWebhookNotifier, DiscordWebhookNotifier])
async def test_a_chat_that_refuses_is_told_and_its_url_is_not(notifier):
    with recording(404) as gone, pytest.raises(DeliveryError, match="404") as raised:
        await notifier(gone.url).send_message("Hello")

    assert raised.value.code == "http_status"
    assert gone.url not in str(raised.value)


@pytest.mark.parametrize("notifier", [SlackWebhookNotifier, DiscordWebhookNotifier])
@pytest.mark.parametrize(
    "url", ["", "ftp://hooks.slack.com/", "https://10.0.0.1/services/T/B/X", "http://a.b/"]
)
def test_a_chat_at_a_forbidden_address_is_refused_at_once(notifier, url):
    with pytest.raises(InvalidInput, match="url"):
        notifier(url)


@pytest.mark.parametrize(
    ("notifier", "url"),
    [
        (SlackWebhookNotifier, "https://hooks.slack.com/services/..."),
        (DiscordWebhookNotifier, "https://discord.com/api/webhooks/..."),
    ],
)
async def test_the_urls_of_the_guide_are_taken_and_a_dead_name_is_a_delivery_error(
    monkeypatch, notifier, url
):
    def nobody_answers(host, *_, **__):
        raise socket.gaierror(host)

    monkeypatch.setattr(socket, "getaddrinfo", nobody_answers)
    with pytest.raises(DeliveryError):
        await notifier(url).send_message("Hello")
