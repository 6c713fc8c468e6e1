"""Issues as a list and as a page: what fails, how much of it, and where it stands now. Floor 8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.issues import Issue, IssueKind, IssueState
from smart_api_integrations.dashboard.views import words
from smart_api_integrations.dashboard.views.measures import Moment, counted, moment, number, plural, span
from smart_api_integrations.dashboard.views.reasons import reason_called
from smart_api_integrations.dashboard.views.visible import shortened, visible
from smart_api_integrations.dashboard.views.words import Badge

LONGEST_MESSAGE = 300

STATES: Mapping[IssueState, str] = {
    IssueState.OPEN: "Open",
    IssueState.MUTED: "Muted",
    IssueState.RESOLVED: "Resolved",
}
NOTHING: Mapping[IssueState, str] = {
    IssueState.OPEN: "None is open: whatever failed was tried again and succeeded, or was dealt with.",
    IssueState.MUTED: "None is muted. Mute what is known and can wait: it comes back by itself.",
    IssueState.RESOLVED: "None was resolved in the last 30 days.",
}

_RETRYING = Badge(tone="wait", icon="clock", word="Retrying")
_DEAD = Badge(tone="bad", icon="dead", word="Dead letters")
_REJECTED = words.REJECTED
_MUTED = Badge(tone="idle", icon="clock", word="Muted")
_RESOLVED = Badge(tone="ok", icon="ok", word="Resolved")
_NEEDS = (_DEAD, _RETRYING, _REJECTED, _MUTED, _RESOLVED)

_NOUNS = {IssueKind.HANDLING: "handling", IssueKind.DELIVERY: "delivery", IssueKind.REJECTION: "request"}
_KINDS = {IssueKind.HANDLING: "Handler", IssueKind.DELIVERY: "Delivery", IssueKind.REJECTION: "Verification"}

# What a cause is called; {name} is the target's. What is not here is called by its code.
_HANDLER_TITLES = {
    "timeout": "{name} ran too long",
    "retry_asked": "{name} asked to be tried again",
    "dead_asked": "{name} gave up",
    "no_success": "{name} said that it failed",
    "unsendable_answer": "{name} gave an answer that cannot be sent",
    "stuck": "Earlier runs of {name} never ended",
    "not_registered": "{name} is registered in no process",
    "lost": "A worker was lost while it ran {name}",
}
_DELIVERY_TITLES = {
    "gone": "{name} says that it is gone",
    "redirect": "{name} sends us elsewhere",
    "timeout": "{name} did not answer in time",
    "response_too_slow": "{name} answers too slowly",
    "connect_timeout": "{name} cannot be reached",
    "connect_refused": "{name} refuses connections",
    "dns_error": "The name of {name} is not found",
    "dns_timeout": "The name of {name} is not found in time",
    "tls_error": "{name} has no certificate that holds",
    "address_blocked": "{name} leads to an address that is not allowed",
    "secret_unreadable": "The secret of {name} cannot be opened",
    "lost": "A worker was lost while it sent to {name}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueRow:
    """One issue.

    Attributes:
        code: What stands before the title in the type of code: a class, or a status.
        title: What fails, and where.
        kind: Whether it is a handler, a delivery or a verification.
        message: What was said last.
        count: How many pieces of work, or requests, were met.
        now: Where its members stand.
        first_path: The page of the one that it was seen with first.
        last_path: The page of the one that it was seen with last.
        target_path: The page of what fails.
        target_word: What that page is called on a button.
        dead: How many dead letters can be replayed.
        facts: Everything else, as names and values.
        cause: The cause without the target: a status, or the word of the error.
        target: What fails, as a replay job names it; *work_kind* is the kind of its work.
    """

    id: str
    kind: str
    code: str
    title: str
    message: str
    count: str
    noun: str
    badge: Badge
    state: IssueState
    first: Moment
    last: Moment
    now: str
    first_path: str
    last_path: str
    first_id: str
    last_id: str
    target_path: str
    target_word: str
    dead: int
    replay_word: str
    facts: tuple[tuple[str, str], ...]
    cause: str
    target: str
    work_kind: str


def issue_row(issue: Issue, *, endpoints: Mapping[str, Endpoint], now: datetime) -> IssueRow:
    """Return one issue as it is shown; *endpoints* give deliveries their name."""
    code, title = _title(issue, endpoints)
    state = issue.state(now=now)
    target_path, target_word = _target(issue)
    return IssueRow(
        id=issue.id,
        kind=_KINDS[issue.kind],
        code=code,
        title=title,
        message=shortened(visible(issue.message), LONGEST_MESSAGE),
        count=number(issue.affected or issue.tries),
        noun=_noun(issue),
        badge=_badge(issue, state),
        state=state,
        first=moment(issue.first_at, now),
        last=moment(issue.last_at, now),
        now=_now(issue, state, now),
        first_path=_example(issue, issue.first_id),
        last_path=_example(issue, issue.last_id),
        first_id=issue.first_id,
        last_id=issue.last_id,
        target_path=target_path,
        target_word=target_word,
        dead=issue.dead,
        replay_word=f"Replay {plural(issue.dead, 'dead letter')}…",
        facts=_facts(issue, now),
        target=issue.target,
        work_kind=issue.kind.value,
        cause=str(issue.response_code or visible(issue.error_code).replace("_", " ")),
    )


def by_state(rows: Sequence[IssueRow]) -> Mapping[IssueState, list[IssueRow]]:
    """Return the rows of each state: what needs a person first, else in their order."""
    by_need = sorted(rows, key=lambda row: _NEEDS.index(row.badge))
    return {state: [row for row in by_need if row.state is state] for state in IssueState}


def _title(issue: Issue, endpoints: Mapping[str, Endpoint]) -> tuple[str, str]:
    if issue.kind is IssueKind.REJECTION:
        source, _, name = issue.target.partition(":")
        if source == "-":
            return "", "Requests to an address that no webhook has"
        reason = reason_called(issue.error_code)
        return "", f"{reason[:1].upper()}{reason[1:]} at {words.source(source, name).title}"
    if issue.kind is IssueKind.DELIVERY:
        host = visible(words.address(endpoints.get(issue.target)))
        if issue.response_code is not None and issue.error_code not in _DELIVERY_TITLES:
            return str(issue.response_code), f"from {host}"
        return "", _named(_DELIVERY_TITLES, issue.error_code, host)
    handler = visible(words.handler(issue.target))
    if issue.error_class:
        return visible(issue.error_class), f"in {handler}"
    return "", _named(_HANDLER_TITLES, issue.error_code, handler)


def _named(titles: Mapping[str, str], code: str, name: str) -> str:
    said = titles.get(code)
    return said.format(name=name) if said else f"{visible(code).replace('_', ' ').capitalize()} at {name}"


def _noun(issue: Issue) -> str:
    one = _NOUNS[issue.kind]
    return plural(issue.affected or issue.tries, one).partition("\u00a0")[2] or one


def _badge(issue: Issue, state: IssueState) -> Badge:
    if state is IssueState.MUTED:
        return _MUTED
    if state is IssueState.RESOLVED:
        return _RESOLVED
    if issue.kind is IssueKind.REJECTION:
        return _REJECTED
    return _DEAD if issue.dead else _RETRYING


def _now(issue: Issue, state: IssueState, now: datetime) -> str:
    if state is IssueState.MUTED and issue.muted_until is not None:
        return f"muted for {span(issue.muted_until - now)} more"
    if issue.kind is IssueKind.REJECTION:
        return "nothing of them was kept or run"
    parts = [f"{counted(issue.open)} under way"] if issue.open else []
    parts += [plural(issue.dead, "dead letter")] if issue.dead else []
    return ", ".join(parts) or "nothing of it is open"


def _facts(issue: Issue, now: datetime) -> tuple[tuple[str, str], ...]:
    lasted = span(issue.last_at - issue.first_at) if issue.last_at > issue.first_at else "a moment"
    facts = [("Seen for", lasted)]
    if issue.kind is not IssueKind.REJECTION:
        facts.append(("Failed tries", number(issue.tries)))
    if issue.resolved_at is not None and issue.resolved_at < issue.last_at:
        facts.append(("Came back", f"resolved {moment(issue.resolved_at, now).text}, failed since"))
    return tuple(facts)


def _example(issue: Issue, subject_id: str) -> str:
    folder = {
        IssueKind.HANDLING: "/handlings/",
        IssueKind.DELIVERY: "/deliveries/",
        IssueKind.REJECTION: "/rejections/",
    }
    return folder[issue.kind] + subject_id


def _target(issue: Issue) -> tuple[str, str]:
    if issue.kind is IssueKind.DELIVERY:
        return f"/endpoints/{issue.target}", "Open the endpoint"
    if issue.kind is IssueKind.HANDLING:
        return words.handler_path(issue.target), "Open the handler"
    return _example(issue, issue.last_id), "See the reason"
