"""``/api/webhooks``: the endpoints that we send to, under the third seed's names. Floor 8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from smart_api_integrations.api import representations
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.masking import MASK
from smart_api_integrations.errors import InvalidInput, NotFound

Event = Annotated[str, Field(max_length=256)]


class Credentials(BaseModel):
    """What an endpoint asks of who calls it. It is kept encrypted, and never answered."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    type: Literal["basic", "bearer"]
    username: str | None = Field(None, description="With `basic`.")
    password: str | None = Field(None, description="With `basic`.")
    token: str | None = Field(None, description="With `bearer`.")


class WebhookChanges(BaseModel):
    """What can be changed of an endpoint; absent fields stay as they are.

    Types are checked here, ranges and rules where an endpoint is kept, the same for every way to it.
    """

    model_config = ConfigDict(extra="forbid")

    url: str = Field("", examples=["https://example.com/webhook"])
    events: list[Event] = Field([], examples=[["order.created", "invoice.*"]])
    secret: str | None = Field(None, description="Made for you where absent; replaces all before it at once.")
    auth: Credentials | None = Field(None, description="What is sent as `Authorization`; null for nothing.")
    filter: str | None = Field(
        None,
        description="CEL: only the messages that it is true of are delivered.",
        examples=["data.total > 100"],
    )
    transformation: str | None = Field(
        None,
        description="CEL: its value is the body that is delivered.",
        examples=["{'text': event + ' ' + data.id}"],
    )
    active: StrictBool = True
    retry_schedule: list[float] | dict[str, float] | None = Field(
        None, description="Waits in seconds, or `first`, `factor`, `longest`, `attempts` and `jitter`."
    )
    retry_count: int | None = Field(None, description="Attempts in all, at least one.")
    retry_delay: float | None = Field(None, description="Seconds, doubled each time.")
    timeout: float = Field(15, description="Seconds that one attempt may take.")
    rate_limit: float | None = Field(None, description="Deliveries that may begin in a second.")
    concurrency: int | None = Field(None, description="Deliveries that run at once in one process.")
    headers: dict[str, str] = {}
    metadata: dict[str, Any] = {}
    description: str = ""


class Resumption(BaseModel):
    """How an endpoint goes on."""

    model_config = ConfigDict(extra="forbid")

    rate: float | None = Field(default=None, description="How much of its backlog is delivered in a second.")


class Enabling(Resumption):
    """How an endpoint goes on that was switched off."""

    backlog: Literal["deliver", "skip"] = Field(default="deliver", description="What becomes of what waited.")


SecretKind = Annotated[
    Literal["shared", "key_pair"],
    Field(description="What is made where no secret is given: `whsec_…`, or an Ed25519 key pair, `whsk_…`."),
]


class NewWebhook(WebhookChanges):
    """A new endpoint."""

    url: str = Field(examples=["https://example.com/webhook"])
    events: list[Event] = Field(examples=[["order.created", "invoice.*"]])
    secret_kind: SecretKind = "shared"  # noqa: S105 - a kind
    tenant: str = Field("default", description="Whose it is: it gets that tenant's messages alone.")


class Rotation(BaseModel):
    """How a secret is replaced."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    secret: str | None = Field(default=None, description="Made for you where absent.")
    kind: SecretKind = "shared"
    grace_seconds: float = Field(
        default=86_400,
        description="How long the one before signs too, up to seven days; 0 ends every older one.",
    )


def create_router(platform: Platform) -> APIRouter:
    """Return the routes over the endpoints of *platform*."""
    router = APIRouter(prefix="/webhooks", tags=["sending"])

    @router.get("")
    async def list_webhooks(tenant: str | None = None) -> list[dict[str, Any]]:
        """List every endpoint (of one tenant), oldest first; secrets are masked."""
        found = await platform.journal.endpoints.endpoints(tenant=tenant)
        return [representations.webhook(entry) for entry in found]

    @router.post("", status_code=201)
    async def register_webhook(webhook: NewWebhook, response: Response) -> dict[str, Any]:
        """Register an endpoint. Its secret is in this answer and in no later one."""
        values = _given(webhook)
        endpoint = await platform.endpoints.register(values.pop("url"), values.pop("events"), **values)
        response.headers["Location"] = f"webhooks/{endpoint.id}"
        return representations.webhook(endpoint, reveal=True)

    @router.get("/{webhook_id}")
    async def get_webhook(webhook_id: str) -> dict[str, Any]:
        """Return one endpoint with the statistics of its attempts; its secret is masked."""
        endpoint = await _found(platform, webhook_id)
        statistics = await platform.journal.endpoints.statistics(webhook_id)
        return await _shown(platform, endpoint) | {
            "statistics": {
                "total_attempts": statistics.total_attempts,
                "successful": statistics.successful,
                "failed": statistics.failed,
                "avg_duration_ms": statistics.avg_duration_ms,
            }
        }

    @router.patch("/{webhook_id}")
    async def update_webhook(webhook_id: str, changes: WebhookChanges) -> dict[str, Any]:
        """Change the given fields of an endpoint; every message after the answer sees them."""
        return representations.webhook(await platform.endpoints.update(webhook_id, _given(changes)))

    @router.delete("/{webhook_id}", status_code=204)
    async def delete_webhook(webhook_id: str) -> None:
        """Delete an endpoint and cancel its waiting deliveries; its attempts stay."""
        await platform.endpoints.remove(webhook_id)

    _add_actions(router, platform)
    return router


def _add_actions(router: APIRouter, platform: Platform) -> None:
    """Add what is done to an endpoint beside changing it."""

    @router.post("/{webhook_id}/secret/rotate")
    async def rotate_secret(webhook_id: str, rotation: Rotation | None = None) -> dict[str, Any]:
        """Give an endpoint a new secret, told in this answer alone; the old one signs for a while."""
        given = rotation or Rotation()
        endpoint = await platform.endpoints.rotate_secret(
            webhook_id, secret=given.secret, kind=given.kind, grace=given.grace_seconds
        )
        return representations.webhook(endpoint) | {"secret": endpoint.secret}

    @router.post("/{webhook_id}/pause")
    async def pause_webhook(webhook_id: str) -> dict[str, Any]:
        """Send nothing more to an endpoint; what is published for it waits, and is counted."""
        await platform.pause(webhook_id)
        return await _shown(platform, await _found(platform, webhook_id))

    @router.post("/{webhook_id}/resume")
    async def resume_webhook(webhook_id: str, resumption: Resumption | None = None) -> dict[str, Any]:
        """Send again, what waited at the chosen rate."""
        await platform.resume(webhook_id, rate=None if resumption is None else resumption.rate)
        return await _shown(platform, await _found(platform, webhook_id))

    @router.post("/{webhook_id}/enable")
    async def enable_webhook(webhook_id: str, enabling: Enabling | None = None) -> dict[str, Any]:
        """Switch an endpoint on again, and say whether what waited is delivered or skipped."""
        given = enabling or Enabling()
        endpoint = await platform.endpoints.enable(webhook_id, backlog=given.backlog, rate=given.rate)
        return await _shown(platform, endpoint)


async def _found(platform: Platform, webhook_id: str) -> Endpoint:
    endpoint = await platform.journal.endpoints.endpoint(webhook_id)
    if endpoint is None:
        message = "No webhook has this id."
        raise NotFound(message)
    return endpoint


async def _shown(platform: Platform, endpoint: Endpoint) -> dict[str, Any]:
    gates = platform.journal.gates
    held = representations.gate(
        await gates.gate(endpoint.id),
        waiting=await gates.waiting(endpoint.id),
        now=platform.journal.now(),
    )
    return representations.webhook(endpoint) | held


def _given(webhook: WebhookChanges) -> dict[str, Any]:
    values = webhook.model_dump(exclude_unset=True)
    if values.get("secret", "") is None:
        del values["secret"]
    _refuse_masks(values.get("headers", {}))
    return values


def _refuse_masks(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if MASK in value:
            message = (
                f"The header {name[:64]!r} holds the mask that an answer shows instead of a secret. "
                "Leave out what is not to be changed."
            )
            raise InvalidInput(message)
