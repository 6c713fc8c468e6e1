"""How long it took: p50 and p95 over time, as lines. Floor 8.

Only geometry is made here; all text is the template's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from smart_api_integrations.core.histogram import quantile
from smart_api_integrations.dashboard.views.measures import SPACE, UNKNOWN, Moment, duration
from smart_api_integrations.dashboard.views.traffic import Range, slice_moment, ticks_of
from smart_api_integrations.storage.read_models import Tally

HEIGHT, WIDTH = 152, 480
_TOPS = (2.0, 4.0, 10.0, 20.0, 40.0, 100.0, 200.0, 400.0, 1e3, 2e3, 4e3, 1e4, 2e4, 4e4, 1e5, 2e5, 4e5, 1e6)


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyPoint:
    """One slice of time in the table."""

    at: Moment
    p50: str
    p95: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyChart:
    """A chart's geometry and its words; *is_empty* where there is nothing to draw.

    Attributes:
        p50: The line's path; it is broken where nothing happened.
        p50_now: Over the whole range, in words.
    """

    is_empty: bool
    title: str
    labels: tuple[str, ...]
    ticks: tuple[str, ...]
    p50: str
    p95: str
    dots: tuple[tuple[str, str, str], ...]
    p50_now: str
    p95_now: str
    points: tuple[LatencyPoint, ...]
    width: int = WIDTH
    height: int = HEIGHT


def latency_chart(tallies: Sequence[Tally], span: Range, *, what: str) -> LatencyChart:
    """Return the chart of the durations in *tallies*, each a slice of *span*; *what* names them."""
    slices = [_buckets(tally.counts) for tally in tallies]
    whole: dict[int, int] = {}
    for buckets in slices:
        for bucket, count in buckets.items():
            whole[bucket] = whole.get(bucket, 0) + count
    halves, tails = ([quantile(buckets, part) for buckets in slices] for part in (0.5, 0.95))
    top = _top(tails)
    place = _placer(len(slices), top)
    p50, p95 = quantile(whole, 0.5), quantile(whole, 0.95)
    return LatencyChart(
        is_empty=not whole,
        title=_finding(what, span, p50, p95),
        labels=(_round(top), _round(top / 2), "0"),
        ticks=ticks_of([tally.starts_at for tally in tallies], span),
        p50=_path(halves, place),
        p95=_path(tails, place),
        dots=_alone(halves, place, "p50") + _alone(tails, place, "p95"),
        p50_now=_said(p50),
        p95_now=_said(p95),
        points=tuple(
            LatencyPoint(at=slice_moment(tally.starts_at, span), p50=_said(half), p95=_said(tail))
            for tally, half, tail in zip(tallies, halves, tails, strict=True)
        ),
    )


def _buckets(counts: Mapping[str, int]) -> dict[int, int]:
    return {int(label): count for label, count in counts.items() if label.isdecimal()}


def _said(milliseconds: float | None) -> str:
    return UNKNOWN if milliseconds is None else duration(milliseconds)


def _round(milliseconds: float) -> str:
    """Return a round duration without what is nothing behind its point."""
    if milliseconds < 1000:
        return f"{milliseconds:g}{SPACE}ms"
    seconds = milliseconds / 1000
    return f"{seconds:g}{SPACE}s" if seconds < 100 else f"{seconds / 60:.0f}{SPACE}min"


def _top(values: Sequence[float | None]) -> float:
    most = max((value for value in values if value is not None), default=0.0)
    return next((top for top in _TOPS if top >= most), _TOPS[-1])


def _placer(count: int, top: float) -> Callable[[int, float], tuple[str, str]]:
    step = WIDTH / max(count - 1, 1)

    def place(index: int, value: float) -> tuple[str, str]:
        return f"{index * step:.1f}", f"{HEIGHT - min(value / top, 1.0) * HEIGHT:.1f}"

    return place


def _path(values: Sequence[float | None], place: Callable[[int, float], tuple[str, str]]) -> str:
    parts: list[str] = []
    for index, value in enumerate(values):
        if value is not None:
            x, y = place(index, value)
            parts.append(f"{'L' if index and values[index - 1] is not None else 'M'}{x} {y}")
    return " ".join(parts)


def _alone(
    values: Sequence[float | None], place: Callable[[int, float], tuple[str, str]], name: str
) -> tuple[tuple[str, str, str], ...]:
    """Return the points that have no neighbour: a line would not show them."""
    padded = [None, *values, None]
    return tuple(
        (name, *place(index, value))
        for index, value in enumerate(values)
        if value is not None and padded[index] is None and padded[index + 2] is None
    )


def _finding(what: str, span: Range, p50: float | None, p95: float | None) -> str:
    if p50 is None or p95 is None:
        return f"{what} in the last {span.name}: there were none"
    return f"{what} in the last {span.name}: half took {_said(p50)} or less, 95 % {_said(p95)} or less"
