"""A middleware that renames a queued event chooses the handlers that run on it, each once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from smart_api_integrations import Retry
from smart_api_integrations.application.rehearsal import rehearse
from smart_api_integrations.core.journal import Outcome
from smart_api_integrations.core.lifecycle import State, event_state
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.receive.threads import HandlerThreads
from smart_api_integrations.settings import Settings
from smart_api_integrations.webhooks import WebhookHandler, webhook_handler, webhook_middleware
from tests.github_requests import SECRET, signed_headers
from tests.handling_stage import Stage
from tests.journal_scenes import open_platform

LEGACY = "legacy.user.created"


@pytest.fixture(autouse=True)
def _no_handlers() -> Iterator[None]:
    get_webhook_registry().clear()
    yield
    get_webhook_registry().clear()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_platform(tmp_path) as platform:
        with HandlerThreads(4) as threads:
            yield Stage(platform, threads)


def transform_legacy_events(event: Any) -> None:
    """Transform legacy event format to new format, as the first seed does."""
    if event.type.startswith("legacy."):
        event.type = event.type.replace("legacy.", "")
        if "old_data" in event.payload:
            event.payload["data"] = event.payload["old_data"]
            del event.payload["old_data"]


async def until_nothing_is_due(stage: Stage) -> list[tuple[str, State]]:
    """Run everything; return the last word of each handler's name and how each run ended, in order."""
    ended: list[tuple[str, State]] = []
    while outcomes := await stage.run():
        ended += [(last_word(outcome), outcome.state) for outcome in outcomes]
    return ended


def last_word(outcome: Outcome) -> str:
    return outcome.work.target.rpartition(":")[2].rpartition(".")[2]


async def state_of(stage: Stage, event_id: str) -> State:
    trace = await stage.platform.journal.events.trace(event_id)
    assert trace is not None
    return event_state(work.state for work in trace.handlings)


async def test_the_first_seeds_legacy_event_reaches_the_handler_of_the_new_type(stage: Stage) -> None:
    webhook_middleware("github")(transform_legacy_events)

    @webhook_handler("github", "user.created")
    def created(event: Any) -> Any:
        return {"type": event.type, "data": event.payload["data"]}

    event_id = await stage.receive({"old_data": {"id": 7}}, LEGACY)
    (routed,) = await stage.run()
    (handled,) = await stage.run()

    assert (last_word(routed), routed.state) == ("<middleware>", State.COMPLETED)
    assert json.loads(handled.attempt.result or "") == {"type": "user.created", "data": {"id": 7}}
    assert await state_of(stage, event_id) is State.COMPLETED
    assert await stage.claims() == []


async def test_handlers_of_the_old_type_are_skipped_and_those_of_both_run_once(stage: Stage) -> None:
    webhook_middleware("github")(transform_legacy_events)
    runs: list[str] = []

    @webhook_handler("github", LEGACY)
    def old(event: Any) -> None:
        runs.append("old")

    @webhook_handler("github", "*")
    def every(event: Any) -> None:
        runs.append(f"every {event.type}")

    @webhook_handler("github", "user.*")
    def new(event: Any) -> None:
        runs.append("new")

    event_id = await stage.receive({}, LEGACY)
    ended = await until_nothing_is_due(stage)

    assert runs == ["every user.created", "new"]
    assert sorted(ended) == [("every", State.COMPLETED), ("new", State.COMPLETED), ("old", State.SKIPPED)]
    trace = await stage.platform.journal.events.trace(event_id)
    assert trace is not None
    assert [attempt.error_message for attempt in trace.attempts if attempt.status == "skipped"] == [
        "A middleware gave the event another type."
    ]


async def test_a_retry_or_a_replay_brings_nothing_in_again(stage: Stage) -> None:
    webhook_middleware("github")(transform_legacy_events)
    runs: list[str] = []

    @webhook_handler("github", "*", retries=1)
    def fails(event: Any) -> Any:
        runs.append("fails")
        return Retry("once more", after=0)

    @webhook_handler("github", "user.created")
    def new(event: Any) -> None:
        runs.append("new")

    await stage.receive({}, LEGACY)
    (first,) = await stage.run()
    await until_nothing_is_due(stage)
    await stage.platform.journal.work.replay(first.work.id)
    await until_nothing_is_due(stage)

    assert first.state is State.RETRY_SCHEDULED
    assert sorted(runs) == ["fails"] * 4 + ["new"]


async def test_the_most_specific_method_of_the_new_type_runs(stage: Stage) -> None:
    webhook_middleware("github")(transform_legacy_events)
    runs: list[str] = []

    class Users(WebhookHandler):
        provider = "github"

        def on_user_created(self, event: Any) -> None:
            runs.append("created")

        def on_user(self, event: Any) -> None:
            runs.append("user")

    Users()
    await stage.receive({}, LEGACY)
    await until_nothing_is_due(stage)

    assert runs == ["created"]


async def test_a_function_registered_for_both_types_runs_in_its_own_handling(stage: Stage) -> None:
    webhook_middleware("github")(transform_legacy_events)
    seen: list[str] = []

    @webhook_handler("github", "user.created")
    @webhook_handler("github", LEGACY)
    def both(event: Any) -> None:
        seen.append(event.type)

    await stage.receive({}, LEGACY)

    assert await until_nothing_is_due(stage) == [("both", State.COMPLETED)]
    assert seen == ["user.created"]


async def test_what_no_handler_takes_behind_the_middleware_either_is_no_handler(stage: Stage) -> None:
    seen: list[str] = []
    webhook_middleware("github")(lambda event: seen.append(event.type))
    webhook_handler("github", "push")(lambda event: None)

    event_id = await stage.receive({}, "star")
    (outcome,) = await stage.run()

    assert seen == ["star"]
    assert outcome.attempt.error_message == "No handler takes the event, as it is behind the middleware."
    assert await state_of(stage, event_id) is State.NO_HANDLER


async def test_without_middleware_nothing_is_kept_but_the_event(stage: Stage) -> None:
    webhook_handler("github", "push")(lambda event: None)

    event_id = await stage.receive({}, "star")

    assert await stage.claims() == []
    assert await state_of(stage, event_id) is State.NO_HANDLER


async def test_a_middleware_that_fails_on_what_nothing_matches_is_tried_again(stage: Stage) -> None:
    answers = iter([Retry("the directory is away", after=0)])

    @webhook_middleware("github")
    def rename(event: Any) -> Any:
        event.type = "user.created"
        return next(answers, None)

    webhook_handler("github", "user.created", name="new")(lambda event: None)
    await stage.receive({}, "star")

    assert await until_nothing_is_due(stage) == [
        ("<middleware>", State.RETRY_SCHEDULED),
        ("<middleware>", State.COMPLETED),
        ("new", State.COMPLETED),
    ]


async def test_what_is_brought_in_is_ordered_by_the_renamed_event(stage: Stage) -> None:
    webhook_middleware("github")(transform_legacy_events)
    webhook_handler("github", "user.created", name="new", ordering_key="data.id")(lambda event: None)
    for total in (1, 2):
        await stage.receive({"old_data": {"id": 7, "total": total}}, LEGACY)
    await stage.run()

    (first,) = await stage.run()
    (second,) = await stage.run()

    assert first.work.ordering_key == second.work.ordering_key == "7"
    assert first.work.subject_id < second.work.subject_id


async def test_a_rehearsal_waits_for_the_handlers_that_the_middleware_chose(tmp_path: Path) -> None:
    webhook_middleware("github")(transform_legacy_events)
    webhook_handler("github", "user.created", name="new")(lambda event: {"seen": event.type})
    webhook_handler("github", LEGACY, name="old")(lambda event: None)
    body = b"{}"
    request = RawRequest(
        method="POST", path="/webhooks/github", headers=Headers(signed_headers(body, LEGACY)), body=body
    )

    rehearsal = await rehearse(
        request,
        Settings(providers_dir=str(tmp_path / "none")),
        {"GITHUB_WEBHOOK_SECRET": SECRET},
        provider="github",
        webhook="default",
    )

    assert rehearsal.results["new"] == {"seen": "user.created"}
    assert sorted(rehearsal.results) == ["new", "old"]
