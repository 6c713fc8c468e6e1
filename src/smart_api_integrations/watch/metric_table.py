"""Every metric that ``/metrics`` shows, once: its name, its labels, what it says. Floor 6.

Names follow Prometheus' rules (base units, ``_total`` for counters). Labels are bounded: a source is one that
is mounted, a target one of the first ``MOST_TARGETS``, everything else a word of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MOST_TARGETS = 200
OTHER = "other"
"""What stands in the place of a source that is not mounted, and of targets beyond the bound."""

QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SLOW = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0, 86_400.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric.

    Attributes:
        kind: Counters and histograms are of all processes that share the port; gauges are read from the
            journal when they are asked for, and are the same wherever they are asked.
        buckets: A histogram's upper bounds in seconds.
    """

    name: str
    kind: Literal["counter", "histogram", "gauge"]
    labels: tuple[str, ...] = ()
    help: str
    buckets: tuple[float, ...] = ()


REQUESTS = Metric(
    name="webhooks_ingest_requests_total",
    kind="counter",
    labels=("source", "outcome"),
    help="Requests to the ways in: accepted, duplicate, handshake or rejected.",
)
INGEST_SECONDS = Metric(
    name="webhooks_ingest_duration_seconds",
    kind="histogram",
    labels=("source",),
    buckets=QUICK,
    help="From the whole body read to the commit, of events that were kept or known.",
)
COMMIT_SECONDS = Metric(
    name="webhooks_ingest_commit_seconds",
    kind="histogram",
    buckets=QUICK,
    help="How long one group of writes took, its commit and sync included.",
)
COMMITTED = Metric(
    name="webhooks_writes_total",
    kind="counter",
    help="Writes that were committed; divided by the count of commits, how many share one.",
)
REJECTIONS = Metric(
    name="webhooks_rejections_total",
    kind="counter",
    labels=("source", "reason"),
    help="Requests that were not accepted.",
)
VERIFY_FAILURES = Metric(
    name="webhooks_verify_failures_total",
    kind="counter",
    labels=("source", "reason"),
    help="Requests that did not verify: those of the rejections that were answered 401.",
)
DUPLICATES = Metric(
    name="webhooks_dedupe_hits_total",
    kind="counter",
    labels=("source",),
    help="Events that were kept before.",
)
ATTEMPTS = Metric(
    name="webhooks_attempts_total",
    kind="counter",
    labels=("kind", "target", "outcome"),
    help="Attempts of handlings and deliveries, by handler or endpoint and by the state that followed.",
)
ATTEMPT_SECONDS = Metric(
    name="webhooks_attempt_duration_seconds",
    kind="histogram",
    labels=("kind",),
    buckets=SLOW,
    help="How long an attempt took.",
)
END_TO_END_SECONDS = Metric(
    name="webhooks_end_to_end_latency_seconds",
    kind="histogram",
    labels=("kind",),
    buckets=SLOW,
    help="From being kept to having ended well, retries and waiting included.",
)
BLOCKED = Metric(
    name="webhooks_ssrf_blocked_total",
    kind="counter",
    help="Deliveries that the address guard stopped.",
)
LEASES_LOST = Metric(
    name="webhooks_leases_lost_total",
    kind="counter",
    help="Leases of dead workers that ended.",
)
STORE_ERRORS = Metric(
    name="webhooks_store_errors_total",
    kind="counter",
    labels=("operation",),
    help="Times that the store could not be reached.",
)
PENDING = Metric(
    name="webhooks_events_pending",
    kind="gauge",
    help="Handlings and deliveries that wait; 10,000 means as many or more.",
)
RUNNING = Metric(
    name="webhooks_work_running", kind="gauge", help="Handlings and deliveries that a worker has."
)
OLDEST_DUE = Metric(
    name="webhooks_oldest_due_age_seconds",
    kind="gauge",
    help="How long the oldest due work has waited; 0 where none is due.",
)
DEAD = Metric(
    name="webhooks_dlq_events",
    kind="gauge",
    help="Dead letters; 10,000 means as many or more.",
)
GATES = Metric(
    name="webhooks_breaker_state",
    kind="gauge",
    labels=("state",),
    help="Targets that are held back: open (by their breaker), paused (by somebody).",
)
STORE_UP = Metric(
    name="webhooks_store_up", kind="gauge", help="1 where the journal answered just now, else 0."
)
BUILD = Metric(name="webhooks_build_info", kind="gauge", labels=("version",), help="Always 1.")

METRICS: tuple[Metric, ...] = (
    *(REQUESTS, INGEST_SECONDS, COMMIT_SECONDS, COMMITTED, REJECTIONS, VERIFY_FAILURES, DUPLICATES),
    *(ATTEMPTS, ATTEMPT_SECONDS, END_TO_END_SECONDS, BLOCKED, LEASES_LOST, STORE_ERRORS),
    *(PENDING, RUNNING, OLDEST_DUE, DEAD, GATES, STORE_UP, BUILD),
)
"""Every metric there is."""
