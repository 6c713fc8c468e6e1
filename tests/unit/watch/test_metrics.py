"""What is counted, that labels are bounded, and that gauges are the journal's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from smart_api_integrations.core.gate import Gate
from smart_api_integrations.core.journal import Attempt, AttemptStatus, Backlog, Outcome, Rejection, Work
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.telemetry import (
    AttemptFinished,
    EventAccepted,
    EventRejected,
    HandshakeAnswered,
    LeasesLost,
    StoreFailed,
    Telemetry,
)
from smart_api_integrations.watch import metrics
from smart_api_integrations.watch.metric_table import METRICS, MOST_TARGETS
from smart_api_integrations.watch.metrics import Metrics
from tests.journal_scenes import received

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
WORK = Work(
    id="dlv_1",
    kind=Kind.DELIVERY,
    subject_id="msg_1",
    target="ep_1",
    state=State.DELIVERING,
    max_attempts=3,
    due_at=None,
    created_at=NOW - timedelta(seconds=20),
    updated_at=NOW,
)
ATTEMPT = Attempt(
    id="att_1",
    work_id="dlv_1",
    kind=Kind.DELIVERY,
    target="ep_1",
    subject_id="msg_1",
    number=1,
    status=AttemptStatus.SUCCEEDED,
    started_at=NOW,
    duration_ms=40.0,
)


class Store:
    """The journal as far as metrics read it."""

    def __init__(self) -> None:
        self.work = self
        self.gates = Gates()
        self.is_away = False
        self.reads = 0
        self.told: list[Any] = []

    def on_commit(self, told: Any) -> None:
        self.told.append(told)

    def now(self) -> datetime:
        return NOW

    async def backlog(self) -> Backlog:
        self.reads += 1
        if self.is_away:
            raise StorageUnavailable
        return Backlog(waiting=7, running=2, oldest_due_at=NOW - timedelta(seconds=9), dead=3)


class Gates:
    """What holds targets back."""

    async def gates(self) -> list[Gate]:
        return [Gate(target="ep_1", opened_at=NOW), Gate(target="ep_2", paused_at=NOW)]


class Scene:
    def __init__(self) -> None:
        self.telemetry, self.store = Telemetry(), Store()
        journal: Any = self.store
        self.metrics = Metrics(self.telemetry, journal, sources=["github:default"], version="1.2.3")

    async def samples(self, accept: str = "") -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        body, _ = await self.metrics.rendered(accept)
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(body.decode())
            for sample in family.samples
        }


@pytest.fixture
def scene(monkeypatch):
    monkeypatch.delenv(metrics.SHARED_FOLDER, raising=False)
    return Scene()


def labelled(**labels: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


async def test_events_are_counted_by_source_and_outcome(scene):
    event = received()
    scene.telemetry.tell(EventAccepted(event, duplicate=False, seconds=0.004))
    scene.telemetry.tell(EventAccepted(event, duplicate=True, seconds=0.004))
    scene.telemetry.tell(HandshakeAnswered("github", "default", 200))

    found = await scene.samples()

    source = {"source": "github:default"}
    for outcome in ("accepted", "duplicate", "handshake"):
        assert found["webhooks_ingest_requests_total", labelled(**source, outcome=outcome)] == 1
    assert found["webhooks_dedupe_hits_total", labelled(**source)] == 1
    assert found["webhooks_ingest_duration_seconds_count", labelled(**source)] == 2
    assert found["webhooks_ingest_duration_seconds_bucket", labelled(**source, le="0.005")] == 2


async def test_whatever_a_url_names_makes_no_new_label(scene):
    rejection = Rejection(
        id="rej_1",
        provider="made-up-by-a-stranger",
        webhook_name="x",
        reason="signature_mismatch",
        detail="",
        status_code=401,
        remote_address=None,
        received_at=NOW,
        facts={},
    )
    scene.telemetry.tell(EventRejected(rejection))
    scene.telemetry.tell(EventRejected(replace(rejection, status_code=404, reason="unknown_webhook")))

    found = await scene.samples()

    labels = labelled(source="other", reason="signature_mismatch")
    assert found["webhooks_verify_failures_total", labels] == 1
    assert found["webhooks_rejections_total", labels] == 1
    assert found["webhooks_ingest_requests_total", labelled(source="other", outcome="rejected")] == 2
    assert not any("made-up" in str(key) for key in found)


async def test_attempts_are_counted_and_their_way_is_timed_once_it_ended_well(scene):
    blocked = replace(ATTEMPT, status=AttemptStatus.FAILED, error_code="address_blocked")
    for outcome, stale in (
        (Outcome(work=WORK, state=State.DELIVERED, attempt=ATTEMPT), False),
        (Outcome(work=WORK, state=State.DELIVERED, attempt=ATTEMPT), True),
        (Outcome(work=WORK, state=State.FAILED, attempt=blocked), False),
    ):
        scene.telemetry.tell(AttemptFinished(outcome, stale))

    found = await scene.samples()

    for outcome_word in ("delivered", "stale", "failed"):
        labels = labelled(kind="delivery", target="ep_1", outcome=outcome_word)
        assert found["webhooks_attempts_total", labels] == 1
    assert found["webhooks_end_to_end_latency_seconds_sum", labelled(kind="delivery")] == pytest.approx(20.04)
    assert found["webhooks_attempt_duration_seconds_count", labelled(kind="delivery")] == 3
    assert found["webhooks_ssrf_blocked_total", ()] == 1


async def test_targets_beyond_the_bound_are_counted_together(scene):
    for number in range(MOST_TARGETS + 5):
        work = replace(WORK, target=f"ep_{number}")
        outcome = Outcome(work=work, state=State.DELIVERED, attempt=ATTEMPT)
        scene.telemetry.tell(AttemptFinished(outcome, stale=False))

    found = await scene.samples()

    targets = [labels for name, labels in found if name == "webhooks_attempts_total"]
    assert len(targets) == MOST_TARGETS + 1
    others = labelled(kind="delivery", target="other", outcome="delivered")
    assert found["webhooks_attempts_total", others] == 5


async def test_gauges_are_read_from_the_journal_and_not_for_everybody_anew(scene):
    found = await scene.samples()
    await scene.samples()

    assert scene.store.reads == 1
    assert found["webhooks_events_pending", ()] == 7
    assert found["webhooks_work_running", ()] == 2
    assert found["webhooks_oldest_due_age_seconds", ()] == 9
    assert found["webhooks_dlq_events", ()] == 3
    assert found["webhooks_breaker_state", labelled(state="open")] == 1
    assert found["webhooks_breaker_state", labelled(state="paused")] == 1
    assert found["webhooks_store_up", ()] == 1
    assert found["webhooks_build_info", labelled(version="1.2.3")] == 1


async def test_a_store_that_is_away_is_said_and_the_counters_are_there(scene):
    scene.store.is_away = True
    scene.telemetry.tell(StoreFailed("claim", "gone"))
    scene.telemetry.tell(LeasesLost(4))
    scene.store.told[0](0.002, 30)

    found = await scene.samples()

    assert found["webhooks_store_up", ()] == 0
    assert found["webhooks_store_errors_total", labelled(operation="claim")] == 1
    assert found["webhooks_leases_lost_total", ()] == 4
    assert found["webhooks_ingest_commit_seconds_count", ()] == 1
    assert found["webhooks_writes_total", ()] == 30
    assert ("webhooks_events_pending", ()) not in found


async def test_openmetrics_is_spoken_where_it_is_asked_for(scene):
    body, content_type = await scene.metrics.rendered("application/openmetrics-text; version=1.0.0")

    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_names_follow_prometheus_rules():
    for metric in METRICS:
        assert metric.name.startswith("webhooks_")
        assert (metric.kind == "counter") == metric.name.endswith("_total")
        assert metric.help.endswith(".")
        assert bool(metric.buckets) == (metric.kind == "histogram")
        assert list(metric.buckets) == sorted(set(metric.buckets))
    assert len({metric.name for metric in METRICS}) == len(METRICS)
