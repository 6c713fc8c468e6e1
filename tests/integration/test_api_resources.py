"""The API's resources beyond the third seed's table: filters, pages, and any id finding its thing."""

from datetime import UTC, datetime, timedelta

import pytest

from smart_api_integrations.api import received as received_module
from smart_api_integrations.application.identifiers import first_id_at
from smart_api_integrations.core.journal import NewHandling
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.server.application import create_app
from tests.asgi_call import call
from tests.journal_scenes import everything, new_id, open_platform, received


async def ingest(scope, receive, send):
    raise AssertionError


@pytest.fixture
async def platform(tmp_path):
    async with open_platform(tmp_path) as opened:
        yield opened


@pytest.fixture
async def ids(platform):
    return await everything(platform)


@pytest.fixture
def app(platform):
    return create_app(platform, ingest=ingest)


async def get(app, path):
    return (await call(app, "GET", path)).json()


def next_of(answer):
    link = answer.headers.get("link")
    return "" if link is None else link[1 : link.index(">")]


class TestReceived:
    async def test_a_state_is_looked_for(self, app, ids):
        every = {event["id"]: event["state"] for event in await get(app, "/api/received?limit=200")}

        for state in ("failed", "retry_scheduled", "completed", "no_handler"):
            found = await get(app, f"/api/received?status={state}&limit=200")

            assert {event["id"] for event in found} == {id for id, at in every.items() if at == state}, state

    async def test_a_webhook_of_a_provider_is_looked_for(self, app, ids):
        assert await get(app, "/api/received?provider=github&webhook_name=nothing") == []
        assert await get(app, "/api/received?provider=github&webhook_name=default") != []

    async def test_a_time_bounds_the_list(self, app, platform):
        for age in (3, 2, 1):
            at = datetime.now(UTC) - timedelta(days=age)
            event = received(id=first_id_at("evt_", at)[:-4] + f"000{age}", received_at=at)
            await platform.journal.events.accept(event, [])

        async def days(query):
            return [event["id"][-1] for event in await get(app, f"/api/received?{query}")]

        def ago(days):
            return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")

        assert await days("") == ["1", "2", "3"]
        assert await days(f"since={ago(2.5)}") == ["1", "2"]
        assert await days(f"until={ago(1.5)}") == ["2", "3"]
        assert await days(f"since={ago(2.5)}&until={ago(1.5)}") == ["2"]
        assert await days(f"since={ago(0.5)}") == []

    async def test_pages_of_a_state_hold_every_event_once(self, app, platform, monkeypatch):
        monkeypatch.setattr(received_module, "LONGEST_PAGE", 2)
        monkeypatch.setattr(received_module, "MOST_PAGES", 2)
        wanted = []
        for number in range(11):
            event = received(id=new_id("evt_"))
            handlings = [NewHandling(handler="a", max_attempts=1)] if number in {0, 1, 9} else []
            await platform.journal.events.accept(event, handlings)
            if handlings:
                wanted.append(event.id)

        found: list[str] = []
        pages, path = 0, "/api/received?status=verified&limit=2"
        while path:
            answer = await call(app, "GET", path)
            found += [event["id"] for event in answer.json()]
            path, pages = next_of(answer), pages + 1

        assert found == wanted[::-1]
        assert pages > 1

    async def test_one_by_its_id_is_a_line_like_every_other(self, app, ids):
        (found,) = await get(app, f"/api/received?event_id={ids['event']}")
        listed = {event["id"]: event for event in await get(app, "/api/received?limit=200")}

        assert found == listed[ids["event"]]

    @pytest.mark.parametrize("query", ["status=broken", "since=yesterday", "limit=0", "limit=201"])
    async def test_what_cannot_be_looked_for_is_told(self, app, query):
        answer = await call(app, "GET", f"/api/received?{query}")

        assert (answer.status, answer.json()["code"]) == (422, "invalid_request")
        assert answer.json()["errors"][0]["where"].startswith("query")


class TestMessages:
    async def test_lines_have_no_bodies(self, app, ids):
        listed = await get(app, "/api/messages?limit=200")

        assert ids["message"] in {entry["id"] for entry in listed}
        assert all("body" not in entry and entry["size"] > 0 for entry in listed)

    async def test_one_has_its_body_and_where_it_went(self, app, ids):
        found = await get(app, f"/api/messages/{ids['message']}")

        assert found["id"] == ids["message"]
        assert found["body"]
        assert all(entry["payload_id"] == ids["message"] for entry in found["deliveries"])

    async def test_pages_follow_each_other(self, app, ids):
        first = await call(app, "GET", "/api/messages?limit=1")
        second = await call(app, "GET", next_of(first))

        assert first.json()[0]["id"] > second.json()[0]["id"]


class TestAttempts:
    async def test_of_a_delivery_and_of_a_handling(self, app, ids):
        trace = await get(app, f"/api/received/{ids['event']}")
        delivery, handling = trace["deliveries"][0], trace["handlings"][0]

        assert await get(app, f"/api/deliveries/{delivery['id']}/attempts") == delivery["attempts"]
        assert await get(app, f"/api/handlings/{handling['id']}/attempts") == handling["attempts"]
        assert (await get(app, f"/api/handlings/{handling['id']}"))["attempts"] == handling["attempts"]

    async def test_each_is_found_under_its_own_kind(self, app, ids):
        trace = await get(app, f"/api/received/{ids['event']}")
        answer = await call(app, "GET", f"/api/handlings/{trace['deliveries'][0]['id']}")

        assert answer.status == 404


class TestProvidersAndHandlers:
    async def test_a_provider_says_what_is_mounted(self, app):
        listed = await get(app, "/api/providers")
        names = [entry["provider"] for entry in listed]
        github = await get(app, "/api/providers/github")
        stripe = await get(app, "/api/providers/stripe")

        assert names == sorted(set(names))
        assert github["webhooks"][0] == {"name": "default", "mounted": True, "missing": None}
        assert stripe["webhooks"][0]["missing"]
        assert (await call(app, "GET", "/api/providers/nobody")).status == 404

    async def test_a_handler_says_what_waits_for_it(self, app, platform):
        with get_webhook_registry().emptied():
            processor = get_webhook_registry().create_processor("github")

            @processor.on("push", "ping", timeout=5, concurrency=2)
            def on_push(event):
                return None

            name = platform.handlers[0]
            await platform.pause(name)
            await platform.journal.events.accept(received(), [NewHandling(handler=name, max_attempts=1)])
            (listed,) = await get(app, "/api/handlers")

        assert (listed["name"], listed["provider"], listed["webhook_name"]) == (name, "github", "default")
        assert (listed["timeout"], listed["concurrency"], listed["waiting"]) == (5.0, 2, 1)
        assert listed["paused_at"] is not None


class TestFind:
    @pytest.mark.parametrize(
        ("name", "kind"),
        [("event", "event"), ("message", "message"), ("endpoint", "endpoint"), ("rejection", "rejection")],
    )
    async def test_any_id_of_ours_finds_its_thing(self, app, ids, name, kind):
        found = await get(app, f"/api/find/{ids[name]}")
        thing = await get(app, found["href"])

        assert (found["id"], found["kind"]) == (ids[name], kind)
        assert thing["id"] == ids[name]

    async def test_work_is_found_too(self, app, ids):
        trace = await get(app, f"/api/received/{ids['event']}")
        for work in (trace["handlings"][0], trace["deliveries"][0]):
            found = await get(app, f"/api/find/{work['id']}")

            assert (await get(app, found["href"]))["id"] == work["id"]

    async def test_a_providers_own_id_finds_the_event(self, app, ids):
        event = await get(app, f"/api/received/{ids['event']}")

        assert (await get(app, f"/api/find/{event['event_id']}"))["id"] == ids["event"]

    @pytest.mark.parametrize("id", ["evt_unknown", "nothing", "key_unknown", "a/b", "%00"])
    async def test_what_is_not_there_is_not_found(self, app, ids, id):
        answer = await call(app, "GET", f"/api/find/{id}")

        assert (answer.status, answer.json()["code"]) == (404, "not_found")


async def test_the_statistics_have_the_seeds_shape_and_nothing_else(app, ids):
    stats = await get(app, "/api/stats")

    assert {name: set(part) for name, part in stats.items()} == {
        "webhooks": {"active", "total"},
        "deliveries_24h": {"total", "successful", "failed", "avg_duration_ms"},
    }
