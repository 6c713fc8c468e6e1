"""How each part of a platform is built from the settings. Floor 7."""

from __future__ import annotations

import inspect
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson

from smart_api_integrations.application.captured_keys import BroughtKeys
from smart_api_integrations.application.replays import Replays
from smart_api_integrations.brokers.broker import Broker
from smart_api_integrations.core.broker_event import BROKER
from smart_api_integrations.core.duplicate_keys import may_repeat
from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.inbound_webhook import InboundWebhook
from smart_api_integrations.core.journal import Claim, NewHandling, Outcome, ReceivedEvent
from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.core.webhook_registry import WebhookRegistry
from smart_api_integrations.core.webhook_schema import parse_json as exact_json
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.network.address_guard import AddressGuard
from smart_api_integrations.network.http_transport import HttpTransport
from smart_api_integrations.network.key_source import KeySource
from smart_api_integrations.providers.catalogue import Catalogue
from smart_api_integrations.receive.assigning import Publishing, handlings_for
from smart_api_integrations.receive.captured_keys import CapturedKeys
from smart_api_integrations.receive.door import Door
from smart_api_integrations.receive.forward_rules import ForwardRules
from smart_api_integrations.receive.forwarding import ForwardRunner, is_forwarding
from smart_api_integrations.receive.gateway import GatewayRules
from smart_api_integrations.receive.handling import Check, HandlerRunner, Surroundings
from smart_api_integrations.receive.published_keys import FindKey
from smart_api_integrations.receive.publishing import PublishRunner, is_publishing
from smart_api_integrations.send.broker_delivery import BrokerDelivering
from smart_api_integrations.send.delivery import Delivering, Transport
from smart_api_integrations.settings import Settings
from smart_api_integrations.storage import open_journal
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.storage.secret_cipher import SecretCipher, key_file_beside, keys_from_text
from smart_api_integrations.storage.upkeep_protocol import Old
from smart_api_integrations.watch.retention import Retention, RetentionRules
from smart_api_integrations.work.replay import Replayer, ReplayRules
from smart_api_integrations.work.worker import Runner, Worker, WorkerRules

SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What reaches other machines: the client, and the guard that says which."""

    guard: AddressGuard
    transport: HttpTransport


def build_journal(
    settings: Settings, surroundings: Surroundings, *, broker: Endpoint | None = None
) -> Journal:
    """Return the journal, not yet open.

    Raises:
        ConfigurationError: The URL is of no known engine, or there is no key for the secrets.
    """
    return open_journal(
        settings.database_url,
        new_id=surroundings.new_id,
        cipher=build_cipher(settings),
        dedupe_window=timedelta(days=settings.dedupe_days),
        broker=broker,
    )


def build_cipher(settings: Settings) -> SecretCipher:
    """Return what encrypts secrets at rest; the key of an SQLite file is made where there is none.

    Raises:
        ConfigurationError: There is no key for the secrets.
    """
    return SecretCipher(_encryption_keys(settings))


def _encryption_keys(settings: Settings) -> list[bytes]:
    if settings.encryption_keys:
        return keys_from_text(",".join(key.get_secret_value() for key in settings.encryption_keys))
    if settings.database_url.startswith(SQLITE):
        file, _, _ = settings.database_url.removeprefix(SQLITE).partition("?")
        return key_file_beside(Path(file))
    message = (
        "WEBHOOKS_ENCRYPTION_KEYS is not set; with this database it is needed to keep endpoints' secrets.\n"
        "Make a key, keep it safe, and start again:\n"
        "  export WEBHOOKS_ENCRYPTION_KEYS=\"$(python3 -c 'import base64, os; "
        "print(base64.b64encode(os.urandom(32)).decode())')\""
    )
    raise ConfigurationError(message)


def build_network(settings: Settings) -> Network:
    """Return the guarded client.

    Raises:
        ConfigurationError: An allowed network cannot be one.
    """
    guard = AddressGuard(settings.allowed_networks)
    return Network(guard=guard, transport=HttpTransport(guard))


def build_runners(
    settings: Settings,
    catalogue: Catalogue,
    registry: WebhookRegistry,
    *,
    transport: HttpTransport,
    broker: Broker | None,
    own: Surroundings,
    check: Check,
    rules: ForwardRules,
) -> Mapping[Kind, Runner]:
    """Return what runs each kind of work."""
    handlings = HandlerRunner(
        registry=registry,
        webhooks=catalogue.reachable,
        surroundings=own,
        default_timeout=timedelta(seconds=settings.handler_timeout_seconds),
        check=check,
    )
    sending = load_tracing().TracingTransport(transport) if settings.tracing else transport
    deliveries = build_delivering(sending, own)
    publishing = PublishRunner(catalogue.webhooks, now=own.now, new_id=own.new_id)
    to_broker = BrokerDelivering(
        broker,
        cancel_unrouted=settings.broker_unrouted == "cancel",
        now=own.now,
        random=own.random,
        new_id=own.new_id,
    )

    forwarding = ForwardRunner(
        catalogue.webhooks, rules=rules.snapshot.current, now=own.now, new_id=own.new_id, check=check
    )

    async def handle(claim: Claim) -> Outcome:
        if is_forwarding(claim):
            return await forwarding.run(claim)
        return await (publishing if is_publishing(claim) else handlings).run(claim)

    async def deliver(claim: Claim) -> Outcome:
        return await (to_broker if claim.work.target == BROKER else deliveries).deliver(claim)

    runners: Mapping[Kind, Runner] = {Kind.HANDLING: handle, Kind.DELIVERY: deliver}
    if settings.tracing:
        runners = load_tracing().traced(runners)
    return runners


def load_tracing() -> ModuleType:
    """Return what traces: the only place that loads OpenTelemetry.

    Raises:
        ConfigurationError: It is not installed.
    """
    try:
        return import_module("smart_api_integrations.watch.tracing")
    except ImportError as error:
        message = "WEBHOOKS_TRACING is set, but OpenTelemetry is not installed: smart-api-integrations[otel]."
        raise ConfigurationError(message) from error


def build_delivering(transport: Transport, own: Surroundings) -> Delivering:
    """Return what runs one delivery."""
    return Delivering(transport, now=own.now, random=own.random, new_id=own.new_id)


def worker_rules(
    settings: Settings, registry: WebhookRegistry, *, on_published: Callable[..., None]
) -> WorkerRules:
    """Return the rules of this process's worker."""
    # A handler that is slow or waits for a thread must leave places to the others.
    fair_share = max(1, settings.worker_concurrency * 3 // 4)
    fair_threads = min(fair_share, max(1, settings.handler_threads * 3 // 4))

    def target_concurrency(target: str) -> int:
        if ":" not in target:  # an endpoint's id has none, a handler's name has
            return settings.endpoint_concurrency
        found = registry.handler(target)
        if found is None or inspect.iscoroutinefunction(found[1].function):
            return (found and found[1].concurrency) or fair_share
        return found[1].concurrency or fair_threads

    return WorkerRules(
        owner=f"worker-{secrets.token_hex(8)}",
        lease=timedelta(seconds=settings.lease_seconds),
        concurrency=settings.worker_concurrency,
        target_concurrency=target_concurrency,
        on_published=on_published,
    )


def build_replays(
    settings: Settings,
    catalogue: Catalogue,
    registry: WebhookRegistry,
    journal: Journal,
    *,
    handlers: Callable[[], Sequence[str]],
    worker: Worker,
    own: Surroundings,
) -> tuple[Replayer, Replays]:
    """Return what runs replay jobs, and what people ask of them."""

    def assign(event: ReceivedEvent) -> Sequence[NewHandling]:
        """Return the handlings that *event* would get if it came today."""
        webhook = catalogue.webhooks.get((event.provider, event.webhook_name))
        processor = registry.processor(event.provider, event.webhook_name)
        return (
            ()
            if webhook is None
            else handlings_for(event, webhook, processor, publishing=_publishing_nothing)
        )

    def wake() -> None:
        worker.wake()
        replayer.wake()

    owner = f"replayer-{secrets.token_hex(8)}"
    rules = ReplayRules(owner=owner, lease=timedelta(seconds=settings.lease_seconds))
    replayer = Replayer(journal.replays, assign, rules)
    replays = Replays(journal, assign, handlers=handlers, new_id=own.new_id, wake=wake)
    return replayer, replays


def _publishing_nothing(_event: ReceivedEvent, _webhook: InboundWebhook) -> Sequence[NewHandling]:
    """Make no internal event of an old one: what is missing is what handlers would have done."""
    return ()


def build_retention(settings: Settings, journal: Journal) -> Retention:
    """Return what forgets the old; an event stays for as long as it tells duplicates."""
    window = timedelta(days=settings.dedupe_days)
    finished = settings.retention_finished
    kept = {
        Old.PAYLOADS: settings.retention_payloads,
        Old.DEAD_LETTERS: settings.retention_dead_letters,
        Old.FINISHED: None if finished is None else max(finished, window),
        Old.REJECTED: settings.retention_rejected,
        Old.AUDIT: settings.retention_audit,
    }
    owner = f"retention-{secrets.token_hex(8)}"
    is_timed = bool({"worker", "monitor"} & {*settings.roles})
    rules = RetentionRules(kept=kept, owner=owner, is_timed=is_timed, now=journal.now)
    return Retention(journal.upkeep, rules)


def gateway_rules(
    settings: Settings,
    surroundings: Surroundings,
    door: Door,
    network: Network,
    *,
    captured_keys: CapturedKeys,
    find_key: FindKey | None = None,
    publishing: Publishing,
) -> GatewayRules:
    """Return what the gateway is told."""
    return GatewayRules(
        now=surroundings.now,
        new_id=surroundings.new_id,
        max_body_bytes=settings.max_body_bytes,
        door=door,
        public_url=settings.public_url.rstrip("/") if settings.public_url else None,
        parse_json=parse_json,
        find_key=find_key or KeySource(network.transport, now=surroundings.now).find,
        captured_keys=captured_keys,
        publishing=publishing,
    )


def build_brought_keys(catalogue: Catalogue, journal: Journal) -> tuple[CapturedKeys, BroughtKeys]:
    """Return what keeps the secrets that handshakes bring, and what an operator does with them."""
    store = journal.captured_keys
    kept = CapturedKeys(catalogue.brought, store, now=journal.now, clock=time.monotonic)
    return kept, BroughtKeys(catalogue, store, on_change=kept.look_again)


def parse_json(body: bytes) -> Any:
    """Parse a body for what the gateway reads of it; handlers get it parsed with exact integers.

    Raises:
        MalformedRequest: It is not JSON, or nested too deep; ``DuplicateKeys`` for a repeated key.
    """
    try:
        parsed = orjson.loads(body)
        written = orjson.dumps(parsed)  # nothing deeper than 254 levels, fewer than ``DEEPEST``
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return exact_json(body)  # takes what JavaScript writes: half a surrogate pair, numbers of any size
    return exact_json(body) if may_repeat(body, written) else parsed
