"""The charts that more than one page has, read from counters and kept for a moment. Floor 8."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from smart_api_integrations.core.journal import TrafficPoint
from smart_api_integrations.dashboard.desk import Desk
from smart_api_integrations.dashboard.kept_answers import kept_for
from smart_api_integrations.dashboard.views.latency import latency_chart
from smart_api_integrations.dashboard.views.shares import answer_bars, type_bars
from smart_api_integrations.dashboard.views.traffic import Range
from smart_api_integrations.storage.read_models import Tally
from smart_api_integrations.storage.tallies import ALL_DELIVERIES, ALL_HANDLINGS, CODES, LATENCY, TYPES


async def traffic_of(desk: Desk, span: Range) -> Sequence[TrafficPoint]:
    """Return what passed through the journal in each slice of *span*."""
    return await desk.kept.get(
        ("traffic", span.word),
        kept_for(span.since),
        lambda: desk.journal.events.traffic(since=span.since, step=span.step),
    )


async def overview_charts(desk: Desk, span: Range) -> dict[str, Any]:
    """Return the charts of everything: durations of deliveries and handlers, events by type, answers."""
    sent, handled, kinds, codes = await asyncio.gather(
        _tallies(desk, LATENCY, ALL_DELIVERIES, span),
        _tallies(desk, LATENCY, ALL_HANDLINGS, span),
        _tallies(desk, TYPES, "", span),
        _tallies(desk, CODES, ALL_DELIVERIES, span),
    )
    return {
        "sent": latency_chart(sent, span, what="Deliveries"),
        "handled": latency_chart(handled, span, what="Runs of handlers"),
        "types": type_bars(kinds),
        "answers": answer_bars(codes),
    }


async def endpoint_charts(desk: Desk, span: Range, endpoint_id: str) -> dict[str, Any]:
    """Return the charts of one endpoint: durations of its deliveries, and what it answered."""
    sent, codes = await asyncio.gather(
        _tallies(desk, LATENCY, endpoint_id, span), _tallies(desk, CODES, endpoint_id, span)
    )
    return {
        "sent": latency_chart(sent, span, what="Deliveries to this endpoint"),
        "answers": answer_bars(codes),
    }


async def _tallies(desk: Desk, what: str, subject: str, span: Range) -> Sequence[Tally]:
    return await desk.kept.get(
        (what, subject, span.word),
        kept_for(span.since),
        lambda: desk.journal.tallies(what, subject, since=span.since, step=span.tally_step),
    )
