"""Endpoints on the dashboard: adding, testing, editing, switching, rotating and deleting one."""

from urllib.parse import urlencode

import pytest

from smart_api_integrations.core.gate import Gate
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.server.application import create_app
from smart_api_integrations.testing.fault_server import FaultServer
from tests.asgi_call import call
from tests.integration.test_dashboard import ingest, plain
from tests.integration.test_dashboard_issues import post
from tests.journal_scenes import Scene, open_platform


@pytest.fixture
async def platform(tmp_path):
    async with open_platform(tmp_path, allowed_networks="127.0.0.0/8") as opened:
        yield opened


@pytest.fixture
def app(platform):
    return create_app(platform, ingest=ingest)


@pytest.fixture
async def endpoint(platform):
    return await Scene(platform=platform).endpoint(
        "https://a.example/hook", "order.*", headers={"X-Api-Key": "very-secret"}
    )


async def send(app, path, **fields):
    return await post(app, path, urlencode(fields).encode())


async def kept(platform, endpoint):
    return await platform.journal.endpoints.endpoint(endpoint.id)


async def test_one_is_added_with_everything_that_it_may_have(app, platform):
    answer = await send(
        app, "/endpoints", url="https://a.example/in", events="order.*", schedule="5s 1min", rate_limit="3",
        headers="X-Team: a", filter="data.total > 3", auth="bearer", credential="t0ken", timeout="9",
    )  # fmt: skip

    (made,) = await platform.journal.endpoints.endpoints()
    assert answer.status == 201
    assert made.secret in answer.text
    assert [wait.total_seconds() for wait in made.schedule.waits] == [5.0, 60.0]
    assert (made.rate_limit, made.filter, made.headers) == (3.0, "data.total > 3", {"X-Team": "a"})
    assert made.auth.secret == "t0ken"


async def test_a_secret_that_was_given_is_not_shown_again(app, platform):
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    answer = await send(app, "/endpoints", url="https://a.example/in", events="*", secret=secret)

    assert secret not in answer.text
    assert "the secret that you gave" in answer.text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"url": "https://10.0.0.1/x"}, "10.0.0.1"),
        ({"url": "http://a.example/"}, "https"),
        ({"url": "ftp://a.example/"}, "url"),
        ({"events": ""}, "events"),
        ({"filter": "data.("}, "filter"),
        ({"schedule": "soon"}, "schedule"),
        ({"headers": "webhook-id: 1"}, "webhook-id"),
    ],
)
async def test_what_cannot_be_used_is_said_and_what_was_typed_stays(app, platform, fields, said):
    given = {"url": "https://a.example/in", "events": "order.*", "description": "mine"} | fields

    answer = await send(app, "/endpoints", **given)

    assert answer.status == 422
    assert said in answer.text
    assert 'value="mine"' in answer.text
    assert await platform.journal.endpoints.endpoints() == []


async def test_one_is_edited_without_its_secrets_being_seen(app, platform, endpoint):
    page = await call(app, "GET", f"/endpoints/{endpoint.id}/edit")
    assert "very-secret" not in page.text

    answer = await send(
        app, f"/endpoints/{endpoint.id}/edit", url=endpoint.url, events="invoice.*", headers="X-Api-Key: ••••"
    )

    assert answer.status == 303
    after = await kept(platform, endpoint)
    assert (after.events, after.headers) == (("invoice.*",), {"X-Api-Key": "very-secret"})
    assert after.secret == endpoint.secret


async def test_a_change_that_cannot_be_used_changes_nothing(app, platform, endpoint):
    answer = await send(app, f"/endpoints/{endpoint.id}/edit", url="https://10.0.0.1/", events="*")

    assert answer.status == 422
    assert await kept(platform, endpoint) == endpoint


async def test_a_test_shows_what_the_receiver_answered(app, platform):
    with FaultServer() as receiver:
        made = await Scene(platform=platform).endpoint(receiver.url("/status/503"), "*")

        answer = await send(app, f"/endpoints/{made.id}/test", event="test.ping", data='{"a": 1}')

    assert "It answered 503: this would not be delivered" in plain(answer.text)
    assert "webhook-signature" in answer.text
    assert await platform.journal.messages.messages() == []


@pytest.mark.parametrize(("fields", "said"), [({"data": "{"}, "it is not JSON"), ({"event": " "}, "event")])
async def test_a_test_that_cannot_be_sent_says_why(app, endpoint, fields, said):
    answer = await send(app, f"/endpoints/{endpoint.id}/test", **fields)

    assert answer.status == 422
    assert said in answer.text


async def test_one_is_switched_on_again_without_its_backlog(app, platform, endpoint):
    message = await Scene(platform=platform).message()
    await send(app, f"/endpoints/{endpoint.id}/active", active="off")
    page = plain((await call(app, "GET", f"/endpoints/{endpoint.id}")).text)
    assert "Switched off by a person" in page
    assert "1 wait:" in page

    await send(app, f"/endpoints/{endpoint.id}/active", active="on", backlog="skip", rate="5")

    (work,) = (await platform.journal.messages.trace(message.id)).deliveries
    assert work.state is State.CANCELLED
    assert (await kept(platform, endpoint)).active
    assert (await send(app, f"/endpoints/{endpoint.id}/active", active="on", rate="fast")).status == 422


async def test_one_that_said_that_it_is_gone_says_so(app, platform, endpoint):
    scene = Scene(platform=platform)
    await scene.message()
    (claimed,) = await scene.claims()
    await scene.die(claimed, error_code="gone", error_message="It answered 410.", response_code=410)

    page = plain((await call(app, "GET", f"/endpoints/{endpoint.id}")).text)

    assert "Switched off: it said that it is gone" in page
    assert "Disabled" in page


async def test_a_pause_is_seen_and_ended_on_its_page(app, platform, endpoint):
    path = f"/endpoints/{endpoint.id}"

    await send(app, "/gates", target=endpoint.id, do="pause", back=path)

    assert "It was paused" in (await call(app, "GET", path)).text
    assert "Paused" in plain((await call(app, "GET", "/endpoints")).text)
    assert (await send(app, "/gates", target=endpoint.id, do="resume", back=path)).status == 303
    assert await platform.journal.gates.gate(endpoint.id) in {None, Gate(target=endpoint.id)}


@pytest.mark.parametrize(("grace", "said"), [("24", "For 24 hours"), ("0", "The old one ended at once")])
async def test_a_secret_is_rotated_and_shown_once(app, platform, endpoint, grace, said):
    answer = await send(app, f"/endpoints/{endpoint.id}/secret", grace=grace)

    after = await kept(platform, endpoint)
    assert after.secret in answer.text
    assert said in answer.text
    assert bool(after.grace_at(platform.journal.now())) is (grace != "0")


async def test_one_is_deleted_by_who_types_its_name(app, platform, endpoint):
    path = f"/endpoints/{endpoint.id}/delete"

    assert (await send(app, path, name="b.example")).status == 422
    assert await kept(platform, endpoint) == endpoint
    assert (await send(app, path, name="a.example")).status == 303
    assert await kept(platform, endpoint) is None


async def test_why_it_failed_is_counted_by_cause(app, platform, endpoint):
    scene = Scene(platform=platform)
    await scene.message()
    (claimed,) = await scene.claims()
    await scene.die(claimed, error_code="http_status", error_message="It answered 503.", response_code=503)

    page = (await call(app, "GET", f"/endpoints/{endpoint.id}")).text

    assert "<title>503: 1</title>" in page
