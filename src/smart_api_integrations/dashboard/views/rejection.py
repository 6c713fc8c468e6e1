"""Why a request was not accepted: a sentence, then causes ordered by evidence, with fixes. Floor 8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smart_api_integrations.core.journal import Rejection
from smart_api_integrations.dashboard.views import words
from smart_api_integrations.dashboard.views.measures import Moment, moment, number, plural, size
from smart_api_integrations.dashboard.views.reasons import (
    CHECKS,
    COMPLETE,
    Cause,
    Evidence,
    Reason,
    header_names,
    reason_of,
)
from smart_api_integrations.dashboard.views.visible import visible
from smart_api_integrations.dashboard.views.words import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighedCause:
    """A cause as it is shown."""

    title: str
    text: str
    likely: str
    is_top: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One of the checks in their order: passed, failed, or not reached."""

    icon: str
    tone: str
    name: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectionPage:
    """Everything on the page of a rejected request."""

    id: str
    source: Source
    reason: str
    received: Moment
    size: str
    sender: str
    status_code: int
    title: str
    text: str
    causes: tuple[WeighedCause, ...]
    checks: tuple[Check, ...]
    header_names: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    alike: str


def rejection_page(rejection: Rejection, evidence: Evidence) -> RejectionPage:
    """Return the page of *rejection*, its causes ordered by *evidence*."""
    reason = reason_of(rejection)
    who = words.source(rejection.provider).title
    length = rejection.facts.get("bytes")
    return RejectionPage(
        id=rejection.id,
        source=words.source(rejection.provider, rejection.webhook_name),
        reason=reason.short,
        received=moment(rejection.received_at, evidence.now),
        size=size(length) if isinstance(length, int) else "",
        sender=visible(rejection.remote_address or ""),
        status_code=rejection.status_code,
        title=reason.title.format(who=who),
        text=visible(rejection.detail),
        causes=_weighed(reason.causes, rejection, evidence, who),
        checks=_checks(reason, length if isinstance(length, int) else None),
        header_names=tuple(visible(name) for name in sorted(header_names(rejection))),
        facts=_facts(rejection.facts),
        alike=_alike(evidence),
    )


def _weighed(
    causes: Sequence[Cause], rejection: Rejection, evidence: Evidence, who: str
) -> tuple[WeighedCause, ...]:
    findings = [(cause.weigh(rejection, evidence), cause) for cause in causes]
    ordered = sorted(findings, key=lambda pair: pair[0].weight, reverse=True)
    return tuple(
        WeighedCause(
            title=cause.title.format(who=who),
            text=cause.text.format(who=who),
            likely=finding.said,
            is_top=index == 0 and finding.weight > 1,
        )
        for index, (finding, cause) in enumerate(ordered)
    )


def _checks(reason: Reason, length: int | None) -> tuple[Check, ...]:
    reached = reason.reached if length is not None else min(reason.reached, COMPLETE)
    found = []
    for index, name in enumerate(CHECKS):
        if index < reached:
            note = f"{number(length)} bytes" if index == COMPLETE and length is not None else ""
            found.append(Check(icon="ok", tone="ok", name=name, note=note))
        elif index == reached:
            found.append(Check(icon="shield-x", tone="reject", name=name, note=reason.short))
        else:
            found.append(Check(icon="skip", tone="idle", name=name, note="not reached"))
    return tuple(found)


def _facts(facts: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    shown = {name: value for name, value in facts.items() if name != "headers"}
    return tuple(
        (visible(name.replace("_", " ").capitalize()), visible(str(value))[:200])
        for name, value in shown.items()
    )


def _alike(evidence: Evidence) -> str:
    if evidence.alike <= 1:
        return ""
    began = moment(evidence.since, evidence.now).text
    return f"Same source, same reason, from {plural(evidence.addresses, 'address')}, since {began}."
