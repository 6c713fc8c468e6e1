"""The dashboard over a real journal: every page answers, every button does what it says."""

import json
import re

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.server.application import create_app, create_pages, own_paths
from smart_api_integrations.server.doorkeeper import HostDoorkeeper
from tests.asgi_call import call
from tests.journal_scenes import SECRET, SIGNATURE, Scene, everything, open_platform

OWN_ORIGIN = {"sec-fetch-site": "same-origin"}


async def ingest(scope, receive, send):
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


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


def plain(text):
    return re.sub(r"<[^>]+>", "", text).replace("\u00a0", " ")


async def test_every_page_answers_and_keeps_the_policy(app, ids):
    paths = [
        "/",
        "/?range=7d",
        "/events",
        "/events?status=attention&provider=github&type=push",
        "/messages",
        "/rejections",
        "/endpoints",
        "/dead-letters",
        "/replays",
        "/replays?kind=delivery&mode=all",
        "/dead-letters?kind=delivery",
        "/issues",
        "/issues?state=resolved",
        "/sources",
        *(f"/events/{ids[name]}" for name in ("event", "quiet", "dead", "waiting", "repeat")),
        *(
            f"/events/{ids['event']}?body={tab}&answer={part}"
            for tab, part in [("raw", "sent"), ("hex", "headers"), ("headers", "body")]
        ),
        *(f"/rejections/{ids[name]}" for name in ("rejection", "unknown", "late")),
        *(f"/endpoints/{ids[name]}" for name in ("endpoint", "healthy", "slack", "off")),
        f"/messages/{ids['message']}?body=raw",
    ]
    for path in paths:
        answer = await call(app, "GET", path)

        assert answer.status == 200, path
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"\sstyle=|\son[a-z]+=|<style|<script>", answer.text), path
        assert answer.text.rstrip().endswith("</html>")


async def test_no_page_shows_a_secret(app, ids):
    paths = ["/", "/endpoints", "/sources", f"/events/{ids['event']}?body=headers&answer=sent"]
    paths += [f"/endpoints/{ids[name]}" for name in ("endpoint", "slack")]

    pages = [(await call(app, "GET", path)).text for path in paths]

    for secret in (
        SECRET,
        SIGNATURE,
        "k3YsT0nEoFmAnYmOrE12",
        "k" * 30,
        "K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ):
        assert not any(secret in page for page in pages)


async def test_an_empty_journal_says_what_to_do_first(app):
    answer = await call(app, "GET", "/")

    assert "Send yourself a first webhook" in answer.text
    assert "webhooks trigger" in answer.text


async def test_the_page_of_an_event_tells_its_whole_trace(app, ids):
    page = plain((await call(app, "GET", f"/events/{ids['event']}")).text)

    for said in (
        "pull_request.opened",
        "Retrying 2 of 4",
        "Verified: this came from GitHub, unchanged",
        "billing.record_payment",
        "KeyError: &#39;customer&#39;",
        "payment.completed",
        "api.warehouse.example/v2/events",
        "first byte 384 ms",
        "maintenance",
    ):
        assert said in page


async def test_any_attempts_answer_can_be_looked_at(app, platform, ids):
    trace = await platform.journal.events.trace(ids["event"])
    good = next(entry for entry in trace.attempts if entry.response_code == 200)

    page = plain((await call(app, "GET", f"/events/{ids['event']}?attempt={good.id}")).text)

    assert re.search(r"crm\.northwind\.example/hooks, try 1|hooks\.slack\.com", page)


async def test_the_exact_body_can_be_taken_away(app, platform, ids):
    trace = await platform.journal.events.trace(ids["event"])

    answer = await call(app, "GET", f"/events/{ids['event']}/body")

    assert answer.body == trace.event.body
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-type"] == "application/octet-stream"


async def test_a_rejection_names_the_reason_and_the_fix(app, ids):
    page = plain((await call(app, "GET", f"/rejections/{ids['rejection']}")).text)

    assert "We could not prove that GitHub sent this, so nothing was run" in page
    assert "Copy the signing secret" in page


async def test_a_dead_letter_is_replayed_by_its_button(app, platform, ids):
    dead = (await platform.journal.work.dead_letters())[0]
    page = (await call(app, "GET", "/dead-letters")).text
    assert f'name="id" value="{dead.id}"' in page

    answer = await call(app, "POST", f"/dead-letters/{dead.id}/replay", headers=OWN_ORIGIN)

    assert answer.status == 303
    assert answer.headers["location"].endswith(f"#{dead.id}")
    assert (await platform.journal.work.work(dead.id)).state in {State.PENDING, State.VERIFIED}


async def test_what_waits_cannot_be_replayed(app, platform, ids):
    dead = (await platform.journal.work.dead_letters())[0]
    await call(app, "POST", f"/dead-letters/{dead.id}/replay", headers=OWN_ORIGIN)

    answer = await call(app, "POST", f"/dead-letters/{dead.id}/replay", headers=OWN_ORIGIN)

    assert answer.status == 422
    assert "This could not be done" in answer.text


async def test_an_endpoint_is_added_and_its_secret_shown_once(app, platform):
    form = {"url": "https://example.com/in", "events": "order.*, invoice.paid", "description": "Shop"}

    answer = await call(app, "POST", "/endpoints", form=form, headers=OWN_ORIGIN)

    endpoint = (await platform.journal.endpoints.endpoints())[0]
    assert answer.status == 201
    assert endpoint.secret in answer.text
    assert endpoint.events == ("order.*", "invoice.paid")
    assert endpoint.secret not in (await call(app, "GET", f"/endpoints/{endpoint.id}")).text


async def test_a_bad_endpoint_is_refused_with_the_form_as_it_was(app, platform):
    form = {"url": 'ftp://example.com/"><script>', "events": "order.*", "description": "<b>"}

    answer = await call(app, "POST", "/endpoints", form=form, headers=OWN_ORIGIN)

    assert answer.status == 422
    assert 'role="alert"' in answer.text
    assert 'value="ftp://example.com/&#34;&gt;&lt;script&gt;"' in answer.text
    assert await platform.journal.endpoints.endpoints() == []


async def test_a_secret_is_rotated_and_shown_once(app, platform, ids):
    path = f"/endpoints/{ids['healthy']}"
    before = await platform.journal.endpoints.endpoint(ids["healthy"])

    answer = await call(app, "POST", f"{path}/secret", form={}, headers=OWN_ORIGIN)

    after = await platform.journal.endpoints.endpoint(ids["healthy"])
    page = (await call(app, "GET", path)).text
    assert after.secret in answer.text
    assert [old.secret for old in after.old_secrets] == [before.secret]
    assert "Old secret" in page
    assert after.secret not in page
    assert before.secret not in page


async def test_an_endpoint_is_switched_off_and_on(app, platform, ids):
    path = f"/endpoints/{ids['healthy']}"

    off = await call(app, "POST", f"{path}/active", form={"active": "off"}, headers=OWN_ORIGIN)
    assert (await platform.journal.endpoints.endpoint(ids["healthy"])).active is False
    assert "Switched off by a person" in (await call(app, "GET", path)).text
    on = await call(app, "POST", f"{path}/active", form={"active": "on"}, headers=OWN_ORIGIN)

    assert (off.status, on.status) == (303, 303)
    assert (await platform.journal.endpoints.endpoint(ids["healthy"])).active is True


@pytest.mark.parametrize("path", ["/endpoints", "/dead-letters/hdl_1/replay", "/endpoints/ep_1/active"])
async def test_no_form_of_another_site_is_taken(app, platform, path):
    answer = await call(
        app,
        "POST",
        path,
        form={"url": "https://example.com", "events": "*"},
        headers={"sec-fetch-site": "cross-site"},
    )

    assert answer.status == 403
    assert await platform.journal.endpoints.endpoints() == []


@pytest.mark.parametrize("body", [b"a=1", b"\xff=1", b"&".join(b"a=1" for _ in range(100))])
async def test_what_is_no_form_is_refused(app, body):
    types = ["text/plain"] if body == b"a=1" else ["application/x-www-form-urlencoded"]
    for content_type in types:
        answer = await call(
            app, "POST", "/endpoints", body=body, headers=OWN_ORIGIN | {"content-type": content_type}
        )

        assert answer.status == 422


async def test_any_id_leads_to_its_page(app, platform, ids):
    trace = await platform.journal.events.trace(ids["event"])
    wanted = {
        ids["event"]: f"/events/{ids['event']}",
        trace.event.event_id: f"/events/{ids['event']}",
        ids["message"]: f"/messages/{ids['message']}",
        ids["rejection"]: f"/rejections/{ids['rejection']}",
        ids["endpoint"]: f"/endpoints/{ids['endpoint']}",
        trace.handlings[0].id: f"/events/{ids['event']}#{trace.handlings[0].id}",
        trace.deliveries[0].id: f"/events/{ids['event']}#{trace.deliveries[0].id}",
    }
    for given, path in wanted.items():
        answer = await call(app, "GET", f"/search?q=%20{given}%20")

        assert (answer.status, answer.headers.get("location")) == (303, path), given


async def test_an_unknown_id_finds_nothing_and_says_so(app, ids):
    for wanted in ("nothing", "evt_nothing", "hdl_nothing", "%00%E2%80%AE", "%3Cscript%3E"):
        answer = await call(app, "GET", f"/search?q={wanted}")

        assert answer.status == 404
        assert "Nothing here has this id" in answer.text
        assert "<script>" not in answer.text
    assert (await call(app, "GET", "/search?q=")).status == 303


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/events/evt_unknown",
        "/events/evt_unknown/body",
        "/messages/msg_unknown",
        "/rejections/rej_unknown",
        "/endpoints/ep_unknown",
        "/handlings/hdl_unknown",
        "/static/../application.py",
        "/static/nothing.css",
    ],
)
async def test_what_is_not_there_has_a_page_in_the_same_style(app, path):
    answer = await call(app, "GET", path)

    assert answer.status == 404
    assert "app.css" in answer.text


async def test_another_method_is_refused(app):
    assert (await call(app, "DELETE", "/events", headers=OWN_ORIGIN)).status == 405


async def test_pages_follow_one_another_without_a_gap(app, platform):
    scene = Scene(platform=platform)
    kept = [(await scene.event(event_type=f"type_{number}")).id for number in range(120)]
    path, seen = "/events", []
    while path:
        page = (await call(app, "GET", path)).text
        seen += re.findall(r'class="row-link main" href="/events/(evt_\w+)"', page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        path = older[1].replace("&amp;", "&") if older else ""

    assert seen == kept[::-1]


async def test_a_view_looks_further_than_one_page(app, platform):
    scene = Scene(platform=platform)
    wanted = await scene.event("orders.sync", event_type="wanted", max_attempts=1)
    for claim in await scene.claims():
        await scene.die(claim)
    for _ in range(260):
        await scene.event(event_type="other")

    page = (await call(app, "GET", "/events?status=failed")).text

    assert wanted.id in page
    assert "type_" not in page


async def test_it_can_be_mounted_under_any_prefix(platform, ids):
    app = Starlette(routes=[Mount("/ops/hooks", create_pages(platform, HostDoorkeeper(lambda _: "admin")))])

    page = (await call(app, "GET", f"/ops/hooks/events/{ids['event']}")).text
    links = set(re.findall(r'(?:href|src|action)="(/[^"]*)"', page))
    found = await call(app, "GET", f"/ops/hooks/search?q={ids['event']}")
    style = await call(app, "GET", next(link for link in links if "app.css" in link))

    assert links
    assert all(link.startswith("/ops/hooks/") for link in links)
    assert found.headers["location"] == f"/ops/hooks/events/{ids['event']}"
    assert style.headers["content-type"].startswith("text/css")


async def test_styles_and_scripts_may_be_kept_by_browsers(app):
    page = (await call(app, "GET", "/events")).text
    (address,) = re.findall(r'href="(/static/[^"]+/app.css)"', page)

    answer = await call(app, "GET", address)
    unversioned = await call(app, "GET", "/static/app.css")

    assert "immutable" in answer.headers["cache-control"]
    assert unversioned.headers["cache-control"] == "no-cache"
    assert answer.body == unversioned.body
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_while_the_store_is_away_the_page_says_so(app, platform, monkeypatch):
    async def away(*_args, **_kwargs):
        raise StorageUnavailable

    monkeypatch.setattr(platform.journal.events, "summaries", away)

    answer = await call(app, "GET", "/events")

    assert answer.status == 503
    assert answer.headers["retry-after"] == "5"
    assert "The journal cannot be reached" in answer.text


class TestWays:
    async def test_the_ways_in_pass_through_nothing(self, app):
        answer = await call(
            app,
            "POST",
            "/webhooks/github/",
            headers={"host": "anything.example", "sec-fetch-site": "cross-site"},
        )

        assert (answer.status, answer.text) == (299, "/webhooks/github/")
        assert "content-security-policy" not in answer.headers

    async def test_a_path_of_the_yaml_is_a_way_in(self, platform, monkeypatch):
        monkeypatch.setattr(type(platform), "paths", {"/hooks/in": ("github", "default")})
        app = create_app(platform, ingest=ingest)

        for path in ("/hooks/in", "/hooks/in/"):
            assert (await call(app, "POST", path)).status == 299
        assert (await call(app, "POST", "/hooks/in/more", headers=OWN_ORIGIN)).status == 404

    @pytest.mark.parametrize(
        "path", ["/api", "/api/webhooks/", "/health", "/events", "/static/app.css", "/openapi.json"]
    )
    async def test_a_path_that_is_taken_stops_the_start(self, platform, monkeypatch, path):
        monkeypatch.setattr(type(platform), "paths", {path: ("github", "default")})

        with pytest.raises(Exception, match="is taken by the server"):
            own_paths(platform)

    async def test_health_answers_any_host(self, app):
        answer = await call(app, "GET", "/health", headers={"host": "10.1.2.3"})

        assert answer.status == 200
        assert json.loads(answer.body).items() >= {"status": "healthy", "service": "webhook-gateway"}.items()
        assert (await call(app, "GET", "/readyz")).status == 200
        assert (await call(app, "HEAD", "/livez")).status == 200
        assert (await call(app, "POST", "/livez")).status == 405

    async def test_health_tells_that_the_store_cannot_be_written(self, app, platform, monkeypatch):
        async def away():
            raise StorageUnavailable

        monkeypatch.setattr(platform.journal, "check", away)

        answers = [await call(app, "GET", path) for path in ("/health", "/readyz", "/livez")]

        assert [answer.status for answer in answers] == [503, 503, 200]
        assert answers[0].json()["status"] == "unhealthy"


class TestLiveTail:
    async def test_it_shows_what_happened_newest_first(self, app, ids):
        page = plain((await call(app, "GET", "/live")).text)

        for word in ("Received", "Rejected", "Handler failed", "Sent", "Not delivered"):
            assert word in page
        times = re.findall(r'<time datetime="([^"]+)"', (await call(app, "GET", "/live")).text)
        assert times == sorted(times, reverse=True)

    @pytest.mark.parametrize(
        ("query", "there", "gone"),
        [
            ("show=rejected", "state--reject", 'href="/events/'),
            ("show=received", 'href="/events/', "state--reject"),
            ("show=failed", "state--bad", "state--ok"),
            ("text=no+such+text", "Nothing of this kind", "data-key"),
        ],
    )
    async def test_its_filters_stand_in_the_url(self, app, ids, query, there, gone):
        main = (await call(app, "GET", f"/live?{query}", headers={"x-fragment": "main"})).text

        assert there in main
        assert gone not in main

    async def test_an_unknown_filter_is_none(self, app, ids):
        assert (await call(app, "GET", "/live?show=%3Cscript%3E")).status == 200
