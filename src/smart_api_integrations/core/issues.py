"""Issues: failures with one cause, as one thing. Floor 1.

Failures belong together where the same target fails in the same way: a handler by the class of what it
raised, an endpoint by the status that it answered, a source by the reason for which its requests are
refused. An issue's id is made of that, so every process gives one cause the same id without asking another.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from smart_api_integrations.core.endpoint import DEFAULT_TENANT
from smart_api_integrations.core.journal import Attempt, Outcome, Rejection

PREFIX = "iss_"
QUIET_AFTER = timedelta(hours=24)
"""Refused requests are nobody's open work: so long after the last one their issue counts as over."""

_CLASS = re.compile(r"[A-Za-z_][\w.]{0,79}(?=:|$)")
_RAISED = "raised"


class IssueKind(StrEnum):
    """What fails: a handler, an endpoint, or a source's verification."""

    HANDLING = "handling"
    DELIVERY = "delivery"
    REJECTION = "rejection"


class IssueState(StrEnum):
    """Where an issue stands with people and with its members."""

    OPEN = "open"
    MUTED = "muted"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One or several failures with one cause, as they are counted.

    Attributes:
        target: A handler's name, an endpoint's id, or a source, ``provider:name``.
        error_code: The attempt's stable word, or the reason of a rejection.
        error_class: What was raised, ``KeyError``; empty for everything else.
        response_code: What an endpoint answered; None where it answered nothing.
        message: The newest one's sentence for people.
        subject_id: The newest one's work, or the rejection.
        tries: How many attempts failed, or requests were refused.
        affected: How many of them were the first failure of their work.
    """

    tenant: str = DEFAULT_TENANT
    kind: IssueKind
    target: str
    error_code: str
    error_class: str = ""
    response_code: int | None = None
    message: str
    subject_id: str
    at: datetime
    tries: int = 1
    affected: int = 1

    @property
    def issue_id(self) -> str:
        """The id of the issue that it belongs to."""
        cause = (self.tenant, self.kind, self.target, self.error_code, self.error_class, self.response_code)
        return PREFIX + hashlib.sha256(repr(tuple(map(str, cause))).encode()).hexdigest()[:26]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """Failures with one cause.

    Attributes:
        id: ``iss_`` and a digest of the cause: the same in every process, and again after it was resolved.
        first_id: The work, or the rejection, that it was seen with first.
        last_id: The one that it was seen with last.
        tries: How many attempts failed in this way, or requests were refused.
        affected: How many pieces of work they were.
        open: How many of them wait for their next try, or run. Stops at ``COUNT_LIMIT``, as ``dead`` does.
        dead: How many of them are dead letters.
        resolved_at: When a person said that it is over.
        muted_until: Until when nobody wants to hear of it.
    """

    id: str
    tenant: str
    kind: IssueKind
    target: str
    error_code: str
    error_class: str
    response_code: int | None
    message: str
    first_id: str
    last_id: str
    first_at: datetime
    last_at: datetime
    tries: int
    affected: int
    open: int = 0
    dead: int = 0
    resolved_at: datetime | None = None
    muted_until: datetime | None = None

    def state(self, *, now: datetime) -> IssueState:
        """Return where it stands: a failure after it was resolved opens it again; success closes it."""
        if self.resolved_at is not None and self.resolved_at >= self.last_at:
            return IssueState.RESOLVED
        if self._is_over(now):
            return IssueState.RESOLVED
        if self.muted_until is not None and self.muted_until > now:
            return IssueState.MUTED
        return IssueState.OPEN

    def _is_over(self, now: datetime) -> bool:
        if self.kind is IssueKind.REJECTION:
            return now - self.last_at >= QUIET_AFTER
        return not self.open and not self.dead


def occurrence_of(outcome: Outcome, *, at: datetime) -> Occurrence:
    """Return the failure that *outcome* records."""
    attempt, work = outcome.attempt, outcome.work
    return Occurrence(
        tenant=work.tenant,
        kind=IssueKind(work.kind),
        target=work.target,
        error_code=attempt.error_code or attempt.status,
        error_class=error_class(attempt),
        response_code=attempt.response_code,
        message=attempt.error_message or "",
        subject_id=work.id,
        at=at,
        affected=int(work.failures == 0),
    )


def occurrence_of_rejection(rejection: Rejection) -> Occurrence:
    """Return what *rejection* stands for."""
    return Occurrence(
        kind=IssueKind.REJECTION,
        target=f"{rejection.provider}:{rejection.webhook_name}",
        error_code=rejection.reason,
        message=rejection.detail,
        subject_id=rejection.id,
        at=rejection.received_at,
        tries=rejection.sampled,
        affected=rejection.sampled,
    )


def error_class(attempt: Attempt) -> str:
    """Return the class of what a handler raised; empty where nothing was raised."""
    if attempt.error_code != _RAISED:
        return ""
    found = _CLASS.match(attempt.error_message or "")
    return found[0] if found else ""


def gathered(occurrences: Iterable[Occurrence]) -> dict[str, tuple[Occurrence, Occurrence]]:
    """Return, by the id of its issue, the first of *occurrences* and the sum of all, told by the last."""
    found: dict[str, tuple[Occurrence, Occurrence]] = {}
    for each in occurrences:
        key = each.issue_id
        first, total = found.get(key, (each, None))
        found[key] = first, each if total is None else _added(total, each)
    return found


def _added(total: Occurrence, new: Occurrence) -> Occurrence:
    return Occurrence(
        tenant=new.tenant,
        kind=new.kind,
        target=new.target,
        error_code=new.error_code,
        error_class=new.error_class,
        response_code=new.response_code,
        message=new.message,
        subject_id=new.subject_id,
        at=max(total.at, new.at),
        tries=total.tries + new.tries,
        affected=total.affected + new.affected,
    )
