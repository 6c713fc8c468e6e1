"""The REST API over a real journal: its shapes, its pages, and its errors."""

import base64
import json

import pytest

from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.server.application import create_app
from tests.asgi_call import call
from tests.journal_scenes import SECRET, SIGNATURE, Scene, everything, open_platform, received


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


NEW = {"url": "https://example.com/webhook", "events": ["order.created", "order.*"]}


class TestWebhooks:
    async def test_one_is_registered_under_the_seeds_names(self, app):
        given = NEW | {
            "secret": SECRET,
            "retry_count": 3,
            "retry_delay": 5,
            "timeout": 30,
            "headers": {"X-API-Key": "key"},
            "metadata": {"team": "shop"},
        }

        answer = await call(app, "POST", "/api/webhooks", json_body=given)
        made = answer.json()

        assert answer.status == 201
        assert answer.headers["location"].endswith(made["id"])
        assert (
            made.items()
            >= {
                "url": NEW["url"],
                "events": NEW["events"],
                "secret": SECRET,
                "active": True,
                "retry_count": 3,
                "retry_delay": 5.0,
                "timeout": 30.0,
                "metadata": {"team": "shop"},
            }.items()
        )
        assert made["headers"] == {"X-API-Key": "••••"}

    async def test_a_secret_is_made_and_told_once(self, app):
        made = (await call(app, "POST", "/api/webhooks", json_body=NEW)).json()
        later = (await call(app, "GET", f"/api/webhooks/{made['id']}")).json()
        listed = (await call(app, "GET", "/api/webhooks")).json()

        assert made["secret"].startswith("whsec_")
        assert later["secret"] != made["secret"]
        assert later["secret"] == listed[0]["secret"] == "whsec_…" + made["secret"][-4:]

    async def test_a_secret_is_rotated_and_the_new_one_told_once(self, app):
        made = (await call(app, "POST", "/api/webhooks", json_body=NEW)).json()
        path = f"/api/webhooks/{made['id']}"

        rotated = (
            await call(
                app, "POST", f"{path}/secret/rotate", json_body={"kind": "key_pair", "grace_seconds": 60}
            )
        ).json()
        later = (await call(app, "GET", path)).json()

        assert rotated["secret"].startswith("whsk_")
        assert later["secret"] == "whsk_…" + rotated["secret"][-4:]
        assert later["public_key"] == rotated["public_key"]
        assert later["public_key"].startswith("whpk_")
        (old,) = later["old_secrets"]
        assert old["secret"] == "whsec_…" + made["secret"][-4:]
        ended = await call(app, "POST", f"{path}/secret/rotate", json_body={"grace_seconds": 0})
        assert ended.json()["old_secrets"] == []

    @pytest.mark.parametrize(
        "body", [{"grace_seconds": 10**9}, {"grace_seconds": -1}, {"kind": "rsa"}, {"secret": ""}]
    )
    async def test_a_rotation_that_cannot_be_is_refused(self, app, ids, body):
        answer = await call(app, "POST", f"/api/webhooks/{ids['endpoint']}/secret/rotate", json_body=body)

        assert answer.status == 422

    @pytest.mark.parametrize(
        ("given", "shown"),
        [
            ({"auth": {"type": "bearer", "token": "hush-hush"}}, {"type": "bearer", "token": "••••"}),
            (
                {"auth": {"type": "basic", "username": "shop", "password": "hush-hush"}},
                {"type": "basic", "username": "shop", "password": "••••"},
            ),
            (
                {"url": "https://shop:hush-hush@example.com/webhook"},
                {"type": "basic", "username": "shop", "password": "••••"},
            ),
        ],
    )
    async def test_credentials_are_shown_nowhere(self, app, platform, tmp_path, given, shown):
        answer = await call(app, "POST", "/api/webhooks", json_body=NEW | given)
        made = answer.json()
        page = await call(app, "GET", f"/endpoints/{made['id']}")
        kept = await platform.journal.endpoints.endpoint(made["id"])

        assert (answer.status, made["auth"], made["url"]) == (201, shown, NEW["url"])
        assert kept.auth.secret == "hush-hush"
        for place in (answer.body, page.body, *(file.read_bytes() for file in tmp_path.glob("webhooks.db*"))):
            assert b"hush" not in place

    async def test_a_masked_credential_is_not_taken_for_one(self, app, ids):
        auth = {"type": "bearer", "token": "••••"}
        answer = await call(app, "PATCH", f"/api/webhooks/{ids['endpoint']}", json_body={"auth": auth})

        assert answer.status == 422

    async def test_expressions_are_checked_when_they_are_written(self, app):
        good = {"filter": "data.total > 100", "transformation": "{'text': event}"}
        made = await call(app, "POST", "/api/webhooks", json_body=NEW | good)
        refused = await call(
            app, "PATCH", f"/api/webhooks/{made.json()['id']}", json_body={"filter": "data.total >"}
        )
        page = (await call(app, "GET", f"/endpoints/{made.json()['id']}")).text

        assert good.items() <= made.json().items()
        assert (refused.status, refused.json()["code"]) == (422, "invalid_input")
        assert "filter: `data.total >` is not CEL" in refused.json()["detail"]
        assert "data.total &gt; 100" in page

    async def test_the_page_of_one_has_the_seeds_statistics(self, app, ids):
        shown = (await call(app, "GET", f"/api/webhooks/{ids['endpoint']}")).json()

        assert shown["statistics"].items() >= {"total_attempts": 2, "successful": 0, "failed": 2}.items()
        assert shown["statistics"]["avg_duration_ms"] == pytest.approx(7724.0)

    async def test_only_what_is_given_is_changed(self, app, platform, ids):
        answer = await call(
            app, "PATCH", f"/api/webhooks/{ids['healthy']}", json_body={"active": False, "retry_delay": 2}
        )

        endpoint = await platform.journal.endpoints.endpoint(ids["healthy"])
        assert (answer.status, answer.json()["active"]) == (200, False)
        assert endpoint.retry_delay.total_seconds() == 2
        assert (endpoint.events, endpoint.secret) == (("payment.*",), SECRET)

    async def test_one_is_deleted(self, app, ids):
        gone = await call(app, "DELETE", f"/api/webhooks/{ids['healthy']}")

        assert (gone.status, gone.body) == (204, b"")
        assert (await call(app, "GET", f"/api/webhooks/{ids['healthy']}")).status == 404

    @pytest.mark.parametrize(
        ("change", "where"),
        [
            ({"url": "not a url"}, ""),
            ({"url": "file:///etc/passwd"}, ""),
            ({"url": "http://169.254.169.254/"}, ""),
            ({"url": None}, "body.url"),
            ({"events": []}, ""),
            ({"events": "order.created"}, "body.events"),
            ({"active": "yes"}, "body.active"),
            ({"retry_count": 11}, ""),
            ({"retry_count": "many"}, "body.retry_count"),
            ({"retry_delay": -1}, ""),
            ({"timeout": 0}, ""),
            ({"headers": {"X-A": "a\r\nX-B: b"}}, ""),
            ({"headers": {"X-A": "••••"}}, ""),
            ({"unknown": 1}, "body.unknown"),
        ],
    )
    async def test_a_fault_is_named_and_nothing_is_kept(self, app, platform, change, where):
        answer = await call(app, "POST", "/api/webhooks", json_body=NEW | change)
        problem = answer.json()

        assert answer.status == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["code"] in {"invalid_input", "invalid_request"}
        assert problem["hint"]
        assert [fault["where"] for fault in problem.get("errors", [])] == ([where] if where else [])
        assert await platform.journal.endpoints.endpoints() == []

    async def test_a_fault_repeats_no_secret(self, app):
        answer = await call(app, "POST", "/api/webhooks", json_body={"secret": SECRET, "unknown": SECRET})

        assert SECRET not in answer.text


class TestReceived:
    async def test_one_is_shown_with_everything_that_it_led_to(self, app, ids):
        shown = (await call(app, "GET", f"/api/received/{ids['event']}")).json()

        assert (shown["event_type"], shown["action"]) == ("pull_request", "opened")
        assert json.loads(shown["body"])["ref"] == "refs/heads/main"
        assert shown["body_encoding"] == "utf-8"
        assert sorted(entry["status"] for entry in shown["handlings"]) == ["completed", "retry_scheduled"]
        assert [entry["event"] for entry in shown["messages"]] == ["payment.completed"]
        assert {entry["url"] for entry in shown["deliveries"]} >= {"https://api.warehouse.example/v2/events"}
        failing = next(entry for entry in shown["handlings"] if entry["status"] == "retry_scheduled")
        assert [entry["attempt_number"] for entry in failing["attempts"]] == [1, 2]

    async def test_signatures_are_cut(self, app, ids):
        answer = await call(app, "GET", f"/api/received/{ids['event']}")

        assert SIGNATURE not in answer.text
        assert "sha256=757107…3e17" in dict(answer.json()["headers"]).values()

    async def test_bytes_that_are_no_text_are_base64(self, app, platform):
        event = await Scene(platform=platform).event(body=b"\xff\x00\xfe")

        shown = (await call(app, "GET", f"/api/received/{event.id}")).json()

        assert (base64.b64decode(shown["body"]), shown["body_encoding"]) == (b"\xff\x00\xfe", "base64")

    async def test_the_list_is_filtered(self, app, platform, ids):
        trace = await platform.journal.events.trace(ids["event"])

        async def listed(query):
            return [entry["id"] for entry in (await call(app, "GET", f"/api/received?{query}")).json()]

        assert await listed("provider=shopify") == [ids["dead"]]
        assert await listed("event_type=star") == [ids["quiet"]]
        assert await listed(f"event_id={trace.event.event_id}") == [ids["event"]]
        assert await listed("event_id=unknown") == []

    async def test_pages_follow_one_another_by_their_link(self, app, platform):
        scene = Scene(platform=platform)
        kept = [(await scene.event()).id for _ in range(5)]
        path, seen = "/api/received?limit=2&provider=github", []
        while path:
            answer = await call(app, "GET", path)
            seen += [entry["id"] for entry in answer.json()]
            path = answer.headers["link"].partition(">")[0].lstrip("<") if "link" in answer.headers else ""

        assert seen == kept[::-1]

    @pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "before=" + "x" * 200])
    async def test_a_page_that_cannot_be_is_refused(self, app, query):
        assert (await call(app, "GET", f"/api/received?{query}")).status == 422

    async def test_rejections_are_listed_with_their_reasons(self, app, ids):
        listed = (await call(app, "GET", "/api/rejections")).json()

        assert {entry["reason"] for entry in listed} == {
            "signature_mismatch",
            "timestamp_too_old",
            "unknown_webhook",
        }

    async def test_sources_say_which_variable_is_missing(self, app):
        listed = {entry["provider"]: entry for entry in (await call(app, "GET", "/api/sources")).json()}

        assert listed["github"]["mounted"] is True
        assert listed["stripe"]["missing"]


class TestSending:
    async def test_an_event_is_accepted_once_it_is_kept(self, app, platform):
        await call(app, "POST", "/api/webhooks", json_body=NEW)

        answer = await call(
            app,
            "POST",
            "/api/events/trigger",
            json_body={
                "event": "order.created",
                "data": {"order_id": "ORD-123"},
                "metadata": {"source": "api"},
            },
        )
        trace = await platform.journal.messages.trace(answer.json()["id"])

        assert answer.status == 202
        assert answer.json()["deliveries"] == 1
        assert json.loads(trace.messages[0].body)["data"] == {"order_id": "ORD-123"}

    @pytest.mark.parametrize(
        "given", [{}, {"event": "", "data": 1}, {"event": "a"}, {"event": "a", "data": 1, "x": 1}, [], "text"]
    )
    async def test_what_is_no_event_is_refused(self, app, given):
        answer = await call(app, "POST", "/api/events/trigger", json_body=given)

        assert answer.status == 422
        assert answer.json()["code"] in {"invalid_request", "invalid_input"}

    async def test_broken_json_is_a_problem_too(self, app):
        answer = await call(
            app,
            "POST",
            "/api/events/trigger",
            body=b'{"event":',
            headers={"content-type": "application/json"},
        )

        assert answer.status == 422
        assert answer.headers["content-type"] == "application/problem+json"

    async def test_deliveries_are_listed_by_endpoint(self, app, ids):
        listed = (await call(app, "GET", f"/api/deliveries?webhook_id={ids['endpoint']}")).json()

        assert {entry["webhook_id"] for entry in listed} == {ids["endpoint"]}
        assert {entry["status"] for entry in listed} == {"failed", "retry_scheduled"}

    async def test_a_delivery_has_the_seeds_attempts(self, app, ids):
        listed = (await call(app, "GET", f"/api/deliveries?webhook_id={ids['healthy']}")).json()
        shown = (await call(app, "GET", f"/api/deliveries/{listed[-1]['id']}")).json()

        attempt = shown["attempts"][0]
        assert attempt.keys() >= {
            "id",
            "attempt_number",
            "status",
            "response_code",
            "response_body",
            "error_message",
            "timestamp",
            "duration_ms",
        }
        assert shown["message"]["event"] == "payment.completed"
        assert shown["payload_id"] == shown["message"]["id"]

    async def test_a_handling_is_no_delivery(self, app, platform, ids):
        trace = await platform.journal.events.trace(ids["event"])

        assert (await call(app, "GET", f"/api/deliveries/{trace.handlings[0].id}")).status == 404

    async def test_a_dead_letter_is_replayed(self, app, platform, ids):
        dead = (await call(app, "GET", "/api/dead-letters?kind=handling")).json()

        answer = await call(app, "POST", f"/api/dead-letters/{dead[0]['id']}/replay")

        assert (answer.status, answer.json()["status"]) == (202, "verified")
        assert (await platform.journal.work.work(dead[0]["id"])).state is State.VERIFIED
        assert (await call(app, "POST", f"/api/dead-letters/{dead[0]['id']}/replay")).status == 422

    async def test_statistics_have_exactly_the_seeds_shape(self, app, ids):
        shown = (await call(app, "GET", "/api/stats")).json()

        assert shown["webhooks"] == {"active": 3, "total": 4}
        assert shown["deliveries_24h"].keys() == {"total", "successful", "failed", "avg_duration_ms"}
        assert (shown["deliveries_24h"]["total"], shown["deliveries_24h"]["failed"]) == (6, 2)

    async def test_statistics_of_nothing_are_zero(self, app):
        assert (await call(app, "GET", "/api/stats")).json() == {
            "webhooks": {"active": 0, "total": 0},
            "deliveries_24h": {"total": 0, "successful": 0, "failed": 0, "avg_duration_ms": 0.0},
        }


class TestProblems:
    @pytest.mark.parametrize(
        ("method", "path", "status", "code"),
        [
            ("GET", "/api/nowhere", 404, "not_found"),
            ("GET", "/api", 404, "not_found"),
            ("GET", "/api/received/evt_unknown", 404, "not_found"),
            ("GET", "/api/webhooks/ep_unknown", 404, "not_found"),
            ("PATCH", "/api/webhooks/ep_unknown", 422, "invalid_request"),
            ("DELETE", "/api/webhooks/ep_unknown", 404, "not_found"),
            ("GET", "/api/deliveries/dlv_unknown", 404, "not_found"),
            ("POST", "/api/dead-letters/hdl_unknown/replay", 404, "not_found"),
            ("PUT", "/api/webhooks", 405, "method_not_allowed"),
        ],
    )
    async def test_every_error_has_a_code_and_a_hint(self, app, method, path, status, code):
        answer = await call(app, method, path)

        assert answer.status == status
        if code is not None:
            assert answer.headers["content-type"] == "application/problem+json"
            assert (answer.json()["code"], answer.json()["status"]) == (code, status)
            assert answer.json()["hint"]

    async def test_a_store_that_is_away_asks_to_come_back(self, app, platform, monkeypatch):
        async def away(*_args, **_kwargs):
            raise StorageUnavailable

        monkeypatch.setattr(platform.journal.events, "summaries", away)

        answer = await call(app, "GET", "/api/received")

        assert (answer.status, answer.json()["code"]) == (503, "storage_unavailable")
        assert answer.headers["retry-after"] == "5"

    async def test_a_body_beyond_the_limit_is_refused_unread(self, app):
        answer = await call(app, "POST", "/api/events/trigger", headers={"content-length": str(2**20 + 1)})

        assert answer.status == 413

    async def test_the_description_names_every_path(self, app):
        described = (await call(app, "GET", "/openapi.json")).json()

        assert described["paths"].keys() >= {
            "/api/received",
            "/api/received/{received_id}",
            "/api/rejections",
            "/api/sources",
            "/api/events/trigger",
            "/api/webhooks",
            "/api/webhooks/{webhook_id}",
            "/api/deliveries",
            "/api/deliveries/{delivery_id}",
            "/api/dead-letters",
            "/api/dead-letters/{work_id}/replay",
            "/api/stats",
        }


class TestHoldingBack:
    async def test_an_endpoint_is_paused_and_resumed_at_a_rate(self, app):
        made = (await call(app, "POST", "/api/webhooks", json_body=NEW | {"rate_limit": 5})).json()
        path = f"/api/webhooks/{made['id']}"

        paused = (await call(app, "POST", f"{path}/pause")).json()
        await call(app, "POST", "/api/events/trigger", json_body={"event": "order.created", "data": {}})
        waiting = (await call(app, "GET", path)).json()
        resumed = (await call(app, "POST", f"{path}/resume", json_body={"rate": 2})).json()

        assert (made["rate_limit"], made["concurrency"], made["disabled_reason"]) == (5.0, None, None)
        assert paused["paused_at"] is not None
        assert (waiting["waiting"], waiting["circuit"]) == (1, "closed")
        assert (resumed["paused_at"], resumed["resume_rate"]) == (None, 2.0)

    async def test_an_endpoint_is_switched_on_with_its_backlog_skipped(self, app):
        made = (await call(app, "POST", "/api/webhooks", json_body=NEW)).json()
        path = f"/api/webhooks/{made['id']}"
        await call(app, "POST", f"{path}/pause")
        await call(app, "POST", "/api/events/trigger", json_body={"event": "order.created", "data": {}})

        enabled = (await call(app, "POST", f"{path}/enable", json_body={"backlog": "skip"})).json()

        assert (enabled["active"], enabled["paused_at"], enabled["waiting"]) == (True, None, 0)

    @pytest.mark.parametrize("way", ["pause", "resume", "enable"])
    async def test_an_unknown_endpoint_is_404(self, app, way):
        assert (await call(app, "POST", f"/api/webhooks/ep_unknown/{way}")).status == 404

    @pytest.mark.parametrize(
        ("way", "body"),
        [("resume", {"rate": 0}), ("resume", {"rate": "fast"}), ("enable", {"backlog": "burn"})],
    )
    async def test_what_cannot_be_is_422(self, app, way, body):
        made = (await call(app, "POST", "/api/webhooks", json_body=NEW)).json()

        assert (await call(app, "POST", f"/api/webhooks/{made['id']}/{way}", json_body=body)).status == 422

    async def test_one_idempotency_key_publishes_once(self, app):
        async def send(data, key="k-1"):
            body = {"event": "order.created", "data": data, "ordering_key": "o-1", "delay": 60}
            return await call(
                app, "POST", "/api/events/trigger", json_body=body, headers={"idempotency-key": key}
            )

        first, again, other = await send({"n": 1}), await send({"n": 1}), await send({"n": 2})

        assert (first.status, again.status) == (202, 202)
        assert first.json() == again.json()
        assert (other.status, other.json()["code"]) == (409, "idempotency_conflict")
        assert (await send({"n": 2}, "k-2")).json()["id"] != first.json()["id"]

    async def test_a_schedule_of_its_own_is_shown(self, app):
        made = (await call(app, "POST", "/api/webhooks", json_body=NEW | {"retry_schedule": [5, 60]})).json()

        assert made["retry_schedule"] == [5.0, 60.0]


async def test_with_keys_nothing_is_open_but_health(tmp_path):
    async with open_platform(tmp_path, api_keys=("whk_a-key-for-tests",)) as platform:
        app = create_app(platform, ingest=ingest)
        key = {"authorization": "Bearer whk_a-key-for-tests", "host": "hooks.example.com"}

        for path in ("/", "/events", "/api/stats", "/openapi.json", "/docs", "/metrics"):
            assert (await call(app, "GET", path)).status == 401, path
        assert (await call(app, "GET", "/api/stats", headers=key)).status == 200
        assert (await call(app, "GET", "/health")).status == 200


@pytest.mark.parametrize(
    ("provider", "query"), [("azure_event_grid", "code"), ("cloudevents", "access_token")]
)
async def test_a_secret_in_the_query_is_masked_wherever_the_event_is_shown(platform, app, provider, query):
    event = received(provider=provider, path=f"/webhooks/{provider}", query=f"{query}=hunter2&topic=orders")
    assert await platform.journal.events.accept(event, []) is not None
    shown = (await call(app, "GET", f"/api/received/{event.id}")).json()
    page = await call(app, "GET", f"/events/{event.id}")

    assert shown["query"] == f"{query}=••••&topic=orders"
    assert page.status == 200
    assert b"hunter2" not in page.body
    assert b"topic=orders" in page.body


class TestPreview:
    async def test_a_made_up_message_is_tried(self, app):
        asked = {"event": "order.paid", "data": {"total": 120}, "filter": "data.total > 100"}

        plain = (await call(app, "POST", "/api/preview", json_body=asked)).json()
        changed = (
            await call(app, "POST", "/api/preview", json_body=asked | {"transformation": "{'t': data.total}"})
        ).json()
        other = (await call(app, "POST", "/api/preview", json_body=asked | {"data": {"total": 5}})).json()

        assert (plain["wanted"], plain["body"]["data"], plain["fault"]) == (True, {"total": 120}, None)
        assert (changed["body"], changed["size"]) == ({"t": 120}, 9)
        assert other == {"wanted": False, "body": None, "size": 0, "fault": None}

    async def test_an_endpoints_expressions_are_tried_on_a_kept_message(self, app, platform):
        endpoint = await platform.endpoints.register(**NEW, filter="data.n == 1", transformation="data.n")
        message = (await platform.publish("order.created", {"n": 1})).message_id
        asked = {"webhook_id": endpoint.id, "message_id": message}

        whole = (await call(app, "POST", "/api/preview", json_body=asked)).json()
        instead = (
            await call(app, "POST", "/api/preview", json_body=asked | {"filter": "data.n > 'x'"})
        ).json()

        assert (whole["wanted"], whole["body"]) == (True, 1)
        assert (instead["wanted"], "cannot be computed" in instead["fault"]) == (None, True)

    @pytest.mark.parametrize(
        ("asked", "status"),
        [({"filter": "data."}, 422), ({"webhook_id": "ep_x"}, 404), ({"message_id": "msg_x"}, 404)],
    )
    async def test_what_cannot_be_tried_is_told(self, app, asked, status):
        assert (await call(app, "POST", "/api/preview", json_body=asked)).status == status
