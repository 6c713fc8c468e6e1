"""One type of the catalogue of our own event types. Floor 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTypeEntry:
    """One type of the catalogue.

    Attributes:
        name: ``order.created``.
        schema: JSON Schema that the data of its messages is held to; None for any data.
        archived: No longer offered.
    """

    name: str
    description: str = ""
    schema: Mapping[str, Any] | None = field(default=None, repr=False)
    archived: bool = False
    created_at: datetime
    updated_at: datetime
