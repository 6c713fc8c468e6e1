"""Replay jobs and previews as JSON values. Floor 8."""

from __future__ import annotations

from typing import Any

from smart_api_integrations.api.representations import time
from smart_api_integrations.core.replay import Preview, Replay, ReplayFilter, ReplayOutcomes


def replay(job: Replay) -> dict[str, Any]:
    """Return one job, without what became of its work."""
    return {
        "id": job.id,
        "state": job.state,
        **_filter(job.filter),
        "rate": job.rate,
        "note": job.note,
        "created_by": job.by,
        "total": job.total,
        "total_is_exact": job.is_exact,
        "done": job.done,
        "skipped": job.skipped,
        "created_at": time(job.created_at),
        "updated_at": time(job.updated_at),
        "finished_at": time(job.finished_at),
    }


def replay_with_outcomes(job: Replay, outcomes: ReplayOutcomes) -> dict[str, Any]:
    """Return one job, and where the work stands that it made due."""
    return replay(job) | {
        "outcomes": {
            "done": outcomes.done,
            "failed": outcomes.failed,
            "open": outcomes.open,
            "other": outcomes.other,
        }
    }


def preview(asked: ReplayFilter, counted: Preview) -> dict[str, Any]:
    """Return what a job would do."""
    return {
        "dry_run": True,
        **_filter(asked),
        "total": counted.count,
        "total_is_exact": counted.is_exact,
        "event_types": dict(counted.event_types),
        "targets": dict(counted.targets),
        "oldest_at": time(counted.oldest),
    }


def _filter(asked: ReplayFilter) -> dict[str, Any]:
    return {
        "kind": asked.kind,
        "mode": asked.mode,
        "tenant": asked.tenant,
        "event_type": asked.event_type,
        "provider": asked.provider,
        "target": asked.target,
        "status": list(asked.states),
        "since": time(asked.since),
        "until": time(asked.until),
    }
