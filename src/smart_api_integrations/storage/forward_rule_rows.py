"""Forward rules as rows. Floor 3."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from smart_api_integrations.core.forwarding import ForwardRule
from smart_api_integrations.storage.sending_tables import forward_rules
from smart_api_integrations.storage.versioned import Kind


def _row(rule: ForwardRule) -> dict[str, Any]:
    values = {field.name: getattr(rule, field.name) for field in fields(rule)}
    return values | {"events": list(rule.events)}


def _rule(row: Any) -> ForwardRule:
    values = row._asdict()
    return ForwardRule(**values | {"events": tuple(values["events"])})


FORWARD_RULES = Kind(name="forward rule", table=forward_rules, row_of=_row, record_of=_rule)
