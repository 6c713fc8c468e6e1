"""A URL that messages go to, and what its owner chose for it. Floor 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from smart_api_integrations.core.credentials import Credentials
from smart_api_integrations.core.retry_schedule import DELIVERIES, RetrySchedule, doubling

DEFAULT_TENANT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class OldSecret:
    """A signing secret that was replaced and still signs beside the newer ones until *expires_at*."""

    secret: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A URL that is subscribed to messages.

    Attributes:
        events: Patterns: ``order.created``, ``order.*``, ``*``.
        secret: The signing secret in the clear; the store keeps ciphertext. Not in the repr.
        old_secrets: Those before it whose time of grace may go on, newest first.
        auth: What is sent as ``Authorization``, or None.
        filter: A CEL expression: it gets only the messages that it is true of; None for all of its types.
        transformation: A CEL expression whose value is the body that it gets; None for the message's own.
        active: False while it gets nothing new: switched off by a person, or by its failures.
        disabled_reason: Why it was switched off by itself, ``gone`` or ``failing``; None where it was not.
        retry_count: Attempts in all, at least one; None for the standard schedule.
        retry_schedule: Waits of its own; goes before the two that follow the third seed's words.
        retry_delay: The first wait, doubled each time; None for the standard schedule.
        timeout: The whole time that one attempt may take.
        rate_limit: How many deliveries may begin in a second, over all workers; None for no limit.
        concurrency: How many run at once in one process; None for the setting ``endpoint_concurrency``.
        headers: Sent with every delivery; reserved names are refused when it is saved.
    """

    id: str
    tenant: str = DEFAULT_TENANT
    url: str
    events: tuple[str, ...]
    secret: str = field(repr=False)
    old_secrets: tuple[OldSecret, ...] = ()
    auth: Credentials | None = None
    filter: str | None = None
    transformation: str | None = None
    active: bool = True
    disabled_reason: str | None = None
    retry_schedule: RetrySchedule | None = None
    retry_count: int | None = None
    retry_delay: timedelta | None = None
    timeout: timedelta = timedelta(seconds=15)
    rate_limit: float | None = None
    concurrency: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    created_at: datetime
    updated_at: datetime

    def secrets_at(self, now: datetime) -> tuple[str, ...]:
        """Return every secret that signs at *now*, newest first."""
        return (self.secret, *(old.secret for old in self.grace_at(now) if old.secret))

    def grace_at(self, now: datetime) -> tuple[OldSecret, ...]:
        """Return the replaced secrets whose time goes on at *now*, newest first."""
        return tuple(old for old in self.old_secrets if old.expires_at > now)

    @property
    def schedule(self) -> RetrySchedule:
        """The waits between the attempts of a delivery to this endpoint."""
        if self.retry_schedule is not None:
            return self.retry_schedule
        if self.retry_count is None and self.retry_delay is None:
            return DELIVERIES
        return doubling(
            attempts=3 if self.retry_count is None else self.retry_count,
            first_wait=timedelta(seconds=5) if self.retry_delay is None else self.retry_delay,
        )
