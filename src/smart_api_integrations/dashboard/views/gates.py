"""Gates as they are shown: what holds a target back, why, and until when. Floor 8."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from smart_api_integrations.core.gate import Gate, source_of
from smart_api_integrations.dashboard.views.measures import clock, counted, plural, span
from smart_api_integrations.dashboard.views.words import Badge

PAUSED = Badge(tone="idle", icon="pause", word="Paused")
HELD = Badge(tone="wait", icon="pause", word="Held by breaker")
BUSY = Badge(tone="wait", icon="clock", word="Left alone")


@dataclass(frozen=True, slots=True, kw_only=True)
class GateView:
    """What holds a target back.

    Attributes:
        target: What it is the gate of.
        badge: The state that it gives the target; None where it gives none.
        title: What happened; empty where nothing did.
        text: What that means, and what happens next by itself.
        is_paused: Whether a person paused it.
        waiting: How much waits for it, in words.
    """

    target: str
    badge: Badge | None
    title: str
    text: str
    is_paused: bool
    waiting: str


def gate_view(target: str, gates: Mapping[str, Gate], *, waiting: int, now: datetime) -> GateView:
    """Return the gate of *target* as it is shown; a handler is held by its source's, too."""
    badge, title, text = _state(target, gates, waiting, now)
    own = gates.get(target)
    return GateView(
        target=target,
        badge=badge,
        title=title,
        text=text,
        is_paused=own is not None and own.paused_at is not None,
        waiting=counted(waiting),
    )


def _state(
    target: str, gates: Mapping[str, Gate], waiting: int, now: datetime
) -> tuple[Badge | None, str, str]:
    kept = f"{_works(waiting)}, none is lost."
    source = source_of(target)
    for name, who in ((target, "It"), (source or "", "Its source")):
        gate = gates.get(name)
        if gate is None:
            continue
        if gate.paused_at is not None:
            title = f"{who} was paused at {clock(gate.paused_at).text} UTC"
            return PAUSED, title, f"Nothing more begins until it is resumed. {kept}"
        if gate.opened_at is not None:
            return HELD, f"Held: {plural(gate.failures, 'try')} in a row failed", _held(gate, kept, now)
        if gate.throttles and gate.opens_at is not None and gate.opens_at > now:
            text = f"It said that it is too busy. The next try begins in {span(gate.opens_at - now)}. {kept}"
            return BUSY, "Left alone for a while", text
        if gate.resume_rate is not None and waiting:
            text = f"What waited meanwhile begins at {gate.resume_rate:g} a second. {kept}"
            return None, "Catching up", text
    return None, "", ""


def _held(gate: Gate, kept: str, now: datetime) -> str:
    opened = "" if gate.opened_at is None else f"The breaker opened at {clock(gate.opened_at).text} UTC. "
    again = f"It is the {gate.openings}. time in a row. " if gate.openings > 1 else ""
    if gate.opens_at is not None and gate.opens_at > now:
        probe = f"One goes out in {span(gate.opens_at - now)}; if it succeeds, the rest follow."
    else:
        probe = "The next one goes out as a probe; if it succeeds, the rest follow."
    return f"{opened}{again}{kept} {probe}"


def _works(waiting: int) -> str:
    if not waiting:
        return "Nothing waits"
    return f"{plural(waiting, 'piece')} of work {'waits' if waiting == 1 else 'wait'}"
