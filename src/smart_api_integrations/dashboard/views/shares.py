"""Counts side by side: by type and by answer, the most first. Floor 8."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from smart_api_integrations.dashboard.views import words
from smart_api_integrations.dashboard.views.measures import number
from smart_api_integrations.dashboard.views.visible import visible
from smart_api_integrations.storage.read_models import Tally
from smart_api_integrations.storage.tallies import NO_ANSWER

MOST = 7
_LEAST_WIDTH = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One count: *width* is per cent of the largest.

    Attributes:
        note: What is said beside the name, more quietly.
        query: Where the list of what was counted is, as a query of ``/events``; empty where there is none.
    """

    name: str
    note: str
    count: str
    width: str
    tone: str
    query: Mapping[str, str]


def type_bars(tallies: Sequence[Tally]) -> tuple[Bar, ...]:
    """Return how many events came of each type."""
    found: list[Bar] = []
    counts = _summed(tallies)
    for label, count in _first(counts):
        provider, _, kind = label.partition("/")
        found.append(
            Bar(
                name=visible(kind) or "no type",
                note=words.source(provider).title,
                count=number(count),
                width=_width(count, counts),
                tone="in",
                query={"provider": provider, "type": kind},
            )
        )
    return (*found, *_rest(counts, "other types", "in"))


def answer_bars(tallies: Sequence[Tally]) -> tuple[Bar, ...]:
    """Return how many deliveries were answered with each status."""
    counts = _summed(tallies)
    found = [
        Bar(
            name="No answer" if code == NO_ANSWER else code,
            note=_phrase(code),
            count=number(count),
            width=_width(count, counts),
            tone=_tone(code),
            query={},
        )
        for code, count in _first(counts)
    ]
    return (*found, *_rest(counts, "other answers", "fail"))


def _summed(tallies: Sequence[Tally]) -> Counter[str]:
    summed: Counter[str] = Counter()
    for tally in tallies:
        summed.update(tally.counts)
    return summed


def _first(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST]


def _rest(counts: Counter[str], name: str, tone: str) -> tuple[Bar, ...]:
    rest = counts.total() - sum(count for _, count in _first(counts))
    if not rest:
        return ()
    width = _width(rest, Counter(dict(_first(counts)) | {"": rest}))
    return (Bar(name=name, note="", count=number(rest), width=width, tone=tone, query={}),)


def _width(count: int, counts: Counter[str]) -> str:
    return f"{max(100 * count / max(counts.values()), _LEAST_WIDTH):.1f}"


def _phrase(code: str) -> str:
    try:
        return "" if code == NO_ANSWER else HTTPStatus(int(code)).phrase
    except ValueError:
        return ""


def _tone(code: str) -> str:
    return "out" if code.startswith("2") else "wait" if code == "429" else "fail"
