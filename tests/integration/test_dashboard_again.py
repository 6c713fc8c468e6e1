"""Running an event again from its page: the same, edited, or to another URL."""

from urllib.parse import urlencode

import pytest

from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.server.application import create_app
from smart_api_integrations.testing.fault_server import FaultServer
from tests.asgi_call import call
from tests.integration.test_dashboard import ingest, plain
from tests.integration.test_dashboard_issues import post
from tests.journal_scenes import SIGNATURE, Scene, open_platform


@pytest.fixture
async def platform(tmp_path):
    with get_webhook_registry().emptied():
        async with open_platform(tmp_path, allowed_networks="127.0.0.0/8") as opened:
            yield opened


@pytest.fixture
def app(platform):
    return create_app(platform, ingest=ingest)


async def send(app, path, **fields):
    return await post(app, path, urlencode(fields).encode())


async def handled(platform, *ends):
    """Keep an event of which one handling ended in each of *ends*."""
    scene = Scene(platform=platform)
    event = await scene.event(*(f"shop.on{number}" for number in range(len(ends))), max_attempts=1)
    claims = sorted(await scene.claims(), key=lambda claim: claim.work.target)
    for claim, good in zip(claims, ends, strict=True):
        await (scene.succeed(claim) if good else scene.die(claim, error_code="raised", error_message="No."))
    return event


async def states(platform, event):
    trace = await platform.journal.events.trace(event.id)
    return [work.state for work in trace.handlings]


@pytest.mark.parametrize(
    ("what", "after", "count"),
    [
        ("failed", [State.COMPLETED, State.VERIFIED], 1),
        ("handlers", [State.VERIFIED, State.VERIFIED], 2),
    ],
)
async def test_what_failed_or_everything_is_run_again(app, platform, what, after, count):
    event = await handled(platform, True, False)

    answer = await send(app, f"/events/{event.id}/replay", what=what)

    assert answer.headers["location"] == f"/events/{event.id}?again={count}"
    assert sorted(await states(platform, event)) == sorted(after)
    page = plain((await call(app, "GET", answer.headers["location"])).text)
    assert "of work made due again" in page


async def test_where_nothing_is_over_nothing_is_done(app, platform):
    event = await Scene(platform=platform).event("shop.on_push")

    answer = await send(app, f"/events/{event.id}/replay", what="handlers")

    assert "Nothing was to be done" in (await call(app, "GET", answer.headers["location"])).text


async def test_an_edited_copy_is_a_new_event_that_says_so(app, platform):
    get_webhook_registry().create_processor("github").on("push")(lambda event: None)
    event = await handled(platform, True)
    form = await call(app, "GET", f"/events/{event.id}/edit")
    assert "refs/heads/main" in form.text

    answer = await send(app, f"/events/{event.id}/edit", body='{"ref":"refs/heads/mended"}')

    copy_id = answer.headers["location"].removeprefix("/events/")
    assert copy_id != event.id
    trace = await platform.journal.events.trace(copy_id)
    assert trace.event.body == b'{"ref":"refs/heads/mended"}'
    assert len(trace.handlings) == 1
    page = plain((await call(app, "GET", answer.headers["location"])).text)
    assert "An edited copy: a person made it here" in page
    assert event.id in page
    assert (await platform.journal.events.trace(event.id)).event.body == event.body


async def test_what_was_json_stays_json(app, platform):
    event = await handled(platform, True)

    answer = await send(app, f"/events/{event.id}/edit", body="{broken")

    assert answer.status == 422
    assert "{broken" in answer.text
    assert len(await platform.journal.events.summaries()) == 1


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"x" * 60_000])
async def test_what_a_form_cannot_hold_is_said(app, platform, body):
    event = await Scene(platform=platform).event(body=body)

    assert (await call(app, "GET", f"/events/{event.id}/edit")).status == 422


async def test_a_copy_of_a_source_that_is_closed_is_refused(app, platform):
    event = await Scene(platform=platform).event(provider="stripe")

    assert (await send(app, f"/events/{event.id}/edit", body="{}")).status == 422


async def test_the_same_request_goes_to_another_url_with_its_signature(app, platform):
    event = await Scene(platform=platform).event(
        headers=(("X-Hub-Signature-256", SIGNATURE), ("Cookie", "secret"), ("Host", "here"), ("X-A", "b"))
    )
    with FaultServer() as receiver:
        answer = await send(
            app, f"/events/{event.id}/forward", url=receiver.url("/status/200"), allow_http="on"
        )
        (got,) = receiver.requests

    assert "It answered 200" in answer.text
    assert got.body == event.body
    sent = {name.lower(): value for name, value in got.headers}
    assert (sent["x-hub-signature-256"], sent["x-a"]) == (SIGNATURE, "b")
    assert "cookie" not in sent
    assert sent["host"] != "here"


async def test_a_token_is_never_passed_on(app, platform):
    event = await Scene(platform=platform).event(
        provider="gitlab", headers=(("X-Gitlab-Token", "the secret"),)
    )
    with FaultServer() as receiver:
        await send(app, f"/events/{event.id}/forward", url=receiver.url("/status/200"), allow_http="on")
        (got,) = receiver.requests

    assert "x-gitlab-token" not in {name.lower() for name, _ in got.headers}


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "https://10.0.0.1/", "ftp://a.example/", ""])
async def test_another_url_is_judged_as_an_endpoints_is(app, platform, url):
    event = await Scene(platform=platform).event()

    answer = await send(app, f"/events/{event.id}/forward", url=url)

    assert answer.status == 422


async def test_what_does_not_arrive_is_said(app, platform):
    event = await Scene(platform=platform).event()
    with FaultServer() as receiver:
        answer = await send(app, f"/events/{event.id}/forward", url=receiver.url("/reset"), allow_http="on")

    assert answer.status == 200
    assert "It did not arrive" in answer.text
