"""The handling that publishes an event: made where it is wanted, and run by the webhook's maps."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

import pytest

from smart_api_integrations.core.journal import AttemptStatus, Claim, Work
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.core.publish_maps import PublishMap
from smart_api_integrations.providers.catalogue import load_definitions
from smart_api_integrations.receive.publishing import PublishRunner, is_publishing, publishing_for
from tests.journal_scenes import received

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
KEY = ("github", "default")
PACKAGED = load_definitions(None)[KEY].webhook
PUSH = b'{"ref": "refs/heads/main", "repository": {"full_name": "octo/hello"}, "commits": []}'


def handlings(webhook=PACKAGED, *, always=False, heard=(), **event):
    return publishing_for(always=always, is_heard=lambda name: name in heard)(received(**event), webhook)


def test_mapped_event_has_one_handling_that_asks_whether_its_types_are_wanted():
    (handling,) = handlings()

    assert (handling.handler, handling.publishes) == ("github:default:<publish>", ("git.push",))
    assert handling.max_attempts > 1


@pytest.mark.parametrize("wanted", [{"always": True}, {"heard": ("git.push",)}])
def test_it_is_kept_in_any_case_where_it_is_wanted_here(wanted):
    (handling,) = handlings(**wanted)

    assert handling.publishes == ()


def test_event_that_no_map_takes_or_that_is_only_kept_has_none():
    assert handlings(event_type="star") == ()
    assert handlings(replace(PACKAGED, events=("release",))) == ()
    assert handlings(replace(PACKAGED, publish=())) == ()


def claim(event, target="github:default:<publish>"):
    work = Work(
        id="hdl_1",
        kind=Kind.HANDLING,
        subject_id="evt_1",
        target=target,
        state=State.PROCESSING,
        attempt_count=1,
        max_attempts=4,
        due_at=None,
        created_at=NOON,
        updated_at=NOON,
    )
    return Claim(work=work, event=event)


async def run(event, webhook=PACKAGED):
    ids = count(1)
    runner = PublishRunner(
        {KEY: webhook},
        now=lambda: NOON,
        new_id=lambda prefix: f"{prefix}{next(ids)}",
        clock=lambda: 0.0,
    )
    return await runner.run(claim(event))


async def test_its_run_publishes_what_the_maps_make_with_the_event_as_its_cause():
    event = received(body=PUSH)
    outcome = await run(event)

    (message,) = outcome.messages
    assert (outcome.state, outcome.attempt.result) == (State.COMPLETED, '{"events": ["git.push"]}')
    assert (message.event, message.event_id, message.hops) == ("git.push", event.id, 1)
    assert json.loads(message.body)["data"]["repository"] == "octo/hello"


async def test_event_that_no_map_takes_after_all_is_skipped():
    webhook = replace(PACKAGED, publish=(PublishMap(pattern="push", type="x.y", when="payload.forced"),))
    outcome = await run(received(body=PUSH), webhook)

    assert (outcome.state, outcome.attempt.status) == (State.SKIPPED, AttemptStatus.SKIPPED)
    assert not outcome.messages


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (None, "not kept any more"),
        (received(provider="gone"), "not mounted"),
        (received(body=b"[1"), ""),
    ],
)
async def test_what_cannot_be_published_is_a_dead_letter_at_once(event, told):
    outcome = await run(event)

    assert (outcome.state, outcome.attempt.error_code) == (State.FAILED, "publish_map")
    assert told in str(outcome.attempt.error_message)


def test_only_its_own_handlings_are_its():
    assert is_publishing(claim(None))
    assert not is_publishing(claim(None, "github:default:shop.on_push"))
