"""The charts that more than one page has, read from counters. Floor 8."""

from __future__ import annotations

import asyncio
from typing import Any

from smart_api_integrations.dashboard.desk import Desk
from smart_api_integrations.dashboard.views.latency import latency_chart
from smart_api_integrations.dashboard.views.shares import answer_bars, type_bars
from smart_api_integrations.dashboard.views.traffic import Range
from smart_api_integrations.storage.tallies import ALL_DELIVERIES, ALL_HANDLINGS, CODES, LATENCY, TYPES


async def overview_charts(desk: Desk, span: Range) -> dict[str, Any]:
    """Return the charts of everything: durations of deliveries and handlers, events by type, answers."""
    tallies = desk.journal.tallies
    sent, handled, kinds, codes = await asyncio.gather(
        tallies(LATENCY, ALL_DELIVERIES, since=span.since, step=span.tally_step),
        tallies(LATENCY, ALL_HANDLINGS, since=span.since, step=span.tally_step),
        tallies(TYPES, "", since=span.since, step=span.tally_step),
        tallies(CODES, ALL_DELIVERIES, since=span.since, step=span.tally_step),
    )
    return {
        "sent": latency_chart(sent, span, what="Deliveries"),
        "handled": latency_chart(handled, span, what="Runs of handlers"),
        "types": type_bars(kinds),
        "answers": answer_bars(codes),
    }


async def endpoint_charts(desk: Desk, span: Range, endpoint_id: str) -> dict[str, Any]:
    """Return the charts of one endpoint: durations of its deliveries, and what it answered."""
    tallies = desk.journal.tallies
    sent, codes = await asyncio.gather(
        tallies(LATENCY, endpoint_id, since=span.since, step=span.tally_step),
        tallies(CODES, endpoint_id, since=span.since, step=span.tally_step),
    )
    return {
        "sent": latency_chart(sent, span, what="Deliveries to this endpoint"),
        "answers": answer_bars(codes),
    }
