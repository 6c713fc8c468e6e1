"""Replay jobs and previews in words and bars."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.gate import Gate
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.core.replay import (
    Mode,
    Preview,
    Replay,
    ReplayFilter,
    ReplayOutcomes,
    ReplayState,
)
from smart_api_integrations.dashboard.views.replays import (
    BADGES,
    filter_words,
    job_view,
    preview_view,
)

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
FORM = {
    "kind": "delivery", "mode": "failed", "type": "order.*", "target": "ep_1", "provider": "", "since": "2h",
    "until": "",
}  # fmt: skip
ENDPOINT = Endpoint(
    id="ep_1",
    url="https://one.example.com/hook?token=hidden",
    events=("*",),
    secret="a secret of some length",
    created_at=NOW,
    updated_at=NOW,
)
KNOWN = {"ep_1": ENDPOINT}


def job(**changes: Any) -> Replay:
    given: dict[str, Any] = {
        "id": "rpl_1",
        "filter": ReplayFilter(kind=Kind.DELIVERY, target="ep_1"),
        "rate": 5.0,
        "total": 100,
        "created_at": NOW - timedelta(seconds=52),
        "updated_at": NOW,
    }
    return Replay(**given | changes)


def view(made: Replay, **counts: int) -> Any:
    return job_view(made, ReplayOutcomes(**counts), now=NOW, endpoints=KNOWN)


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def test_a_running_job_says_how_far_it_is_and_how_long_it_takes():
    shown = view(job(done=40, skipped=10), done=30, failed=4, open=6)

    assert plain(shown.said) == "50 of 100, 5 a second, about 11 s left"
    assert [(part.tone, part.name, part.count) for part in shown.parts] == [
        ("out", "delivered", "30"),
        ("fail", "failed", "4"),
        ("wait", "under way", "6"),
        ("idle", "left", "50"),
    ]
    assert [verb for verb, _, _ in shown.moves] == ["pause", "cancel"]
    assert (shown.now, shown.most, shown.failed) == (50, 100, 4)


def test_the_bar_is_whole_and_has_no_gaps():
    for counts in ({"done": 7, "failed": 3}, {"open": 1}, {}):
        parts = view(job(done=sum(counts.values())), **counts).parts

        assert [part.x for part in parts[1:]] == [part.x + part.width for part in parts[:-1]]
        assert 0 <= parts[-1].x + parts[-1].width <= 1000


@pytest.mark.parametrize(
    ("state", "verbs"),
    [
        (ReplayState.RUNNING, ["pause", "cancel"]),
        (ReplayState.PAUSED, ["resume", "cancel"]),
        (ReplayState.COMPLETED, []),
        (ReplayState.CANCELLED, []),
    ],
)
def test_each_state_has_its_word_and_its_buttons(state, verbs):
    shown = view(job(state=state, done=1))

    assert [verb for verb, _, _ in shown.moves] == verbs
    assert shown.badge is BADGES[state]
    assert "left" not in shown.said or state is ReplayState.RUNNING


def test_a_completed_job_has_nothing_left_although_more_was_counted():
    shown = view(job(state=ReplayState.COMPLETED, done=90), done=90)

    assert (shown.total, shown.now, shown.most) == ("90", 90, 90)
    assert shown.parts[-1].count == "0"


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        (ReplayFilter(kind=Kind.DELIVERY, target="ep_1"), "What failed of one.example.com/hook"),
        (ReplayFilter(kind=Kind.DELIVERY, target="ep_2"), "What failed of an endpoint that was deleted"),
        (
            ReplayFilter(kind=Kind.HANDLING, mode=Mode.MISSING, target="github:default"),
            "What is missing of github:default",
        ),
        (ReplayFilter(kind=Kind.HANDLING, mode=Mode.ALL), "Everything, all handlings"),
    ],
)
def test_a_job_without_a_note_is_named_by_what_it_does(asked, title):
    assert view(job(filter=asked)).title.startswith(title)
    assert view(job(filter=asked, note="DNS")).title == "DNS"
    assert "hidden" not in view(job(filter=asked)).title


def test_a_filter_in_words_leaves_out_what_was_not_asked():
    asked = ReplayFilter(
        kind=Kind.HANDLING,
        mode=Mode.ALL,
        states=(State.SKIPPED, State.FAILED),
        event_type="push",
        since=NOW,
    )

    assert filter_words(job(filter=asked)) == (
        "kind:handling mode:all type:push status:skipped,failed since:2026-01-01T12:00:00Z"
    )


def preview(counted: Preview, **changes: str) -> Any:
    return preview_view(counted, FORM | changes, now=NOW, gates={}, endpoints=KNOWN)


def test_a_preview_says_how_much_for_whom_and_how_to_type_it():
    counted = Preview(
        count=8,
        event_types={"order.created": 5, "": 3},
        targets={"ep_1": 8},
        oldest=NOW - timedelta(hours=2),
    )

    shown = preview(counted)

    assert plain(shown.count) == "8 deliveries"
    assert plain(shown.said) == "for 1 target, the oldest from 2 h ago"
    assert [(name.partition("?")[0], count) for name, count in shown.facts] == [
        ("order.created", "5"),
        ("no type", "3"),
        ("one.example.com/hook", "8"),
    ]
    assert shown.command == (
        "webhooks replays create --kind delivery --mode failed --event-type 'order.*'"
        " --endpoint ep_1 --since 2h"
    )
    assert shown.is_some


def test_what_is_held_back_is_told():
    counted = Preview(count=1, targets={"ep_1": 1})
    shut = Gate(target="ep_1", paused_at=NOW)

    held = preview_view(counted, FORM, now=NOW, gates={"ep_1": shut}, endpoints=KNOWN)
    free = preview_view(
        counted, FORM, now=NOW, gates={"ep_1": replace(shut, paused_at=None)}, endpoints=KNOWN
    )

    assert ["held back" in told for told in held.holds] == [True]
    assert free.holds == []


def test_nothing_is_said_plainly_and_much_as_much():
    assert (preview(Preview()).said, preview(Preview()).is_some) == ("Nothing fits.", False)
    much = preview(Preview(count=100_000, is_exact=False, targets={"ep_1": 1}))
    assert plain(much.count) == "100,000+ deliveries"
    assert plain(preview(Preview(count=1, targets={"ep_1": 1})).count) == "1 delivery"


def test_the_command_quotes_what_a_shell_would_read():
    assert "--handler 'a b; rm'" in preview(Preview(), kind="handling", target="a b; rm").command
