"""The API over replay jobs: previews, jobs, and doing one thing again."""

import pytest

from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.server.application import create_app
from smart_api_integrations.testing.journal_cases.scene import LEASE
from tests.asgi_call import call
from tests.journal_scenes import Scene, open_platform


async def ingest(scope, receive, send):
    raise AssertionError


@pytest.fixture
async def platform(tmp_path):
    async with open_platform(tmp_path) as opened:
        yield opened


@pytest.fixture
def app(platform):
    return create_app(platform, ingest=ingest)


@pytest.fixture
async def endpoint(platform):
    """An endpoint with three dead deliveries and one that was delivered."""
    scene = Scene(platform=platform)
    made = await scene.endpoint("https://one.example.com/")
    for event in ("order.created", "order.created", "order.paid", "user.created"):
        await scene.message(event)
    for one in await scene.claims():
        is_good = one.message is not None and one.message.event == "user.created"
        await (scene.succeed(one) if is_good else scene.die(one))
    return made


DEAD = {"kind": "delivery", "event_type": "order.*"}


async def test_a_dry_run_says_how_much_and_does_nothing(app, platform, endpoint):
    answer = await call(app, "POST", "/api/replays", json_body=DEAD | {"dry_run": True})
    counted = answer.json()

    assert answer.status == 200
    assert counted["total"] == 3
    assert counted["total_is_exact"] is True
    assert counted["event_types"] == {"order.created": 2, "order.paid": 1}
    assert counted["targets"] == {endpoint.id: 3}
    assert counted["oldest_at"].endswith("Z")
    assert (await call(app, "GET", "/api/replays")).json() == []


async def test_a_job_is_made_listed_moved_and_counted(app, platform, endpoint):
    made = await call(app, "POST", "/api/replays", json_body=DEAD | {"rate": 10, "note": "DNS was away"})
    job = made.json()
    address = f"/api/replays/{job['id']}"

    assert made.status == 201
    assert job["created_by"] == "this machine"
    assert made.headers["location"] == address
    assert (job["state"], job["total"], job["rate"], job["note"]) == ("running", 3, 10.0, "DNS was away")
    assert (await call(app, "POST", f"{address}/pause")).json()["state"] == "paused"
    assert (await call(app, "POST", f"{address}/resume")).json()["state"] == "running"
    claimed = await platform.journal.replays.claim(owner="worker", lease=LEASE)
    page = await platform.journal.replays.page(claimed.filter, limit=2)
    await platform.journal.replays.advance(claimed, page, page.candidates, lease=LEASE)
    assert (await call(app, "POST", f"{address}/cancel")).json()["state"] == "cancelled"

    shown = (await call(app, "GET", address)).json()
    assert (shown["done"], shown["skipped"], shown["finished_at"] is None) == (2, 0, False)
    assert shown["outcomes"] == {"done": 0, "failed": 0, "open": 2, "other": 0}
    items = (await call(app, "GET", f"{address}/items?status=pending&limit=1")).json()
    assert [item["target"] for item in items] == [endpoint.id]
    assert [entry["id"] for entry in (await call(app, "GET", "/api/replays?limit=1")).json()] == [job["id"]]
    over = await call(app, "POST", f"{address}/resume")
    assert (over.status, over.json()["code"]) == (422, "invalid_input")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"kind": "delivery", "provider": "github"}, 422),
        ({"kind": "delivery", "target": "ep_none"}, 404),
        ({"kind": "delivery", "rate": 0}, 422),
        ({"kind": "delivery", "since": "2026-01-01T00:00:00"}, 422),
        ({"kind": "delivery", "mode": "all", "status": ["completed"]}, 422),
        ({"kind": "handling", "mode": "missing"}, 422),
        ({"kind": "delivery", "surprise": 1}, 422),
        ({}, 422),
    ],
)
async def test_what_cannot_be_is_a_problem(app, platform, body, status):
    answer = await call(app, "POST", "/api/replays", json_body=body)

    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert await platform.replays.jobs() == []


async def test_an_unknown_job_is_a_404(app, platform):
    for method, rest in (("GET", ""), ("GET", "/items"), ("POST", "/pause"), ("POST", "/cancel")):
        assert (await call(app, method, f"/api/replays/rpl_none{rest}")).status == 404


async def test_one_delivery_is_sent_again(app, platform, endpoint):
    (dead, *_) = await platform.journal.work.dead_letters()

    sent = await call(app, "POST", f"/api/deliveries/{dead.id}/resend")
    again = await call(app, "POST", f"/api/deliveries/{dead.id}/resend")

    assert (sent.status, sent.json()["status"], sent.json()["webhook_id"]) == (202, "pending", endpoint.id)
    assert again.status == 422
    assert (await call(app, "POST", "/api/deliveries/hdl_none/resend")).status == 404


async def test_one_event_is_handled_again(app, platform):
    scene = Scene(platform=platform)
    event = await scene.event("shop.on_push", "shop.log")
    for claim in await scene.claims():
        await scene.record(claim, State.COMPLETED)

    one = await call(app, "POST", f"/api/received/{event.id}/replay?handler=github:default:shop.log")
    rest = await call(app, "POST", f"/api/received/{event.id}/replay")

    assert one.status == 202
    assert [part["target"] for part in one.json()] == ["github:default:shop.log"]
    assert [part["target"] for part in rest.json()] == ["github:default:shop.on_push"]
    assert (await call(app, "POST", "/api/received/evt_none/replay")).status == 404


@pytest.mark.parametrize(
    "words",
    [
        {"event_type": "' OR 1=1 --"},
        {"event_type": "*" * 500},
        {"event_type": "a\x00"},
        {"provider": "<script>alert(1)</script>"},
        {"target": "github:default:../../etc"},
        {"tenant": "\u202e"},
        {"since": "0001-01-01T00:00:00Z"},
        {"since": "9999-12-31T23:59:59Z"},
        {"until": "0001-01-01T00:00:00Z"},
    ],
)
async def test_hostile_words_find_nothing_and_harm_nothing(app, platform, words):
    await Scene(platform=platform).event("shop.on_push")
    asked = {"kind": "handling", "mode": "all", "dry_run": True} | words

    answer = await call(app, "POST", "/api/replays", json_body=asked)

    assert answer.status in {200, 422}
    assert answer.status == 422 or answer.json()["total"] == 0


async def test_a_job_and_every_replay_are_in_the_audit_log(app, platform, endpoint):
    job = (await call(app, "POST", "/api/replays", json_body=DEAD | {"note": "DNS"})).json()
    (dead, *_) = await platform.journal.work.dead_letters()
    await call(app, "POST", f"/api/replays/{job['id']}/cancel")
    await call(app, "POST", f"/api/deliveries/{dead.id}/resend")

    logged = (await call(app, "GET", "/api/audit")).json()

    told = {entry["action"]: entry["target"] for entry in logged}
    assert told["create_replay"] == job["id"]
    assert told["cancel_replay"] == job["id"]
    assert told["resend_delivery"] == dead.id
    (made,) = (entry for entry in logged if entry["action"] == "create_replay")
    assert made["details"]["total"] == 3
