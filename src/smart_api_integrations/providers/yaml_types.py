"""The kinds of values that stand in a ``webhook.yaml``, each with its check. Floor 3."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from smart_api_integrations.core.templates import compile_template
from smart_api_integrations.errors import ConfigurationError


class Strict(BaseModel):
    """A block: a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", strict=False, populate_by_name=True, hide_input_in_errors=True)


def one_of(known: Any) -> AfterValidator:
    """Return a check that a word is one of *known*; a fault names the nearest."""

    def check(value: str) -> str:
        if value not in known:
            near = get_close_matches(value, known, n=1)
            hint = f", did you mean {near[0]!r}?" if near else ""
            message = f"{value!r} is none of {', '.join(known)}{hint}"
            raise ValueError(message)
        return value

    return AfterValidator(check)


def _check_template(value: str) -> str:
    try:
        compile_template(value)
    except ConfigurationError as error:
        raise ValueError(str(error)) from error
    return value


TemplateText = Annotated[str, AfterValidator(_check_template)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
