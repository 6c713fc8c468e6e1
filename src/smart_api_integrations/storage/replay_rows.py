"""Replay jobs as rows. Floor 3."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.core.replay import Mode, Replay, ReplayFilter, ReplayState


def replay_row(replay: Replay) -> dict[str, Any]:
    """Return *replay* as a row of ``replays``, leased by nobody."""
    return {
        "id": replay.id,
        "tenant": replay.tenant,
        "filter": _filter_row(replay.filter),
        "state": replay.state.value,
        "rate": replay.rate,
        "note": replay.note,
        "by": replay.by,
        "total": replay.total,
        "is_exact": replay.is_exact,
        "done": replay.done,
        "skipped": replay.skipped,
        "cursor": replay.cursor,
        "fence": replay.fence,
        "created_at": replay.created_at,
        "updated_at": replay.updated_at,
        "finished_at": replay.finished_at,
    }


def replay_from(row: Any) -> Replay:
    """Return the job that a row of ``replays`` holds."""
    values = dict(row._asdict())
    del values["leased_until"], values["lease_owner"]
    values["filter"] = _filter_from(values["filter"])
    values["state"] = ReplayState(values["state"])
    return Replay(**values)


def _filter_row(asked: ReplayFilter) -> dict[str, Any]:
    return {
        "kind": asked.kind.value,
        "mode": asked.mode.value,
        "tenant": asked.tenant,
        "event_type": asked.event_type,
        "provider": asked.provider,
        "target": asked.target,
        "states": [state.value for state in asked.states],
        "since": None if asked.since is None else asked.since.isoformat(),
        "until": None if asked.until is None else asked.until.isoformat(),
    }


def _filter_from(stored: Mapping[str, Any]) -> ReplayFilter:
    return ReplayFilter(
        kind=Kind(stored["kind"]),
        mode=Mode(stored["mode"]),
        tenant=stored["tenant"],
        event_type=stored["event_type"],
        provider=stored["provider"],
        target=stored["target"],
        states=tuple(State(word) for word in stored["states"]),
        since=_moment(stored["since"]),
        until=_moment(stored["until"]),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
