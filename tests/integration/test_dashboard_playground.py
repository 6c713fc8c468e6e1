"""The playground and the settings: what is tried is real, what is secret is not shown."""

from urllib.parse import quote, urlencode

import pytest

from smart_api_integrations.application.access import NewKey
from smart_api_integrations.core.access import Role
from smart_api_integrations.server.application import create_app
from tests.asgi_call import call
from tests.integration.test_dashboard import ingest, plain
from tests.integration.test_dashboard_issues import post
from tests.journal_scenes import Scene, everything, open_platform


@pytest.fixture
async def platform(tmp_path):
    async with open_platform(tmp_path) as opened:
        yield opened


@pytest.fixture
def app(platform):
    return create_app(platform, ingest=ingest)


async def send(app, path, **fields):
    return await post(app, path, urlencode(fields).encode())


async def page_of(app, path):
    answer = await call(app, "GET", path)
    assert answer.status == 200, path
    return plain(answer.text)


async def test_an_event_is_published_and_its_page_follows(app, platform):
    answer = await send(app, "/playground", event="order.created", data='{"order": 7}', metadata="")

    (message,) = await platform.journal.messages.messages()
    assert answer.headers["location"] == f"/messages/{message.id}"
    assert b'"order":7' in message.body.replace(b" ", b"")


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"data": "{"}, "data: it is not JSON"), ({"event": " "}, "event"), ({"metadata": "x"}, "metadata")],
)
async def test_what_cannot_be_published_is_said(app, platform, fields, said):
    answer = await send(app, "/playground", **fields)

    assert answer.status == 422
    assert said in answer.text
    assert await platform.journal.messages.messages() == []


async def test_a_signed_sample_comes_in_like_any_event(app, platform):
    assert "pull_request.opened" in await page_of(app, "/playground/sample?source=github:default")

    answer = await send(app, "/playground/sample", source="github:default", event="pull_request.opened")

    (event,) = await platform.journal.events.summaries()
    assert (event.event_type, event.action) == ("pull_request", "opened")
    assert "Accepted: it verified and was kept" in answer.text
    assert f'href="/events/{event.id}"' in answer.text


async def test_a_payload_of_ones_own_is_sent(app, platform):
    await send(app, "/playground/sample", source="github:default", event="push", payload='{"ref": "mine"}')

    (event,) = await platform.journal.events.summaries()
    trace = await platform.journal.events.trace(event.id)
    assert b'"mine"' in trace.event.body


async def test_a_forged_sample_is_refused(app, platform):
    answer = await send(app, "/playground/sample", source="github:default", event="push", forge="yes")

    assert "Refused, and nothing was run" in answer.text
    assert await platform.journal.events.summaries() == []


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"source": "stripe:default"}, 404),
        ({"source": "nobody"}, 404),
        ({"source": "github:default", "payload": "{"}, 422),
        ({"source": "github:default", "event": "no such event"}, 422),
    ],
)
async def test_what_cannot_be_sent_is_said(app, platform, fields, status):
    assert (await send(app, "/playground/sample", **fields)).status == status
    assert await platform.journal.events.summaries() == []


async def test_an_expression_is_tried_on_a_message(app, platform):
    message = await Scene(platform=platform).message("order.created", {"total": 12})

    page = await page_of(app, f"/playground/expression?expression={quote('data.total > 10')}&on={message.id}")

    assert "As a filter it is true: this would be sent" in page


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("payload.size > 5", "it is not true"),
        ("{'branch': payload.ref}", "refs/heads/main"),
        ("payload.(", "It cannot be used"),
        ("nobody.knows", "It cannot be used"),
        ("event.type == 'push'", "it is true"),
    ],
)
async def test_an_expression_is_tried_on_the_newest_event(app, platform, text, said):
    await Scene(platform=platform).event()

    assert said in await page_of(app, f"/playground/expression?expression={quote(text)}")


async def test_it_says_what_to_do_where_there_is_nothing_to_try_on(app):
    assert "There is none yet" in await page_of(app, "/playground/expression")
    assert "Nothing here has this id" in await page_of(app, "/playground/expression?on=evt_unknown")


async def test_the_settings_say_where_they_come_from_and_show_no_secret(app, platform):
    page = await page_of(app, "/settings")

    assert "WEBHOOKS_DATABASE_URL" in page
    assert "command line" in page
    assert "1 set up of" in page


async def test_a_key_is_made_shown_once_rotated_and_revoked(app, platform):
    await everything(platform)

    made = await send(app, "/settings/keys", name="ci", role="viewer", days="30")

    (key,) = await platform.journal.access.keys()
    assert made.status == 201
    assert (key.name, key.role) == ("ci", Role.VIEWER)
    assert key.expires_at is not None
    assert f"{key.prefix}" in made.text
    value = made.text.split('<code tabindex="0">')[1].split("<")[0]
    assert await platform.access.holder_of(value) is not None

    admin = await platform.access.create_key(NewKey(name="admin", role="admin"))
    headers = {"authorization": f"Bearer {admin.value}", "content-type": "application/x-www-form-urlencoded"}
    rotated = await call(app, "POST", f"/settings/keys/{key.id}/rotate", headers=headers)
    assert "shown this once" in rotated.text
    assert (await call(app, "POST", f"/settings/keys/{key.id}/revoke", headers=headers)).status == 303
    assert await platform.access.holder_of(value) is None


async def test_a_key_without_a_name_is_refused(app, platform):
    answer = await send(app, "/settings/keys", name=" ", role="viewer")

    assert answer.status == 422
    assert list(await platform.journal.access.keys()) == []


async def test_what_was_done_stands_in_the_audit_log(app, platform):
    await send(app, "/playground", event="order.created", data="{}", metadata="")

    page = await page_of(app, "/settings/audit")

    assert "/playground" in page
    assert "this machine" in page
    assert "Nothing was done to it" in await page_of(app, "/settings/audit?target=ep_1")
