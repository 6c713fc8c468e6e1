"""The live tail: what came in, what was refused, what ran and what was sent, as lines by time. Floor 8."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.journal import EventSummary, Rejection
from smart_api_integrations.core.lifecycle import Kind, event_state
from smart_api_integrations.dashboard.views import words
from smart_api_integrations.dashboard.views.measures import Moment, duration, exact, plural, size
from smart_api_integrations.dashboard.views.reasons import reason_of
from smart_api_integrations.dashboard.views.visible import shortened, visible
from smart_api_integrations.dashboard.views.words import Badge
from smart_api_integrations.storage.read_models import RecentAttempt

LONGEST_SAID = 100

SHOWS: Mapping[str, str] = {
    "": "Everything",
    "received": "Received",
    "rejected": "Rejected",
    "handled": "Handled",
    "sent": "Sent",
    "failed": "Failures",
}
"""What can be looked at, by its word in the URL."""

VERIFIED = Badge(tone="ok", icon="in", word="Received")
_BAD = frozenset({"bad", "dead", "reject"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TailLine:
    """One line.

    Attributes:
        key: What tells it from every other line.
        at: When it happened; *sorted_by* the same to sort by.
        what: The type of the event or message; ``where`` is its source, handler or endpoint.
        said: What there is to say of it in a few words; ``took`` how long it lasted, or how large it is.
        path: Where it leads.
    """

    key: str
    sorted_by: datetime
    at: Moment
    badge: Badge
    what: str
    where: str
    said: str
    took: str
    path: str

    @property
    def is_bad(self) -> bool:
        """Whether it tells of a failure."""
        return self.badge.tone in _BAD

    def has(self, text: str) -> bool:
        """Tell whether *text*, in lower case, stands in it."""
        words_of_it = (self.key, self.what, self.where, self.said, self.badge.word)
        return any(text in word.lower() for word in words_of_it)


def received_line(event: EventSummary) -> TailLine:
    """Return the line of an event that came in."""
    repeats = plural(event.duplicates, "repeat") if event.duplicates else ""
    return TailLine(
        key=event.id,
        sorted_by=event.received_at,
        at=exact(event.received_at),
        badge=VERIFIED,
        what=visible(words.event_name(event.event_type, event.action)),
        where=words.source(event.provider, event.webhook_name).title,
        said=repeats or ("" if event.handlings else words.STATES[event_state(event.handlings)].word),
        took=size(event.size),
        path=f"/events/{event.id}",
    )


def rejected_line(rejection: Rejection) -> TailLine:
    """Return the line of a request that was not accepted, or of several alike."""
    count = f"{plural(rejection.sampled, 'request')}: " if rejection.sampled > 1 else ""
    return TailLine(
        key=rejection.id,
        sorted_by=rejection.received_at,
        at=exact(rejection.received_at),
        badge=words.REJECTED,
        what=reason_of(rejection).short,
        where=words.source(rejection.provider, rejection.webhook_name).title,
        said=shortened(count + visible(rejection.detail), LONGEST_SAID),
        took=str(rejection.status_code),
        path=f"/rejections/{rejection.id}",
    )


def attempt_line(recent: RecentAttempt, endpoints: Mapping[str, Endpoint]) -> TailLine:
    """Return the line of one run of a handler, or of one try of a delivery."""
    attempt = recent.attempt
    is_handling = attempt.kind is Kind.HANDLING
    target = words.handler(attempt.target) if is_handling else words.address(endpoints.get(attempt.target))
    ended = attempt.started_at + timedelta(milliseconds=attempt.duration_ms)
    said = [str(attempt.response_code)] if attempt.response_code is not None else []
    said += [visible(attempt.error_message)] if attempt.error_message else []
    said += [f"try {attempt.number}"] if attempt.number > 1 else []
    folder = "handlings" if is_handling else "deliveries"
    return TailLine(
        key=attempt.id,
        sorted_by=ended,
        at=exact(ended),
        badge=_badge(attempt.status, is_handling=is_handling),
        what=visible(words.event_name(recent.event_type, recent.action)),
        where=visible(target),
        said=shortened(", ".join(said), LONGEST_SAID),
        took=duration(attempt.duration_ms),
        path=f"/{folder}/{attempt.work_id}",
    )


def _badge(status: str, *, is_handling: bool) -> Badge:
    badge = words.ATTEMPTS.get(status, words.UNKNOWN_ATTEMPT)
    if badge.tone == "ok":
        return Badge(
            tone="ok", icon="handler" if is_handling else "out", word="Handled" if is_handling else "Sent"
        )
    if badge.tone == "bad":
        return Badge(tone="bad", icon="fail", word="Handler failed" if is_handling else "Not delivered")
    return badge
