"""The records that the journal keeps, and the values that pass between its rooms. Floor 1.

Frozen, without behaviour; every time is an aware UTC datetime. ``storage`` writes and reads them,
``receive`` and ``send`` make them, ``work`` moves them on, ``api`` and ``dashboard`` show them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from smart_api_integrations.core.endpoint import DEFAULT_TENANT, Endpoint
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.core.records import record


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Why a request was believed: what the dashboard's verification panel shows.

    Attributes:
        scheme: The scheme's name, ``hmac`` or ``none``.
        algorithm: Its algorithm, ``sha256``.
        secret_name: Which configured secret matched, by the name of its variable; never its value.
        secret_index: 0 for the newest secret, 1 and on for older ones during a rotation.
        secrets_tried: How many secrets were tried until one matched.
        timestamp: The signed time, where the scheme has one.
        tolerance: The window that the timestamp was judged against.
    """

    scheme: str
    algorithm: str | None = None
    secret_name: str | None = None
    secret_index: int = 0
    secrets_tried: int = 0
    timestamp: datetime | None = None
    tolerance: timedelta | None = None


@record
class ReceivedEvent:
    """One received request that verified, as it is kept.

    Attributes:
        id: Ours, ``evt_`` and a ULID: sorting by id sorts by time of receipt.
        event_type: The provider's own word for what happened, or None where it says none.
        action: The second half of the type, where the provider splits it in two.
        event_id: The provider's own id, or None.
        query: The query string as received, without the question mark.
        headers: As received, in order, repeated ones repeated.
        body: The exact bytes off the socket.
        occurred_at: When the provider says that it happened, or None.
        dedupe_keys: Short hashes; an event that shares one within the window is a duplicate.
        duplicates: How often the same event came again; counted by the store.
    """

    id: str
    tenant: str = DEFAULT_TENANT
    provider: str
    webhook_name: str
    event_type: str | None
    action: str | None = None
    event_id: str | None = None
    method: str = "POST"
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...]
    body: bytes
    remote_address: str | None = None
    received_at: datetime
    occurred_at: datetime | None = None
    proof: Proof
    dedupe_keys: tuple[bytes, ...] = ()
    duplicates: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHandling:
    """A handling that is to be kept together with its event.

    Attributes:
        handler: The handler's name: ``provider:webhook_name:module.qualname``.
        max_attempts: After so many failures in a row it is a dead letter.
        ordering_key: Handlings of one handler with equal keys run one after the other; None for no order.
        publishes: Where given, it is kept only if an endpoint of the tenant, or the broker, wants one of
            these types of message.
    """

    handler: str
    max_attempts: int
    ordering_key: str | None = None
    publishes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An event that we send.

    Attributes:
        id: ``msg_`` and a ULID; stable over retries, so receivers deduplicate by it.
        event: Its type, ``order.created``.
        body: The exact bytes that every delivery sends, built once.
        event_id: The received event that caused it (ours), or None: the link of the trace.
        handler: The handler that published it, or None.
        hops: How many of our own systems the event passed through; 3 is the end.
        operational: It tells of the sending itself (``endpoint.disabled``), and is not told of in turn. ``*``
            does not match it; who wants it names it, ``endpoint.*``.
        deliver_at: Before this no delivery begins; None for at once.
        expires_at: From this on no delivery begins: what is left is cancelled; None for never.
        idempotency_key: Publishing with a used key gives the answer of the first time; ``fingerprint`` is the
            content's, where there is a key. Neither is kept with the message.
        ordering_key: Messages with equal keys reach an endpoint one after the other; None for no order.
        endpoint_id: The one endpoint that it is for, whatever its types; None for all that subscribe.
    """

    id: str
    tenant: str = DEFAULT_TENANT
    event: str
    body: bytes
    created_at: datetime
    event_id: str | None = None
    handler: str | None = None
    hops: int = 0
    operational: bool = False
    deliver_at: datetime | None = None
    expires_at: datetime | None = None
    idempotency_key: str | None = None
    fingerprint: bytes = b""
    ordering_key: str | None = None
    endpoint_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A handling or a delivery, as the store holds it.

    Attributes:
        id: ``hdl_`` or ``dlv_`` and a ULID.
        subject_id: The event's id (handling) or the message's (delivery).
        target: The handler's name (handling) or the endpoint's id (delivery).
        attempt_count: How many attempts have begun, over its whole life; their numbers have no gap.
        failures: How many failed since it was new or last replayed; 0 puts it in the fresh lane.
        due_at: When it may be claimed; None while it is leased or over.
        leased_until: Until when a worker has it; None while it waits or is over.
        fence: Grows with every lease; a finisher with an older one writes nothing.
        ordering_key: Of one target and one key, nothing begins before what came earlier is over.
        in_line: True while it waits behind earlier work of its key, whatever its ``due_at``.
    """

    id: str
    tenant: str = DEFAULT_TENANT
    kind: Kind
    subject_id: str
    target: str
    state: State
    attempt_count: int = 0
    failures: int = 0
    max_attempts: int
    due_at: datetime | None
    leased_until: datetime | None = None
    fence: int = 0
    ordering_key: str | None = None
    in_line: bool = False
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Work that is leased to a worker, with everything that running it needs.

    ``work.attempt_count`` is the attempt's number. A handling has its event, a delivery message and endpoint.
    """

    work: Work
    event: ReceivedEvent | None = None
    message: Message | None = None
    endpoint: Endpoint | None = None


class AttemptStatus:
    """How an attempt ended: the words of the ``status`` columns."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    LOST = "lost"  # the worker died: its lease ended without an outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of a delivery or of a handling.

    Attributes:
        error_code: A stable word: ``timeout``, ``address_blocked``, ``http_status``, ``raised``.
        error_message: One sentence for people, without secrets and without bodies.
        error_detail: A handler's traceback.
        request_headers: What a delivery sent; the signature is there, the secret never is.
        response_body: The first 64 KiB of the answer.
        phases: Milliseconds of ``dns``, ``tcp``, ``tls`` (absent where reused), ``ttfb``, ``body``.
        result: What a handler returned, as JSON text.
    """

    id: str
    work_id: str
    kind: Kind
    target: str
    subject_id: str
    number: int
    status: str
    started_at: datetime
    duration_ms: float
    error_code: str | None = None
    error_message: str | None = None
    error_detail: str | None = None
    request_headers: Mapping[str, str] | None = None
    response_code: int | None = None
    response_headers: Mapping[str, str] | None = None
    response_body: str | None = None
    phases: Mapping[str, float] | None = None
    result: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one claim, to be recorded in one transaction.

    Attributes:
        work: The work as it was claimed: its fence decides whether we still hold it.
        state: The state that follows.
        wait: How long until the next attempt; given exactly where *state* is ``retry_scheduled``.
        attempt: The attempt that just ended.
        messages: What the handling published: kept, with their deliveries, in the same transaction.
        handlings: Those that a middleware's renaming brought in: kept in the same transaction, but for those
            of handlers that the event has a handling of already.
        busy_for: Given where the target answered that it is too busy: how long it asked to be left alone, or
            zero where it did not say.
    """

    work: Work
    state: State
    wait: timedelta | None = None
    attempt: Attempt
    messages: Sequence[Message] = ()
    handlings: Sequence[NewHandling] = ()
    busy_for: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """A worker's offer to take new work at once, in the transaction that makes it.

    Attributes:
        owner: The worker's id, as in ``WorkStore.claim``.
        lease: How long the lease is.
        refuse: Targets (endpoint ids, handler names) of which enough waits here already.
    """

    owner: str
    lease: timedelta
    refuse: frozenset[str] = frozenset()


@record
class Accepted:
    """What became of a received event.

    Attributes:
        event_id: Our id of the event that is kept: for a duplicate, the first one's.
        duplicate: True where the event was kept before.
        claims: Handlings that are leased to the worker that offered a ``Handoff``.
    """

    event_id: str
    duplicate: bool = False
    claims: Sequence[Claim] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What was to be had of a repeated event's handlings; ``running``: another one has some of them."""

    claims: Sequence[Claim] = ()
    running: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What became of a message: how many deliveries it has, and those that are leased to us.

    ``repeated``: its idempotency key was used before, and this is the message of that time.
    """

    message_id: str
    deliveries: int
    repeated: bool = False
    claims: Sequence[Claim] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of an outcome.

    Attributes:
        stale: The lease had passed on: nothing was written. ``published``: one for each message.
    """

    stale: bool = False
    published: Sequence[Published] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A request that was not accepted: metadata only, no body, never a whole header value.

    Attributes:
        id: ``rej_`` and a ULID.
        reason: A stable word, ``signature_mismatch``.
        detail: One sentence for people on what was found and what to do.
        facts: What explains it (header names, body length and hash); ``sampled``: how many it stands for.
    """

    id: str
    provider: str
    webhook_name: str
    reason: str
    detail: str
    status_code: int
    remote_address: str | None
    received_at: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)
    sampled: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSummary:
    """A line of the list of events: without body and headers, with where its work stands."""

    id: str
    provider: str
    webhook_name: str
    event_type: str | None
    action: str | None
    event_id: str | None
    size: int
    duplicates: int
    received_at: datetime
    handlings: tuple[State, ...]
    deliveries: tuple[State, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Everything that one event, or one message without an event, led to."""

    event: ReceivedEvent | None
    handlings: Sequence[Work]
    messages: Sequence[Message]
    deliveries: Sequence[Work]
    attempts: Sequence[Attempt]
    endpoints: Mapping[str, Endpoint]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits, and what is dead. Counts stop at ``COUNT_LIMIT`` and then mean "or more"."""

    waiting: int
    running: int
    oldest_due_at: datetime | None
    dead: int


COUNT_LIMIT = 10_000  # beyond it a page says ``10 k+`` instead of paying for a scan


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficPoint:
    """What passed through the journal in one slice of time."""

    starts_at: datetime
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    handled: int = 0
    handling_failed: int = 0
    delivered: int = 0
    delivery_failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStatistics:
    """The third seed's numbers of one endpoint's delivery attempts."""

    total_attempts: int = 0
    successful: int = 0
    failed: int = 0
    avg_duration_ms: float = 0.0
