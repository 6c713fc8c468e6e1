"""The bar of one attempt: how long each phase took, on a scale that a trace shares. Floor 8."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from smart_api_integrations.core.journal import Attempt
from smart_api_integrations.dashboard.views.measures import duration

HEIGHT = 10
WIDTH = 1000
_GAP = 3.0

PHASES: tuple[tuple[str, str], ...] = (
    ("dns", "DNS"),
    ("tcp", "TCP"),
    ("tls", "TLS"),
    ("ttfb", "first byte"),
    ("body", "body"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One part of the bar: geometry in the bar's own units, and its words."""

    name: str
    label: str
    took: str
    x: str
    width: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A bar with its title."""

    title: str
    phases: tuple[Phase, ...]
    note: str


def longest(attempts: Iterable[Attempt]) -> float:
    """Return the milliseconds of the longest attempt: the scale that all bars of a trace share."""
    return max((sum((attempt.phases or {}).values()) for attempt in attempts), default=0.0)


def wire(phases: Mapping[str, float] | None, *, scale: float) -> Wire | None:
    """Return the bar of one attempt, or None where nothing was measured."""
    if not phases or scale <= 0:
        return None
    known = [(name, label, phases[name]) for name, label in PHASES if phases.get(name, 0) > 0]
    parts: list[Phase] = []
    position = 0.0
    for name, label, took in known:
        width = took / scale * WIDTH
        parts.append(
            Phase(
                name=name,
                label=label,
                took=duration(took),
                x=f"{position:.1f}",
                width=f"{max(width - _GAP, 2.0):.1f}",
            )
        )
        position += width
    spoken = ", ".join(f"{label} {duration(took)}" for _, label, took in known)
    total = duration(sum(took for _, _, took in known))
    return Wire(
        title=f"{total} in all: {spoken}",
        phases=tuple(parts),
        note="" if "tcp" in phases else "connection reused",
    )
