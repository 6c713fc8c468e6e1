"""What happens, counted for Prometheus: a subscriber of telemetry and a reader of the journal. Floor 6.

Theory of operation:

1. Counters and histograms are this process's, by ``prometheus_client``. Processes that share a port share
   a folder too (``PROMETHEUS_MULTIPROC_DIR``, made by the supervisor): each keeps its numbers there, in a
   file that survives it, and whichever is asked adds up all of them. So a counter never goes down because a
   process ended. Other machines are other instances to Prometheus, which adds them up itself.
2. Gauges are not kept: they are read from the journal when somebody asks, at most once in ``KEPT_SECONDS``,
   and say the same at every process and machine (so take their ``max``, not their ``sum``).
3. A value is found by its labels once and kept: counting costs a few microseconds, and never waits.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from smart_api_integrations.core.lifecycle import ROADS
from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.telemetry import (
    AttemptFinished,
    EventAccepted,
    EventRejected,
    HandshakeAnswered,
    LeasesLost,
    StoreFailed,
    Telemetry,
)
from smart_api_integrations.watch import metric_table as table
from smart_api_integrations.watch.metric_table import METRICS, MOST_TARGETS, OTHER, Metric

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
KEPT_SECONDS = 1.0
READ_SECONDS = 5.0
_BLOCKED = "address_blocked"

Labels = tuple[str, ...]


class Metrics:
    """Counts for one platform, and renders what all processes of the port counted."""

    def __init__(
        self, telemetry: Telemetry, journal: Journal, *, sources: Collection[str], version: str
    ) -> None:
        """Subscribe to *telemetry*; *sources* are the mounted webhooks, as ``provider:name``."""
        self._journal = journal
        self._sources = frozenset(sources)
        self._targets: set[str] = set()
        self._registry = CollectorRegistry()
        self._kept = {
            metric.name: _made(metric, self._registry) for metric in METRICS if metric.kind != "gauge"
        }
        self._children: dict[tuple[str, Labels], Any] = {}
        self._gauges = _Gauges(journal, version)
        telemetry.subscribe(EventAccepted, self._accepted)
        telemetry.subscribe(EventRejected, self._rejected)
        telemetry.subscribe(HandshakeAnswered, self._greeted)
        telemetry.subscribe(AttemptFinished, self._finished)
        telemetry.subscribe(LeasesLost, lambda told: self._of(table.LEASES_LOST).inc(told.count))
        telemetry.subscribe(StoreFailed, lambda told: self._of(table.STORE_ERRORS, told.operation).inc())
        journal.on_commit(self._committed)

    async def rendered(self, accept: str) -> tuple[bytes, str]:
        """Return the exposition that *accept* asks for, and its content type."""
        gauges = await self._gauges.read()
        return await asyncio.to_thread(self._render, gauges, accept)

    def _render(self, gauges: Iterable[GaugeMetricFamily], accept: str) -> tuple[bytes, str]:
        registry = CollectorRegistry()
        registry.register(_Static(gauges))
        folder = os.environ.get(SHARED_FOLDER)
        if folder:
            MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call] # the library has no types here
        else:
            registry.register(_All(self._registry))
        encode, content_type = choose_encoder(accept)
        return encode(registry), content_type

    def _of(self, metric: Metric, *labels: str) -> Any:
        key = (metric.name, labels)
        child = self._children.get(key)
        if child is None:
            kept = self._kept[metric.name]
            child = self._children[key] = kept.labels(*labels) if labels else kept
        return child

    def _source(self, provider: str, name: str) -> str:
        source = f"{provider}:{name}"
        return source if source in self._sources else OTHER

    def _target(self, target: str) -> str:
        if target not in self._targets:
            if len(self._targets) >= MOST_TARGETS:
                return OTHER
            self._targets.add(target)
        return target

    def _accepted(self, told: EventAccepted) -> None:
        source = self._source(told.event.provider, told.event.webhook_name)
        self._of(table.INGEST_SECONDS, source).observe(told.seconds)
        self._of(table.REQUESTS, source, "duplicate" if told.duplicate else "accepted").inc()
        if told.duplicate:
            self._of(table.DUPLICATES, source).inc()

    def _rejected(self, told: EventRejected) -> None:
        rejection = told.rejection
        source = self._source(rejection.provider, rejection.webhook_name)
        self._of(table.REQUESTS, source, "rejected").inc()
        self._of(table.REJECTIONS, source, rejection.reason).inc()
        if rejection.status_code == 401:
            self._of(table.VERIFY_FAILURES, source, rejection.reason).inc()

    def _greeted(self, told: HandshakeAnswered) -> None:
        self._of(table.REQUESTS, self._source(told.provider, told.webhook_name), "handshake").inc()

    def _finished(self, told: AttemptFinished) -> None:
        outcome = told.outcome
        kind, attempt = outcome.work.kind, outcome.attempt
        state = "stale" if told.stale else outcome.state.value
        self._of(table.ATTEMPTS, kind.value, self._target(outcome.work.target), state).inc()
        self._of(table.ATTEMPT_SECONDS, kind.value).observe(attempt.duration_ms / 1000)
        if attempt.error_code == _BLOCKED:
            self._of(table.BLOCKED).inc()
        if not told.stale and outcome.state is ROADS[kind].done:
            ended = attempt.started_at + timedelta(milliseconds=attempt.duration_ms)
            waited = (ended - outcome.work.created_at).total_seconds()
            self._of(table.END_TO_END_SECONDS, kind.value).observe(max(0.0, waited))

    def _committed(self, seconds: float, count: int) -> None:
        self._of(table.COMMIT_SECONDS).observe(seconds)
        self._of(table.COMMITTED).inc(count)


class _Gauges:
    """What is read from the journal."""

    def __init__(self, journal: Journal, version: str) -> None:
        self._journal = journal
        self._version = version
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        self._last: list[GaugeMetricFamily] = []

    async def read(self) -> list[GaugeMetricFamily]:
        """Return the gauges as they are now, or were a moment ago."""
        async with self._reading:
            if time.monotonic() - self._read_at > KEPT_SECONDS:
                self._last = await self._fresh()
                self._read_at = time.monotonic()
            return self._last

    async def _fresh(self) -> list[GaugeMetricFamily]:
        try:
            async with asyncio.timeout(READ_SECONDS):
                values = await self._values()
        except (StorageUnavailable, TimeoutError):
            values = {table.STORE_UP: {(): 0.0}}
        values[table.BUILD] = {(self._version,): 1.0}
        return [_family(metric, samples) for metric, samples in values.items()]

    async def _values(self) -> dict[Metric, dict[Labels, float]]:
        backlog = await self._journal.work.backlog()
        gates = await self._journal.gates.gates()
        now = self._journal.now()
        age = (now - backlog.oldest_due_at).total_seconds() if backlog.oldest_due_at else 0.0
        return {
            table.PENDING: {(): float(backlog.waiting)},
            table.RUNNING: {(): float(backlog.running)},
            table.OLDEST_DUE: {(): max(0.0, age)},
            table.DEAD: {(): float(backlog.dead)},
            table.GATES: {
                ("open",): float(sum(gate.opened_at is not None for gate in gates)),
                ("paused",): float(sum(gate.paused_at is not None for gate in gates)),
            },
            table.STORE_UP: {(): 1.0},
        }


class _Static:
    """A collector of families that are there already."""

    def __init__(self, families: Iterable[GaugeMetricFamily]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        return self._families


class _All:
    """A collector of what another registry has."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Any]:
        return self._registry.collect()


def _family(metric: Metric, samples: dict[Labels, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, value in samples.items():
        family.add_metric(labels, value)
    return family


def _made(metric: Metric, registry: CollectorRegistry) -> Counter | Histogram:
    if metric.kind == "counter":
        return Counter(metric.name, metric.help, metric.labels, registry=registry)
    return Histogram(metric.name, metric.help, metric.labels, buckets=metric.buckets, registry=registry)
