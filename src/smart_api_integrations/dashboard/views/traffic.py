"""The traffic chart: above the line what came in, below it what went out; the line is the journal. Floor 8.

Only geometry is made here; all text is the template's, so that it never shrinks with the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from smart_api_integrations.core.journal import TrafficPoint
from smart_api_integrations.dashboard.views.measures import Moment, clock, moment, number

HEIGHT = 224
SLOT = 10
SLOT_LENGTH = timedelta(minutes=5)
_MIDDLE = HEIGHT / 2
_SHORTEST = 1.5  # a single rejection among thousands must be seen
_NICE = (1, 2, 4, 5, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A stretch of time to look at, and the slices it is cut into."""

    word: str
    name: str
    since: timedelta
    step: timedelta
    slices: str

    @property
    def tally_step(self) -> timedelta:
        """The slices of what is counted by five minutes: as long, or longer."""
        return -(-self.step // SLOT_LENGTH) * SLOT_LENGTH


RANGES: tuple[Range, ...] = (
    Range(
        word="1h",
        name="1\u00a0h",
        since=timedelta(hours=1),
        step=timedelta(minutes=2),
        slices="Two minutes each",
    ),
    Range(
        word="6h",
        name="6\u00a0h",
        since=timedelta(hours=6),
        step=timedelta(minutes=10),
        slices="Ten minutes each",
    ),
    Range(
        word="24h", name="24\u00a0h", since=timedelta(days=1), step=timedelta(minutes=30), slices="Half hours"
    ),
    Range(
        word="7d",
        name="7\u00a0d",
        since=timedelta(days=7),
        step=timedelta(hours=3),
        slices="Three hours each",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """One bar."""

    name: str
    x: int
    y: str
    height: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One slice of time: its bars, its title, and its row in the table."""

    x: int
    title: str
    bars: tuple[Rectangle, ...]
    at: Moment
    counts: tuple[str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart's geometry and its words."""

    width: int
    height: int
    title: str
    grid: tuple[str, ...]
    middle: str
    labels: tuple[str, ...]
    ticks: tuple[str, ...]
    slices: tuple[Slice, ...]


def range_of(word: str) -> Range:
    """Return the range that *word* names, else the last day."""
    return next((span for span in RANGES if span.word == word), RANGES[2])


def chart(points: Sequence[TrafficPoint], span: Range) -> Chart:
    """Return the chart of *points*, each a slice of *span*."""
    above = max((point.accepted + point.duplicate + point.rejected for point in points), default=0)
    below = max((point.delivered + point.delivery_failed for point in points), default=0)
    top = _nice(max(above, below, 1))
    scale = _MIDDLE / top
    return Chart(
        width=SLOT * max(len(points), 1),
        height=HEIGHT,
        title=_finding(points, span),
        grid=tuple(f"{y:g}" for y in (0.5, _MIDDLE / 2, _MIDDLE * 1.5, HEIGHT - 0.5)),
        middle=f"{_MIDDLE:g}",
        labels=_labels(top),
        ticks=ticks_of([point.starts_at for point in points], span),
        slices=tuple(_slice(index, point, scale, span) for index, point in enumerate(points)),
    )


def _slice(index: int, point: TrafficPoint, scale: float, span: Range) -> Slice:
    came = point.accepted + point.duplicate
    x = index * SLOT
    bars = [
        *_up("f-in", x, _MIDDLE - 1, came * scale),
        *_up("f-reject", x, _MIDDLE - 2 - came * scale, point.rejected * scale),
        *_down("f-out", x, _MIDDLE + 1, point.delivered * scale),
        *_down("f-fail", x, _MIDDLE + 2 + point.delivered * scale, point.delivery_failed * scale),
    ]
    counts = (number(came), number(point.rejected), number(point.delivered), number(point.delivery_failed))
    words = ("accepted", "rejected", "delivered", "failed")
    spoken = ", ".join(f"{count} {word}" for count, word in zip(counts, words, strict=True))
    return Slice(
        x=x,
        title=f"{slice_label(point.starts_at, span)}: {spoken}",
        bars=tuple(bars),
        at=slice_moment(point.starts_at, span),
        counts=counts,
    )


def _up(name: str, x: int, foot: float, height: float) -> list[Rectangle]:
    if height <= 0:
        return []
    tall = max(height, _SHORTEST)
    return [Rectangle(name=name, x=x + 1, y=f"{max(foot - tall, 0):.2f}", height=f"{tall:.2f}")]


def _down(name: str, x: int, head: float, height: float) -> list[Rectangle]:
    if height <= 0:
        return []
    return [Rectangle(name=name, x=x + 1, y=f"{head:.2f}", height=f"{max(height, _SHORTEST):.2f}")]


def _nice(most: int) -> int:
    """Return the round number that the axis ends at: even, so that its half is whole."""
    power = 1
    while power * 10 < most:
        power *= 10
    top = next(step * power for step in _NICE if step * power >= most)
    return max(top + top % 2, 2)


def _labels(top: int) -> tuple[str, ...]:
    half = _compact(top // 2)
    return (f"{_compact(top)} in", half, "0", half, f"{_compact(top)} out")


def _compact(count: int) -> str:
    return f"{count / 1000:g}\u00a0k" if count >= 1000 else str(count)


def slice_label(starts_at: datetime, span: Range) -> str:
    """Return how a slice that begins at *starts_at* is called."""
    text = clock(starts_at).text[:5]
    return f"{starts_at:%a} {text}" if span.since > timedelta(days=1) else text


def slice_moment(starts_at: datetime, span: Range) -> Moment:
    """Return the beginning of a slice, by its name and absolute."""
    exact = moment(starts_at, starts_at)
    return Moment(text=slice_label(starts_at, span), machine=exact.machine, title=exact.title)


def ticks_of(starts: Sequence[datetime], span: Range) -> tuple[str, ...]:
    """Return at most seven words under a chart whose slices begin at *starts*."""
    if not starts:
        return ()
    every = max(len(starts) // 6, 1)
    return (*[slice_label(at, span) for at in starts[::every]][:6], "now")


def _finding(points: Sequence[TrafficPoint], span: Range) -> str:
    came = sum(point.accepted + point.duplicate for point in points)
    rejected = sum(point.rejected for point in points)
    delivered = sum(point.delivered for point in points)
    failed = sum(point.delivery_failed for point in points)
    return (
        f"In the last {span.name}: {number(came)} accepted, {number(rejected)} rejected, "
        f"{number(delivered)} delivered, {number(failed)} failed attempts"
    )
