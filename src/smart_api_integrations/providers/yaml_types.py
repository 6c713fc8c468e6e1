"""The kinds of values that stand in a ``webhook.yaml``, each with its check. Floor 3."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from ipaddress import ip_network
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Tag,
)

from smart_api_integrations.core.conditions import compile_condition
from smart_api_integrations.core.templates import compile_template
from smart_api_integrations.errors import ConfigurationError

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class OneOf:
    """The check that a word is one of ``known``; it names the nearest, and tells editors all of them."""

    known: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        """Check the word after it is a text."""
        return AfterValidator(self.check).__get_pydantic_core_schema__(source, handler)

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """List the words."""
        return {**handler(schema), "enum": list(self.known)}

    def check(self, value: str) -> str:
        """Return *value*.

        Raises:
            ValueError: It is none of them.
        """
        if value not in self.known:
            near = get_close_matches(value, self.known, n=1)
            hint = f", did you mean {near[0]!r}?" if near else ""
            message = f"{value!r} is none of {', '.join(self.known)}{hint}"
            raise ValueError(message)
        return value


def one_of(known: Iterable[str]) -> OneOf:
    """Return the check that a word is one of *known*."""
    return OneOf(tuple(known))


def _check_template(value: str) -> str:
    try:
        compile_template(value)
    except ConfigurationError as error:
        raise ValueError(str(error)) from error
    return value


def _check_network(value: str) -> str:
    ip_network(value.strip())
    return value


def _check_condition(value: dict[str, Any]) -> dict[str, Any]:
    try:
        compile_condition(value)
    except ConfigurationError as error:
        raise ValueError(str(error)) from error
    return value


def _seconds(value: Any) -> Any:
    written = re.fullmatch(r"([0-9]{1,6})([smhd])", value) if isinstance(value, str) else None
    return value if written is None else int(written[1]) * _UNIT_SECONDS[written[2]]


def _aware(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


TemplateText = Annotated[str, AfterValidator(_check_template)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
NetworkText = Annotated[str, AfterValidator(_check_network)]
Seconds = Annotated[int, Field(ge=0, le=7 * 86_400)]
Span = Annotated[int, BeforeValidator(_seconds, json_schema_input_type=int | str), Field(ge=0, le=7 * 86_400)]
"""Seconds, or a text like ``6h``, ``90m`` or ``30s``."""
Moment = Annotated[datetime, AfterValidator(_aware)]


class Strict(BaseModel):
    """A block that knows its keys."""

    model_config = ConfigDict(extra="forbid", strict=False, populate_by_name=True, hide_input_in_errors=True)


def _shape(value: Any) -> str:
    if isinstance(value, list):
        return "(list)"
    return "(block)" if isinstance(value, (Mapping, BaseModel)) else "(text)"


Text = Tag("(text)")
Block = Tag("(block)")
Several = Tag("(list)")
BY_SHAPE = Discriminator(_shape)
"""Tells a text, a block and a list apart, so that a fault is told once and not for each of them."""

ConditionBlock = Annotated[dict[str, Any], Field(min_length=1), AfterValidator(_check_condition)]
"""``{"{json:type}": ping, method: POST}``: see ``core.conditions``."""
Variables = Annotated[
    Annotated[Variable, Text] | Annotated[list[Variable], Field(min_length=1, max_length=4), Several],
    BY_SHAPE,
]
Templates = Annotated[
    Annotated[TemplateText, Text] | Annotated[list[TemplateText], Field(min_length=1), Several], BY_SHAPE
]
