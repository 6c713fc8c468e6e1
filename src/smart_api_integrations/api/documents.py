"""What the API answers, as models: for its description and the suite that holds it to that. Floor 8.

``representations`` makes the answers; nothing is parsed or checked with these while a request is answered.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from smart_api_integrations.core.access import Role, Scope
from smart_api_integrations.core.lifecycle import Kind, State

EVENT_ID = "evt_01JD8ZK3Y4E5F6G7H8J9K0M1N2"
Id = Annotated[str, Field(examples=[EVENT_ID])]
Time = AwareDatetime
Encoding = Literal["utf-8", "base64"]


class Document(BaseModel):
    """Whatever the API answers; fields may be added to it."""

    model_config = ConfigDict(extra="allow")


class Problem(Document):
    """An error, as RFC 9457 says."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    code: str = Field(description="A stable word for programs.", examples=["not_found"])
    detail: str = Field(description="What is wrong.", examples=["No event has this id."])
    hint: str = Field(description="What to do.", examples=["Check the id; it may be past its retention."])
    errors: list[dict[str, str]] = Field([], description="Of a request with several faults: `where`, `what`.")


class EventLine(Document):
    """One line of the list of received events."""

    id: Id
    provider: str = Field(examples=["github"])
    webhook_name: str = Field(examples=["default"])
    event_type: str | None = Field(examples=["pull_request"])
    action: str | None = Field(examples=["opened"])
    event_id: str | None = Field(description="The provider's own id.")
    state: State
    size: int = Field(description="Of its body, in bytes.")
    duplicates: int = Field(description="How often the same event came again.")
    received_at: Time
    handlings: list[State]
    deliveries: list[State]


class Attempt(Document):
    """One try of a handling or of a delivery."""

    id: Id
    attempt_number: int
    status: Literal["succeeded", "failed", "skipped", "lost"]
    timestamp: Time
    duration_ms: float
    response_code: int | None
    response_headers: dict[str, str] | None
    response_body: str | None
    request_headers: dict[str, str] | None
    error_code: str | None = Field(examples=["timeout"])
    error_message: str | None
    error_detail: str | None = Field(description="A handler's traceback.")
    phases: dict[str, float] | None = Field(
        description="Milliseconds of `dns`, `tcp`, `tls`, `ttfb`, `body`."
    )
    result: str | None = Field(description="What a handler returned, as JSON text.")


class Work(Document):
    """A handling or a delivery."""

    id: Id
    kind: Kind
    target: str = Field(description="The handler's name, or the endpoint's id.")
    subject_id: str = Field(description="The event's id, or the message's.")
    status: State
    attempt_count: int
    failures: int
    max_attempts: int
    next_attempt_at: Time | None
    created_at: Time
    updated_at: Time


class Handling(Work):
    """What one handler does with one event, with its attempts."""

    attempts: list[Attempt]


class DeliveryLine(Work):
    """One message to one endpoint."""

    webhook_id: str
    payload_id: str


class MessageLine(Document):
    """One line of the list of messages."""

    id: Id
    event: str = Field(examples=["order.created"])
    event_id: str | None = Field(description="Of the received event that caused it.")
    handler: str | None
    created_at: Time
    size: int


class Message(Document):
    """An event that is sent; its body is null where the key may not see payloads."""

    id: Id
    event: str
    event_id: str | None
    handler: str | None
    created_at: Time
    body: str | None
    body_encoding: Encoding | None


class Delivery(DeliveryLine):
    """One message to one endpoint, with the message and every attempt."""

    message: Message | None
    attempts: list[Attempt]


class TracedDelivery(DeliveryLine):
    """A delivery in a trace."""

    url: str | None
    attempts: list[Attempt]


class MessageTrace(Message):
    """A message and where it went."""

    deliveries: list[TracedDelivery]


class ReceivedEvent(Document):
    """One event, whole; body, query, answers and results only for who may see payloads."""

    id: Id
    provider: str
    webhook_name: str
    event_type: str | None
    action: str | None
    event_id: str | None
    method: str
    path: str
    query: str
    remote_address: str | None
    received_at: Time
    occurred_at: Time | None
    duplicates: int
    proof: dict[str, Any] = Field(description="Why it was believed.")
    headers: list[list[str]] = Field(description="As they came; secrets cut.")
    body: str | None
    body_encoding: Encoding | None
    handlings: list[Handling]
    messages: list[Message]
    deliveries: list[TracedDelivery]


class Rejection(Document):
    """A request that was not accepted."""

    id: Id
    provider: str
    webhook_name: str
    reason: str = Field(examples=["signature_mismatch"])
    detail: str
    status_code: int
    remote_address: str | None
    received_at: Time
    facts: dict[str, Any]
    sampled: int = Field(description="How many like it this line stands for.")


class Source(Document):
    """An inbound webhook."""

    provider: str
    name: str
    path: str | None
    documentation: str | None
    mounted: bool
    missing: str | None = Field(description="The variable that it waits for.")


class Provider(Document):
    """A service that sends webhooks."""

    provider: str = Field(examples=["stripe"])
    documentation: str | None
    webhooks: list[dict[str, Any]]


class Handler(Document):
    """A registered handler, and what holds it back."""

    name: str = Field(examples=["github:default:shop.webhooks.on_push"])
    provider: str
    webhook_name: str
    pattern: str
    retry_schedule: list[float]
    timeout: float | None
    concurrency: int | None
    ordered: bool
    paused_at: Time | None
    circuit: Literal["closed", "open", "half_open"]
    waiting: int


class EventType(Document):
    """A type of message, and how many endpoints get it."""

    event: str = Field(examples=["data.created"])
    category: str
    predefined: bool
    webhooks: int


class Accepted(Document):
    """A message that was kept."""

    id: Id
    event: str
    status: Literal["accepted"]
    deliveries: int


class Endpoint(Document):
    """A URL that messages are sent to."""

    id: Id
    url: str
    events: list[str]
    secret: str = Field(description="Masked, but in the answer that made it.")
    active: bool
    disabled_reason: str | None
    retry_count: int | None
    retry_delay: float | None
    timeout: float
    headers: dict[str, str]
    metadata: dict[str, Any]
    description: str
    created_at: Time
    updated_at: Time


class Tested(Document):
    """How one test went."""

    success: bool
    url: str
    event: str
    payload_id: str
    status: str
    duration_ms: float
    response_code: int | None
    error_code: str | None
    error_message: str | None


class EndpointCounts(Document):
    """How many endpoints there are."""

    active: int
    total: int


class DeliveryCounts(Document):
    """Attempts in 24 hours."""

    total: int
    successful: int
    failed: int
    avg_duration_ms: float


class Stats(Document):
    """The system's statistics."""

    webhooks: EndpointCounts
    deliveries_24h: DeliveryCounts


class Found(Document):
    """What an id is of."""

    id: Id
    kind: str = Field(examples=["event"])
    href: str = Field(examples=[f"/api/received/{EVENT_ID}"])


class ApiKey(Document):
    """An API key, without the key itself."""

    id: Id
    name: str
    prefix: str = Field(examples=["whk_h3Jx0aQz"])
    role: Role | None
    scopes: list[Scope]
    state: Literal["active", "revoked", "expired"]
    created_at: Time
    created_by: str
    expires_at: Time | None
    revoked_at: Time | None
    last_used_at: Time | None
    replaced_by: str | None


class MadeKey(ApiKey):
    """An API key that was just made."""

    key: str = Field(description="The key itself: it is told now and never again.", examples=["whk_…"])


class AuditLine(Document):
    """Who did what, and when."""

    id: Id
    at: Time
    actor_id: str
    actor_name: str
    action: str = Field(examples=["update_webhook"])
    target: str
    remote_address: str | None
    details: dict[str, Any]
