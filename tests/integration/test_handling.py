"""Running handlers on kept events: whatever a handler does, an outcome comes of it."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from smart_api_integrations import Dead, Retry, Skip
from smart_api_integrations.application import parts
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.errors import HandlerError
from smart_api_integrations.receive.threads import HandlerThreads
from smart_api_integrations.settings import Settings
from smart_api_integrations.webhooks import (
    WebhookHandler,
    WebhookResponse,
    batch_webhook_handler,
    webhook_handler,
    webhook_middleware,
)
from tests.handling_stage import NOON, Stage
from tests.journal_scenes import open_platform

FIRST_WAIT = timedelta(seconds=5)


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


def handler(function: Callable[..., Any], **options: Any) -> None:
    webhook_handler("github", "push", **options)(function)


async def test_a_def_handler_runs_in_a_thread_and_sees_the_whole_event(stage: Stage) -> None:
    seen: list[Any] = []

    @webhook_handler("github", "pull_request.opened")
    def see(event: Any) -> dict[str, Any]:
        seen.append((event, threading.current_thread()))
        return {"number": event.payload["number"]}

    event_id = await stage.receive({"action": "opened", "number": 12345678901234567890}, "pull_request")
    (outcome,) = await stage.run()

    event, thread = seen[0]
    assert thread is not threading.main_thread()
    assert (outcome.state, outcome.attempt.status) == (State.COMPLETED, "succeeded")
    assert outcome.attempt.result == '{"number": 12345678901234567890}'
    assert (event.id, event.type, event.event_type, event.action) == (
        event_id,
        "pull_request",
        "pull_request",
        "opened",
    )
    assert (event.provider, event.webhook_name, event.verified, event.attempt) == (
        "github",
        "default",
        True,
        1,
    )
    assert event.headers["HTTP_X_GITHUB_EVENT"] == event.headers["X-GitHub-Event"] == "pull_request"
    assert event.timestamp.tzinfo is not None


async def test_an_async_handler_runs_in_the_event_loop(stage: Stage) -> None:
    seen: list[Any] = []

    async def see(event: Any) -> None:
        seen.append(asyncio.get_running_loop())

    handler(see)

    outcome = await stage.handle()

    assert seen == [asyncio.get_running_loop()]
    assert (outcome.state, outcome.attempt.result) == (State.COMPLETED, None)


async def test_an_object_that_is_called_may_be_async(stage: Stage) -> None:
    class Greeter:
        async def __call__(self, event: Any) -> str:
            return f"hello {event.payload['ref']}"

    handler(Greeter())

    assert (await stage.handle()).attempt.result == '"hello main"'


def raising(error: BaseException) -> Callable[[Any], None]:
    def fail(event: Any) -> None:
        raise error

    return fail


def returning(value: Any) -> Callable[[Any], Any]:
    return lambda event: value


def async_raising(error: BaseException) -> Callable[[Any], Any]:
    async def fail(event: Any) -> None:
        raise error

    return fail


VERDICTS: dict[str, tuple[HandlerError, State, str, timedelta | None, str | None]] = {
    "retry": (Retry("busy"), State.RETRY_SCHEDULED, "failed", FIRST_WAIT, "retry_asked"),
    "retry, later": (
        Retry("busy", after=3600),
        State.RETRY_SCHEDULED,
        "failed",
        timedelta(hours=1),
        "retry_asked",
    ),
    "retry, sooner": (
        Retry("busy", after=timedelta(seconds=1)),
        State.RETRY_SCHEDULED,
        "failed",
        timedelta(seconds=1),
        "retry_asked",
    ),
    "retry, in the past": (
        Retry("busy", after=-7),
        State.RETRY_SCHEDULED,
        "failed",
        timedelta(),
        "retry_asked",
    ),
    "skip": (Skip("busy"), State.SKIPPED, "skipped", None, None),
    "dead": (Dead("busy"), State.FAILED, "failed", None, "dead_asked"),
    "handler error": (HandlerError("busy"), State.RETRY_SCHEDULED, "failed", FIRST_WAIT, "retry_asked"),
}


@pytest.mark.parametrize("how", [raising, returning, async_raising])
@pytest.mark.parametrize(("verdict", "state", "status", "wait", "code"), VERDICTS.values(), ids=VERDICTS)
async def test_a_verdict_means_the_same_raised_and_returned(
    stage: Stage, how: Any, verdict: HandlerError, state: State, status: str, wait: Any, code: Any
) -> None:
    handler(how(verdict))

    outcome = await stage.handle()

    assert (outcome.state, outcome.attempt.status, outcome.wait) == (state, status, wait)
    assert (outcome.attempt.error_code, outcome.attempt.error_message) == (code, "busy")


async def test_a_handlers_failure_is_kept_with_its_traceback_and_tried_again(stage: Stage) -> None:
    handler(lambda event: event.payload["missing"])

    outcome = await stage.handle()

    assert (outcome.state, outcome.wait) == (State.RETRY_SCHEDULED, FIRST_WAIT)
    assert (outcome.attempt.error_code, outcome.attempt.error_message) == ("raised", "KeyError: 'missing'")
    assert 'event.payload["missing"]' in (outcome.attempt.error_detail or "")


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError


class Unprintable:
    def __repr__(self) -> str:
        raise ValueError


FAILURES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "sys.exit": (lambda event: sys.exit(3), "SystemExit: 3"),
    "StopIteration": (lambda event: next(iter(())), "RuntimeError: the handler raised StopIteration"),
    "an error that cannot say itself": (raising(Unspeakable()), "Unspeakable: "),
    "a result that cannot be shown": (returning(Unprintable()), "ValueError: "),
    "something cancelled": (async_raising(asyncio.CancelledError("inner")), "CancelledError: inner"),
    "async sys.exit": (async_raising(SystemExit(3)), "SystemExit: 3"),
    "not a mapping in events": (returning({"events": ["a"]}), "InvalidInput: events[0]"),
    "events is a mapping": (returning({"events": {"type": "a"}}), "InvalidInput: `events`"),
    "no type": (returning({"events": [{"data": 1}]}), "InvalidInput: events[0]"),
    "metadata is a list": (
        returning({"events": [{"type": "a", "metadata": [1]}]}),
        "InvalidInput: events[0]",
    ),
    "data that JSON cannot hold": (
        returning({"events": [{"type": "a", "data": {1, 2}}]}),
        "InvalidInput: ",
    ),
    "a name that cannot be one": (returning({"events": [{"type": "a\nb"}]}), "InvalidInput: "),
}


@pytest.mark.parametrize(("function", "message"), FAILURES.values(), ids=FAILURES)
async def test_whatever_a_handler_does_its_failure_is_an_outcome(
    stage: Stage, function: Any, message: str
) -> None:
    handler(function)

    outcome = await stage.handle()

    assert (outcome.state, outcome.attempt.error_code) == (State.RETRY_SCHEDULED, "raised")
    assert (outcome.attempt.error_message or "").startswith(message)
    assert outcome.messages == ()


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({("a", 1): 2}, "\"{('a', 1): 2}\""),
        ({"when": NOON}, '{"when": "' + repr(NOON) + '"}'),
        ([1], "[1]"),
        ("\ud800", '"\\ud800"'),
    ],
)
async def test_a_result_that_json_cannot_hold_is_shown_as_python_does(
    stage: Stage, result: Any, text: str
) -> None:
    handler(returning(result))

    outcome = await stage.handle()

    assert (outcome.state, outcome.attempt.result) == (State.COMPLETED, text)


async def test_a_handler_that_takes_too_long_has_failed(stage: Stage) -> None:
    never = asyncio.Event()

    async def wait(event: Any) -> None:
        await never.wait()

    handler(wait, timeout=0.01)

    outcome = await stage.handle()

    assert (outcome.attempt.error_code, outcome.attempt.error_message) == (
        "timeout",
        "The handler ran longer than 0.01 s.",
    )
    assert outcome.state is State.RETRY_SCHEDULED


async def test_a_def_handler_that_takes_too_long_is_waited_for_no_longer(stage: Stage) -> None:
    released = threading.Event()
    handler(lambda event: released.wait(20), timeout=timedelta(milliseconds=10))

    outcome = await stage.handle()
    released.set()

    assert outcome.attempt.error_code == "timeout"


async def test_time_spent_waiting_for_a_thread_is_not_counted(tmp_path: Path) -> None:
    """One thread, two runs: the second one waits longer than its limit, and then completes."""
    begun, released = threading.Event(), threading.Event()

    @webhook_handler("github", "push", name="first", timeout=20)
    def first(event: Any) -> None:
        begun.set()
        released.wait(20)

    @webhook_handler("github", "issues", name="second", timeout=0.2)
    def second(event: Any) -> str:
        return "ran"

    async with open_platform(tmp_path) as platform:
        with HandlerThreads(1) as threads:
            stage = Stage(platform, threads)
            await stage.receive()
            await stage.receive({"issue": 1}, "issues")
            runs = [asyncio.create_task(stage.runner.run(claim)) for claim in await stage.claims()]
            await asyncio.to_thread(begun.wait, 20)
            _, waiting = await asyncio.wait(runs, timeout=0.5)
            released.set()
            outcomes = await asyncio.gather(*runs)

    assert len(waiting) == 2
    assert [outcome.state for outcome in outcomes] == [State.COMPLETED] * 2


async def test_time_spent_in_a_handler_is_counted_over_middleware_and_handler(stage: Stage) -> None:
    released = threading.Event()

    @webhook_middleware("github")
    def quick(event: Any) -> None:
        """Stop and start the clock once."""

    handler(lambda event: released.wait(20), timeout=0.05)

    outcome = await stage.handle()
    released.set()

    assert outcome.attempt.error_code == "timeout"


async def test_a_handler_that_blocks_for_ever_starves_no_other(tmp_path: Path) -> None:
    """Every run of it leaves a thread behind; others still run, and in the end it is not run at all."""
    released = threading.Event()

    @webhook_handler("github", "push", timeout=0.01)
    def blocked(event: Any) -> None:
        released.wait(20)

    @webhook_handler("github", "issues")
    def good(event: Any) -> str:
        return "ran"

    async with open_platform(tmp_path) as platform:
        with HandlerThreads(2) as threads:
            stage = Stage(platform, threads)
            codes = [(await stage.handle({"ref": str(number)})).attempt.error_code for number in range(3)]
            result = (await stage.handle({"issue": 1}, "issues")).attempt.result
            released.set()

    assert codes == ["timeout", "stuck", "stuck"]
    assert result == '"ran"'


async def test_a_traceback_begins_at_the_users_own_frames(stage: Stage) -> None:
    def deeper(event: Any) -> None:
        raise ValueError(event.type)

    @webhook_handler("github", "push")
    def plain(event: Any) -> None:
        deeper(event)

    @webhook_handler("github", "push")
    async def coroutine(event: Any) -> None:
        deeper(event)

    await stage.receive()
    details = [outcome.attempt.error_detail or "" for outcome in await stage.run()]

    for name, detail in zip(("plain", "coroutine"), details, strict=True):
        lines = [line.strip() for line in detail.splitlines() if line.strip().startswith("File ")]
        assert [line.rpartition(" in ")[2] for line in lines] == [name, "deeper"]
        assert "smart_api_integrations/" not in detail
        assert detail.endswith("ValueError: push\n")


async def test_the_workers_own_cancellation_passes_through(stage: Stage) -> None:
    begun = asyncio.Event()

    async def wait(event: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    handler(wait)
    await stage.receive()
    (claim,) = await stage.claims()
    running = asyncio.create_task(stage.runner.run(claim))
    await begun.wait()
    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_response_that_says_no_success_is_a_failure(stage: Stage) -> None:
    class Orders(WebhookHandler):
        provider = "github"

        def on_push(self, event: Any) -> WebhookResponse:
            return self.error_response("Order not found", {"order": event.payload["ref"]})

        def on_issues(self, event: Any) -> WebhookResponse:
            return self.success_response({"seen": True})

    Orders()

    failed, good = await stage.handle(), await stage.handle({"issue": 1}, "issues")

    assert (failed.state, failed.attempt.error_code) == (State.RETRY_SCHEDULED, "no_success")
    assert failed.attempt.error_message == "Order not found"
    assert json.loads(failed.attempt.result or "")["data"] == {"order": "main"}
    assert good.state is State.COMPLETED
    assert json.loads(good.attempt.result or "")["seen"] is True


async def test_middleware_runs_before_each_handler_and_may_change_the_event(stage: Stage) -> None:
    order: list[str] = []

    @webhook_middleware("github")
    def first(event: Any) -> None:
        order.append("first")
        event.account = "acme"
        event.headers["X-Processed-At"] = "noon"

    @webhook_middleware("github")
    async def second(event: Any) -> None:
        order.append("second")
        event.payload["ref"] = event.payload["ref"].upper()

    handler(lambda event: [event.account, event.headers["x-processed-at"], event.payload["ref"]])

    outcome = await stage.handle()

    assert order == ["first", "second"]
    assert outcome.attempt.result == '["acme", "noon", "MAIN"]'


async def test_what_middleware_changed_is_not_kept(stage: Stage) -> None:
    @webhook_middleware("github")
    def change(event: Any) -> None:
        event.payload["ref"] += "!"
        event.headers["X-Changed"] = "yes"

    handler(lambda event: event.payload["ref"] if event.attempt == 2 else Retry(after=0))
    event_id = await stage.receive()
    await stage.run()

    (second,) = await stage.run()

    trace = await stage.platform.journal.events.trace(event_id)
    assert second.attempt.result == '"main!"'
    assert trace is not None
    assert trace.event is not None
    assert (trace.event.event_type, trace.event.body) == ("push", b'{"ref": "main"}')


@pytest.mark.parametrize(
    ("answer", "state", "message"),
    [
        (
            WebhookResponse(success=False, status_code=404, message="Account not found"),
            State.SKIPPED,
            "The middleware {} answered in its place: Account not found",
        ),
        ({"ignored": True}, State.SKIPPED, "The middleware {} answered in its place."),
        (Retry("not yet"), State.RETRY_SCHEDULED, "not yet"),
        (Dead("never"), State.FAILED, "never"),
    ],
)
async def test_middleware_that_answers_takes_the_handlers_place(
    stage: Stage, answer: Any, state: State, message: str
) -> None:
    ran: list[Any] = []

    @webhook_middleware("github")
    def refuse(event: Any) -> Any:
        return answer

    handler(ran.append)

    outcome = await stage.handle()

    assert (outcome.state, ran) == (state, [])
    assert outcome.attempt.error_message == message.format(refuse.__qualname__)


async def test_published_events_are_kept_in_the_outcomes_own_transaction(stage: Stage) -> None:
    handler(
        returning(
            {
                "charged": True,
                "events": [
                    {"type": "order.paid", "data": {"id": 7}, "metadata": {"by": "test"}},
                    {"type": "order.closed"},
                ],
            }
        )
    )
    event_id = await stage.receive()
    (claim,) = await stage.claims()
    outcome = await stage.runner.run(claim)
    before = await stage.platform.journal.messages.messages()

    await stage.platform.journal.work.record(outcome)

    trace = await stage.platform.journal.events.trace(event_id)
    assert before == []
    assert trace is not None
    assert [message.event for message in trace.messages] == ["order.paid", "order.closed"]
    body = json.loads(trace.messages[0].body)
    assert (body["data"], body["metadata"]) == ({"id": 7}, {"by": "test", "correlation_id": event_id})
    assert {message.handler for message in trace.messages} == {outcome.work.target}
    assert {message.event_id for message in trace.messages} == {event_id}


async def test_a_response_publishes_what_its_data_says(stage: Stage) -> None:
    handler(returning(WebhookResponse(data={"events": [{"type": "order.paid"}]})))

    assert [message.event for message in (await stage.handle()).messages] == ["order.paid"]


async def test_a_failure_publishes_nothing(stage: Stage) -> None:
    handler(returning(WebhookResponse(success=False, data={"events": [{"type": "order.paid"}]})))

    assert (await stage.handle()).messages == ()


async def test_an_outcome_that_came_too_late_publishes_nothing(stage: Stage) -> None:
    handler(returning({"events": [{"type": "order.paid"}]}))
    await stage.receive()
    (claim,) = await stage.claims()
    outcome = await stage.runner.run(claim)
    await stage.platform.journal.work.release(owner="stage")

    assert (await stage.platform.journal.work.record(outcome)).stale
    assert await stage.platform.journal.messages.messages() == []


async def test_a_handler_that_is_not_registered_any_more_waits_for_its_return(stage: Stage) -> None:
    handler(print)
    await stage.receive()
    get_webhook_registry().clear()

    (outcome,) = await stage.run()

    assert (outcome.state, outcome.attempt.error_code) == (State.RETRY_SCHEDULED, "not_registered")
    assert "WEBHOOKS_HANDLERS" in (outcome.attempt.error_message or "")


async def test_several_handlers_of_one_event_fail_and_retry_apart(stage: Stage) -> None:
    runs: dict[str, list[int]] = {"good": [], "bad": []}

    @webhook_handler("github", "push")
    def good(event: Any) -> None:
        runs["good"].append(event.attempt)

    @batch_webhook_handler("github", ["push", "issues"])
    def bad(event: Any) -> None:
        runs["bad"].append(event.attempt)
        raise Retry(after=0)

    event_id = await stage.receive()
    for _ in range(3):
        await stage.run()

    trace = await stage.platform.journal.events.trace(event_id)
    assert trace is not None
    assert runs == {"good": [1], "bad": [1, 2, 3]}
    assert {part.target.rpartition(".")[2]: part.state for part in trace.handlings} == {
        "good": State.COMPLETED,
        "bad": State.RETRY_SCHEDULED,
    }
    assert [attempt.number for attempt in trace.attempts if attempt.status == "failed"] == [1, 2, 3]


@pytest.mark.parametrize(("retries", "runs"), [(0, 1), (2, 3), (None, 4)])
async def test_the_retries_of_a_handler_are_counted_and_then_it_is_dead(
    stage: Stage, retries: int | None, runs: int
) -> None:
    attempts: list[int] = []

    def fail(event: Any) -> None:
        attempts.append(event.attempt)
        raise Retry(after=0)

    handler(fail, **({} if retries is None else {"retries": retries}))
    await stage.receive()
    for _ in range(6):
        await stage.run()

    assert attempts == list(range(1, runs + 1))
    (dead,) = await stage.platform.journal.work.dead_letters(kind=Kind.HANDLING)
    assert (dead.state, dead.attempt_count) == (State.FAILED, runs)


async def test_functions_that_one_factory_made_run_each_on_its_own_type(stage: Stage) -> None:
    """They have one name; what they were registered for tells them apart."""
    seen: list[str] = []

    def made(word: str) -> Callable[[Any], None]:
        def handle(event: Any) -> None:
            seen.append(f"{word} {event.type}")

        return handle

    for word in ("push", "issues"):
        webhook_handler("github", word)(made(word))
    await stage.receive({"issue": 1}, "issues")
    await stage.receive()
    await stage.run()

    assert sorted(seen) == ["issues issues", "push push"]


def test_a_handlers_concurrency_is_its_cap_in_one_process() -> None:
    """Without one it leaves a quarter of the places to the others; a plain function's are the threads."""

    async def waits(_: Any) -> None: ...

    processor = get_webhook_registry().create_processor("github")
    processor.add("push", print, concurrency=2, name="few")
    processor.add("push", print, name="threads")
    processor.add("push", waits, name="many")
    settings = Settings(worker_concurrency=50, endpoint_concurrency=7, handler_threads=16)

    rules = parts.worker_rules(settings, get_webhook_registry(), on_published=print)

    caps = {name: rules.target_concurrency(f"github:default:{name}") for name in ("few", "threads", "many")}
    assert caps == {"few": 2, "threads": 12, "many": 37}
    assert rules.target_concurrency("ep_1") == 7
    assert rules.target_concurrency("gone:default:x") == 37
