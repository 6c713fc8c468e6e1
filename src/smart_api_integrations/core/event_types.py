"""Which event types a pattern names, for handlers, allow-lists and subscriptions. Floor 1.

A pattern is a type (``push``), a type with its action (``pull_request.opened``), or either with
``*`` for any text (``order.*``, ``orders/*``, ``*.created``). A type alone matches every action;
``*`` alone matches everything, also an event that says no type.
"""

from __future__ import annotations

import re
from enum import StrEnum

_NOT_IN_A_NAME = re.compile(r"[^0-9A-Za-z]")


class EventType(StrEnum):
    """The types that the third seed names, for sending; any other text in dot notation is as good."""

    SYSTEM_STARTUP = "system.startup"
    SYSTEM_SHUTDOWN = "system.shutdown"
    SYSTEM_ERROR = "system.error"
    DATA_CREATED = "data.created"
    DATA_UPDATED = "data.updated"
    DATA_DELETED = "data.deleted"
    PROCESS_STARTED = "process.started"
    PROCESS_COMPLETED = "process.completed"
    PROCESS_FAILED = "process.failed"
    HEALTH_CHECK = "health.check"
    ALERT_TRIGGERED = "alert.triggered"
    METRIC_THRESHOLD = "metric.threshold"

    @property
    def category(self) -> str:
        """Which of the seed's groups it belongs to."""
        group = self.partition(".")[0]
        return group if group in {"system", "data", "process"} else "monitoring"


def matches(pattern: str, event_type: str | None, action: str | None = None) -> bool:
    """Tell whether *pattern* names an event of this type and action.

    >>> matches("pull_request", "pull_request", "opened")
    True
    >>> matches("pull_request.*", "pull_request", "opened")
    True
    >>> matches("order.*", "orders.created")
    False
    """
    if pattern == "*":
        return True
    if not event_type:
        return False
    if pattern == event_type:
        return True
    whole = f"{event_type}.{action}" if action else event_type
    if "*" in pattern:
        return _matches_wildcard(pattern, whole) or _matches_wildcard(pattern, event_type)
    return pattern == whole


def _matches_wildcard(pattern: str, text: str) -> bool:
    """Match without backtracking: every piece between two stars at its first place."""
    first, *middle, last = pattern.split("*")
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    position, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True


def specificity(pattern: str) -> tuple[int, int]:
    """Return a key by which the most specific of several matching patterns sorts last.

    An exact pattern beats one with a star, and more text beats less, so that a type with its action
    beats the type alone.

    >>> sorted(["pull_request.opened", "*", "pull_request", "pull_*"], key=specificity)
    ['*', 'pull_*', 'pull_request', 'pull_request.opened']
    """
    return int("*" not in pattern), len(pattern)


def method_name(event_type: str) -> str:
    """Return what follows ``on_`` in the name of the method that handles *event_type*.

    >>> method_name("payment_intent.succeeded"), method_name("orders/create")
    ('payment_intent_succeeded', 'orders_create')
    """
    return _NOT_IN_A_NAME.sub("_", event_type)
