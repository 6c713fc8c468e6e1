"""The catalogue of event types, from the API to whatever publishes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from smart_api_integrations.core.journal import NewHandling
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.errors import InvalidInput, NotFound, StorageUnavailable
from smart_api_integrations.server.application import create_app
from smart_api_integrations.storage.versioned import Snapshot
from tests.asgi_call import call
from tests.journal_scenes import open_platform

SCHEMA = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}
ORDER = {"name": "order.created", "description": "An order was placed", "schema": SCHEMA}


@pytest.fixture
async def platform(tmp_path: Path) -> Any:
    async with open_platform(tmp_path) as opened:
        yield opened


@pytest.fixture
def app(platform: Any) -> Any:
    async def no_way_in(*_: object) -> None:
        raise AssertionError

    return create_app(platform, ingest=no_way_in)


async def test_a_type_is_added_changed_archived_and_deleted(app: Any) -> None:
    path = "/api/event-types/order.created"
    added = await call(app, "POST", "/api/event-types", json_body=ORDER)
    twice = await call(app, "POST", "/api/event-types", json_body=ORDER)
    changed = await call(app, "PATCH", path, json_body={"archived": True})
    listed = [(await call(app, "GET", f"/api/event-types{query}")).json() for query in ("", "?archived=true")]
    gone = [(await call(app, method, path)).status for method in ("DELETE", "GET", "DELETE")]

    assert (added.status, added.headers["location"]) == (201, "event-types/order.created")
    assert ORDER.items() <= added.json().items()
    assert twice.status == 422
    assert (changed.json()["archived"], changed.json()["schema"]) == (True, SCHEMA)
    assert ([], [entry["name"] for entry in listed[1]]) == ([], ["order.created"])
    assert listed[0] == []
    assert gone == [204, 404, 404]


async def test_a_type_with_a_slash_has_a_path(app: Any) -> None:
    await call(app, "POST", "/api/event-types", json_body={"name": "orders/create"})

    assert (await call(app, "GET", "/api/event-types/orders/create")).json()["name"] == "orders/create"


@pytest.mark.parametrize(
    "body", [{"name": "a", "schema": {"type": "x"}}, {"name": "*"}, {"schema": {}}, {"name": "a", "x": 1}]
)
async def test_what_cannot_be_a_type_is_refused(app: Any, body: Any) -> None:
    assert (await call(app, "POST", "/api/event-types", json_body=body)).status == 422


async def test_every_way_of_publishing_is_held_to_the_schema(app: Any, platform: Any) -> None:
    await call(app, "POST", "/api/event-types", json_body=ORDER)

    triggered = await call(
        app, "POST", "/api/events/trigger", json_body={"event": "order.created", "data": {"id": "x"}}
    )
    with pytest.raises(InvalidInput, match=r"^data\.id: found text"):
        await platform.publish("order.created", {"id": "x"})
    with pytest.raises(InvalidInput, match=r"^data\.id: found text"):
        await platform.draft("order.created", {"id": "x"})

    assert triggered.status == 422
    assert "data.id" in triggered.json()["detail"]
    assert (await platform.publish("order.created", {"id": 7})).message_id
    assert (await platform.publish("order.shipped", {"id": "x"})).message_id


async def test_a_change_is_enforced_at_once_here_and_within_a_second_elsewhere(tmp_path: Path) -> None:
    async with open_platform(tmp_path) as one, open_platform(tmp_path) as other:
        time = [0.0]
        snapshot: Snapshot = Snapshot(other.journal.event_types, list, clock=lambda: time[0])
        assert await snapshot.current() == []
        await one.event_types.add("order.created", schema=SCHEMA)
        with pytest.raises(InvalidInput):
            await one.publish("order.created", {})

        assert await snapshot.current() == []
        time[0] = 1.0
        assert [entry.name for entry in await snapshot.current()] == ["order.created"]


async def test_a_store_that_is_away_leaves_the_catalogue_as_it_was() -> None:
    class Away:
        there = True

        async def version(self) -> str:
            if not self.there:
                raise StorageUnavailable
            return "1"

        async def all(self) -> list[str]:
            return ["order.created"]

    store: Any = Away()
    time = [0.0]
    snapshot: Snapshot = Snapshot(store, list, clock=lambda: time[0])
    assert await snapshot.current() == ["order.created"]
    store.there, time[0] = False, 5.0

    assert await snapshot.current() == ["order.created"]
    with pytest.raises(StorageUnavailable):
        await Snapshot(store, list).current()


async def test_what_a_handler_publishes_is_held_to_it_too(platform: Any) -> None:
    await platform.event_types.add("order.created", schema=SCHEMA)
    registry = get_webhook_registry()
    registry.clear()

    @registry.create_processor("github").on("push")
    def on_push(event: Any) -> Any:
        return {"events": [{"type": "order.created", "data": {"id": event.payload["size"]}}]}

    try:
        name = next(iter(platform.handlers))
        outcomes = [await _handled(platform, name, size) for size in (3, "three")]
    finally:
        registry.clear()

    assert [len(outcome.messages) for outcome in outcomes] == [1, 0]
    assert "data.id" in (outcomes[1].attempt.error_message or "")


async def _handled(platform: Any, name: str, size: Any) -> Any:
    from datetime import timedelta  # noqa: PLC0415

    from tests.journal_scenes import received  # noqa: PLC0415

    event = received(body=json.dumps({"size": size}).encode(), dedupe_keys=(repr(size).encode().ljust(16),))
    await platform.journal.events.accept(event, [NewHandling(handler=name, max_attempts=1)])
    (claim,) = await platform.journal.work.claim(owner="o", limit=1, lease=timedelta(seconds=60))
    return await platform._worker._runners[claim.work.kind](claim)


async def test_an_unknown_type_is_not_found(platform: Any) -> None:
    with pytest.raises(NotFound):
        await platform.event_types.entry("nobody")
    with pytest.raises(InvalidInput):
        await platform.event_types.change("nobody", {"name": "x"})
