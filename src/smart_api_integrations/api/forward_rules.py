"""``/api/forward-rules``: rules that make messages of received events. Floor 8."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from smart_api_integrations.api.representations import time
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.forwarding import ForwardRule

Pattern = Annotated[str, Field(max_length=256)]


class Rule(BaseModel):
    """A rule, or what is to be changed of one; absent fields have their defaults, or stay as they are."""

    model_config = ConfigDict(extra="forbid")

    source: Pattern = Field(default="*", examples=["github:default", "github:*"])
    events: list[Pattern] = Field(default=["*"], examples=[["pull_request.opened", "push"]])
    filter: str | None = Field(default=None, examples=["payload.ref == 'refs/heads/main'"])
    transformation: str | None = Field(
        default=None,
        description="CEL: the message's data; the payload where absent.",
        examples=["{'repository': payload.repository.full_name}"],
    )
    message_type: Pattern = Field(
        default="{provider}.{type}", description="`{provider}`, `{type}` and `{action}` are the event's."
    )
    endpoint_id: str | None = Field(
        default=None, description="The one endpoint that gets it; else all that subscribe to the type."
    )
    tenant: str = Field(default="default", max_length=256)
    description: str = ""
    active: StrictBool = True


def create_router(platform: Platform) -> APIRouter:
    """Return the routes over the rules of *platform*."""
    router = APIRouter(prefix="/forward-rules", tags=["sending"])
    rules = platform.forward_rules

    @router.get("")
    async def list_forward_rules() -> list[dict[str, Any]]:
        """List every rule, oldest first."""
        return [_shown(rule) for rule in await rules.rules()]

    @router.post("", status_code=201)
    async def add_forward_rule(rule: Rule, response: Response) -> dict[str, Any]:
        """Add a rule: it takes the events that are received from now on."""
        added = await rules.add(**rule.model_dump(exclude_unset=True))
        response.headers["Location"] = f"forward-rules/{added.id}"
        return _shown(added)

    @router.get("/{rule_id}")
    async def get_forward_rule(rule_id: str) -> dict[str, Any]:
        """Return one rule."""
        return _shown(await rules.rule(rule_id))

    @router.patch("/{rule_id}")
    async def update_forward_rule(rule_id: str, changes: Rule) -> dict[str, Any]:
        """Change the given fields of a rule; what waits goes by the rule as it is then."""
        return _shown(await rules.change(rule_id, changes.model_dump(exclude_unset=True)))

    @router.delete("/{rule_id}", status_code=204)
    async def delete_forward_rule(rule_id: str) -> None:
        """Delete a rule; what it had taken and was not forwarded yet is skipped."""
        await rules.remove(rule_id)

    return router


def _shown(rule: ForwardRule) -> dict[str, Any]:
    times = {"created_at": time(rule.created_at), "updated_at": time(rule.updated_at)}
    return asdict(rule) | {"events": list(rule.events)} | times
