"""Forward rules, from a signed request to the deliveries that leave."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.errors import InvalidInput, NotFound
from smart_api_integrations.server.application import create_app
from tests.asgi_call import call
from tests.github_requests import incoming
from tests.journal_scenes import open_platform

URL = "https://example.com/hook"
SECRET = "a secret of more than sixteen characters"


class Scene:
    """A platform whose worker is the test."""

    def __init__(self, platform: Any) -> None:
        self.platform = platform

    async def receive(self, payload: Any = None, **more: Any) -> str:
        request = incoming(payload or {"ref": "main", "size": 3}, **more)
        answer = await self.platform.gateway.accept(request, "github")
        assert answer.status == 200, answer
        return str(json.loads(answer.body)["id"])

    async def work(self) -> list[Any]:
        """Run and record every handling that is due; leave deliveries alone."""
        from datetime import timedelta  # noqa: PLC0415

        claims = await self.platform.journal.work.claim(owner="o", limit=100, lease=timedelta(seconds=60))
        outcomes = []
        for claim in claims:
            if claim.work.kind == "handling":
                outcome = await self.platform._worker._runners[claim.work.kind](claim)
                await self.platform.journal.work.record(outcome)
                outcomes.append(outcome)
        return outcomes

    async def trace(self, event_id: str) -> Any:
        return await self.platform.journal.events.trace(event_id)


@pytest.fixture
async def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    monkeypatch.setenv("GITHUB_WEBHOOK_SECRET", SECRET)
    monkeypatch.setattr("tests.github_requests.SECRET", SECRET)
    get_webhook_registry().clear()
    async with open_platform(tmp_path, internal_events="never") as platform:
        yield Scene(platform)
    get_webhook_registry().clear()


async def test_an_event_without_a_handler_is_forwarded_in_one_trace(scene: Scene) -> None:
    endpoint = await scene.platform.endpoints.register(URL, ["code.*"])
    rule = await scene.platform.forward_rules.add(
        source="github:*",
        events=["push"],
        filter="payload.size > 2",
        transformation="{'branch': payload.ref}",
        message_type="code.pushed",
    )

    event_id = await scene.receive()
    (outcome,) = await scene.work()
    trace = await scene.trace(event_id)

    assert outcome.state is State.COMPLETED
    (message,) = trace.messages
    assert (message.event, message.event_id, message.hops) == ("code.pushed", event_id, 1)
    body = json.loads(message.body)
    assert body["data"] == {"branch": "main"}
    assert body["metadata"] == {"correlation_id": event_id, "provider": "github", "rule": rule.id}
    assert [delivery.target for delivery in trace.deliveries] == [endpoint.id]
    assert [handling.target for handling in trace.handlings] == [rule.target_of("github:default")]


async def test_one_endpoint_gets_it_whatever_it_subscribes_to(scene: Scene) -> None:
    chosen = await scene.platform.endpoints.register(URL, ["nothing.of.that"])
    await scene.platform.endpoints.register(URL, ["*"])
    await scene.platform.forward_rules.add(events=["push"], endpoint_id=chosen.id)

    event_id = await scene.receive()
    await scene.work()
    trace = await scene.trace(event_id)

    assert [delivery.target for delivery in trace.deliveries] == [chosen.id]
    assert trace.messages[0].event == "github.push"
    assert json.loads(trace.messages[0].body)["data"] == {"ref": "main", "size": 3}


@pytest.mark.parametrize(
    ("values", "state", "told"),
    [
        ({"filter": "payload.size > 5"}, State.SKIPPED, "not true"),
        ({"filter": "payload.size > 'x'"}, State.FAILED, "cannot be computed"),
        ({"transformation": "payload.ref + 1"}, State.FAILED, "cannot be computed"),
    ],
)
async def test_what_is_not_forwarded_says_why(scene: Scene, values: Any, state: State, told: str) -> None:
    await scene.platform.forward_rules.add(events=["push"], **values)
    await scene.receive()

    (outcome,) = await scene.work()

    assert outcome.state is state
    assert told in outcome.attempt.error_message
    assert outcome.messages == ()


async def test_a_mended_rule_forwards_its_dead_letter_when_it_is_replayed(scene: Scene) -> None:
    rule = await scene.platform.forward_rules.add(events=["push"], transformation="payload.ref + 1")
    event_id = await scene.receive()
    (dead,) = await scene.work()
    await scene.platform.forward_rules.change(rule.id, {"transformation": "payload.ref"})

    await scene.platform.journal.work.replay(dead.work.id)
    (outcome,) = await scene.work()

    assert outcome.state is State.COMPLETED
    assert json.loads((await scene.trace(event_id)).messages[0].body)["data"] == "main"


async def test_schemas_hold_for_what_is_forwarded_too(scene: Scene) -> None:
    await scene.platform.event_types.add("github.push", schema={"required": ["sha"]})
    await scene.platform.forward_rules.add(events=["push"])
    await scene.receive()

    (outcome,) = await scene.work()

    assert (outcome.state, outcome.attempt.error_code) == (State.FAILED, "forward_failed")
    assert "no 'sha'" in outcome.attempt.error_message


async def test_rules_that_do_not_take_an_event_cost_it_nothing(scene: Scene) -> None:
    await scene.platform.forward_rules.add(events=["issues"])
    await scene.platform.forward_rules.add(active=False)
    gone = await scene.platform.forward_rules.add(events=["push"], source="stripe:*")
    await scene.platform.forward_rules.remove(gone.id)

    event_id = await scene.receive()

    assert (await scene.trace(event_id)).handlings == []


async def test_a_rule_that_was_deleted_meanwhile_is_skipped(scene: Scene) -> None:
    rule = await scene.platform.forward_rules.add(events=["push"])
    await scene.receive()
    await scene.platform.forward_rules.remove(rule.id)

    (outcome,) = await scene.work()

    assert (outcome.state, "deleted" in outcome.attempt.error_message) == (State.SKIPPED, True)


async def test_a_message_that_runs_in_a_circle_counts_its_rounds(scene: Scene) -> None:
    await scene.platform.forward_rules.add(events=["push"])
    request = incoming({"ref": "main"}, headers={"webhook-hops": "2"})
    answer = await scene.platform.gateway.accept(request, "github")
    await scene.work()

    trace = await scene.trace(json.loads(answer.body)["id"])
    assert trace.messages[0].hops == 3, "the third system sends it no further"


async def test_rules_are_kept_by_the_api(scene: Scene) -> None:
    async def no_way_in(*_: object) -> None:
        raise AssertionError

    app = create_app(scene.platform, ingest=no_way_in)
    given = {
        "source": "github:*",
        "events": ["push"],
        "filter": "payload.size > 2",
        "message_type": "code.pushed",
    }

    added = await call(app, "POST", "/api/forward-rules", json_body=given)
    path = f"/api/{added.headers['location']}"
    changed = await call(app, "PATCH", path, json_body={"active": False})
    faulty = await call(app, "PATCH", path, json_body={"filter": "payload."})
    nobody = await call(app, "POST", "/api/forward-rules", json_body={"endpoint_id": "ep_nobody"})
    listed = await call(app, "GET", "/api/forward-rules")
    gone = [(await call(app, method, path)).status for method in ("DELETE", "GET", "PATCH")]

    assert (added.status, given.items() <= added.json().items()) == (201, True)
    assert changed.json() == added.json() | {"active": False, "updated_at": changed.json()["updated_at"]}
    assert (faulty.status, nobody.status) == (422, 422)
    assert "endpoint_id" in nobody.json()["detail"]
    assert listed.json() == [changed.json()]
    assert gone[:2] == [204, 404]


async def test_what_is_unknown_is_told(scene: Scene) -> None:
    with pytest.raises(NotFound):
        await scene.platform.forward_rules.remove("fwd_nobody")
    with pytest.raises(NotFound):
        await scene.platform.forward_rules.change("fwd_nobody", {})
    with pytest.raises(InvalidInput):
        await scene.platform.forward_rules.add(sources="github")
