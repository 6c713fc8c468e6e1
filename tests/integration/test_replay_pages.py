"""The dashboard's pages of replays: the form, the preview, the job and its buttons; without a script."""

from __future__ import annotations

import re

import pytest

from smart_api_integrations.application.access import NewKey
from smart_api_integrations.core.access import Role
from smart_api_integrations.core.replay import ReplayState
from smart_api_integrations.server.application import create_app
from smart_api_integrations.testing.journal_cases.scene import LEASE
from tests.asgi_call import call
from tests.journal_scenes import Scene, open_platform

EVIL = "<script>alert(1)</script>"
OWN = {"sec-fetch-site": "same-origin"}


async def ingest(scope, receive, send):
    raise AssertionError


@pytest.fixture
async def platform(tmp_path):
    async with open_platform(tmp_path) as opened:
        scene = Scene(platform=opened)
        await scene.endpoint("https://one.example.com/")
        await scene.event("shop.on_push")
        for event in ("order.created", "order.paid"):
            await scene.message(event)
        for one in await scene.claims():
            await scene.die(one)
        yield opened


@pytest.fixture
def app(platform):
    return create_app(platform, ingest=ingest)


FORM = {"kind": "delivery", "mode": "failed", "type": "order.*", "rate": "20", "note": "DNS"}


async def started(app) -> str:
    answer = await call(app, "POST", "/replays", form=FORM, headers=OWN)
    assert answer.status == 303, answer.text
    return answer.headers["location"]


async def test_an_empty_page_teaches_the_form(app):
    page = (await call(app, "GET", "/replays")).text

    assert "New replay" in page
    assert "None yet" in page
    assert 'value="handling" checked' in page


async def test_a_preview_counts_and_offers_to_begin(app, platform):
    page = (await call(app, "GET", "/replays?kind=delivery&mode=failed&type=order.*")).text

    assert "2\u00a0deliveries" in page
    assert 'method="post" action="/replays"' in page
    assert '<input type="hidden" name="type" value="order.*">' in page
    assert "webhooks replays create --kind delivery" in page
    assert await platform.replays.jobs() == []


async def test_a_job_is_begun_shown_and_moved(app, platform):
    where = await started(app)
    (job,) = await platform.replays.jobs()

    page = (await call(app, "GET", where)).text
    assert where == f"/replays/{job.id}"
    assert (job.note, job.rate, job.total, job.by) == ("DNS", 20.0, 2, "this machine")
    assert "0 of 2, 20 a second" in page
    assert 'role="progressbar"' in page
    for verb, state in (
        ("pause", ReplayState.PAUSED),
        ("resume", ReplayState.RUNNING),
        ("cancel", ReplayState.CANCELLED),
    ):
        assert f"{where}/{verb}" in (await call(app, "GET", where)).text
        assert (await call(app, "POST", f"{where}/{verb}", form={}, headers=OWN)).status == 303
        assert (await platform.replays.get(job.id))[0].state is state
    listed = (await call(app, "GET", "/replays")).text
    assert "Cancelled" in listed
    assert f"{where}/pause" not in listed
    assert (await call(app, "POST", f"{where}/resume", form={}, headers=OWN)).status == 422


async def test_what_a_job_made_due_is_listed_and_what_failed_of_it(app, platform):
    where = await started(app)
    job = await platform.journal.replays.claim(owner="worker", lease=LEASE)
    page = await platform.journal.replays.page(job.filter, limit=9)
    await platform.journal.replays.advance(job, page, page.candidates, lease=LEASE)
    scene = Scene(platform=platform)
    claims = await scene.claims()
    await scene.die(claims[0], error_message="It answered 500.")

    everything = (await call(app, "GET", where)).text
    failed = (await call(app, "GET", f"{where}?status=failed")).text

    assert len(re.findall("/deliveries/dlv_", everything)) == 2
    assert re.findall("/deliveries/(dlv_[0-9A-Z]+)", failed) == [claims[0].work.id]
    assert "It answered 500." in failed
    assert "Show what failed" in everything
    assert (await call(app, "GET", f"/search?q={job.id}")).headers["location"] == where


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rate": "quick"}, "no number"),
        ({"rate": "0"}, "rate"),
        ({"kind": "message"}, "handlers or deliveries"),
        ({"since": "yesterday"}, "no time"),
        ({"target": "ep_none"}, "no endpoint"),
        ({"provider": "github"}, "provider"),
        ({"note": "x" * 501}, "note"),
    ],
)
async def test_what_cannot_be_is_said_beside_the_form(app, platform, change, says):
    answer = await call(app, "POST", "/replays", form=FORM | change, headers=OWN)

    assert answer.status == 422
    assert says in answer.text
    assert await platform.replays.jobs() == []


async def test_a_fault_of_the_preview_is_said_there(app):
    answer = await call(app, "GET", "/replays?kind=delivery&since=yesterday")

    assert answer.status == 422
    assert "no time" in answer.text


@pytest.mark.parametrize("name", ["type", "target", "provider", "since", "until", "mode"])
async def test_hostile_words_stay_text(app, name):
    answer = await call(app, "GET", f"/replays?kind=handling&{name}={EVIL}")

    assert EVIL not in answer.text
    assert answer.status in {200, 422}


async def test_a_viewer_sees_no_buttons_and_cannot_press_them(app, platform):
    where = await started(app)
    key = await platform.access.create_key(NewKey(name="viewer", role=Role.VIEWER))
    viewer = {"authorization": f"Bearer {key.value}"} | OWN

    page = await call(app, "GET", where, headers=viewer)
    preview = await call(app, "GET", "/replays?kind=delivery", headers=viewer)

    assert page.status == 200
    assert f"{where}/cancel" not in page.text
    assert 'method="post" action="/replays"' not in preview.text
    assert (await call(app, "POST", f"{where}/cancel", form={}, headers=viewer)).status == 403
    assert (await call(app, "POST", "/replays", form=FORM, headers=viewer)).status == 403


async def test_lists_lead_to_the_preview(app):
    for path in ("/dead-letters", "/events"):
        page = (await call(app, "GET", path)).text
        assert re.search(r'href="/replays\?kind=', page), path
    assert (await call(app, "GET", "/replays/rpl_none")).status == 404
