"""What was sent in one attempt of a delivery, and what was answered. Floor 8."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from smart_api_integrations.core.journal import Attempt, AttemptStatus, Trace
from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.dashboard.views import words
from smart_api_integrations.dashboard.views.payload import headers_view, text_view
from smart_api_integrations.dashboard.views.visible import visible


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerChoice:
    """One attempt in the menu of attempts."""

    attempt_id: str
    label: str
    code: str
    tone: str
    icon: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The attempt that is shown, and the others that can be.

    Attributes:
        code: The response's status, or that there was none.
        body: The response's body, formatted where it is JSON.
        headers: The response's headers.
        sent: The headers that we sent.
    """

    chosen: AnswerChoice
    choices: tuple[AnswerChoice, ...]
    body: str
    headers: tuple[tuple[str, str], ...]
    sent: tuple[tuple[str, str], ...]


def answer(trace: Trace, *, attempt_id: str | None) -> Answer | None:
    """Return the answer of *attempt_id*, else of the newest failed attempt, else of the newest."""
    attempts = _in_order(trace.attempts)
    if not attempts:
        return None
    shown = next((entry for entry in attempts if entry.id == attempt_id), attempts[0])
    return Answer(
        chosen=_choice(shown, trace),
        choices=tuple(_choice(entry, trace) for entry in attempts),
        body=text_view(shown.response_body or ""),
        headers=headers_view((shown.response_headers or {}).items()),
        sent=headers_view((shown.request_headers or {}).items()),
    )


def _in_order(attempts: Sequence[Attempt]) -> list[Attempt]:
    sent = [entry for entry in attempts if entry.kind is Kind.DELIVERY]
    newest = sorted(sent, key=lambda entry: entry.started_at, reverse=True)
    return sorted(newest, key=lambda entry: entry.status == AttemptStatus.SUCCEEDED)


def _choice(attempt: Attempt, trace: Trace) -> AnswerChoice:
    badge = words.ATTEMPTS.get(attempt.status, words.UNKNOWN_ATTEMPT)
    name = visible(words.address(trace.endpoints.get(attempt.target)))
    return AnswerChoice(
        attempt_id=attempt.id,
        label=f"{name}, try {attempt.number}",
        code="no answer" if attempt.response_code is None else str(attempt.response_code),
        tone="ok" if attempt.status == AttemptStatus.SUCCEEDED else "bad",
        icon=badge.icon,
    )
