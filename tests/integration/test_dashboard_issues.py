"""Issues on the dashboard: what fails is one row, and what people say of it is kept."""

import re
from datetime import timedelta

import pytest

from smart_api_integrations.core.issues import IssueKind, IssueState
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.server.application import create_app
from tests.asgi_call import call
from tests.integration.test_dashboard import OWN_ORIGIN, ingest, plain
from tests.journal_scenes import Scene, everything, open_platform


@pytest.fixture
async def platform(tmp_path):
    async with open_platform(tmp_path) as opened:
        yield opened


@pytest.fixture
def app(platform):
    return create_app(platform, ingest=ingest)


async def outage(platform, count=3):
    """Let a handler fail for good on *count* events."""
    scene = Scene(platform=platform)
    for number in range(count):
        await scene.event("orders.fulfil", max_attempts=1, event_id=f"order-{number}")
    for claim in await scene.claims():
        await scene.die(claim, error_code="raised", error_message="KeyError: 'id'", error_detail="a\nb\nc\nd")
    (issue,) = await platform.journal.issues.issues(kind=IssueKind.HANDLING)
    return issue


def form(**fields):
    return "&".join(f"{name}={value}" for name, value in fields.items()).encode()


async def post(app, path, body):
    headers = OWN_ORIGIN | {"content-type": "application/x-www-form-urlencoded"}
    return await call(app, "POST", path, headers=headers, body=body)


async def test_one_outage_is_one_row_with_its_finding(app, platform):
    issue = await outage(platform)

    page = (await call(app, "GET", "/issues")).text

    assert page.count('<details class="issue"') == 1
    assert "<code>KeyError</code> in orders.<wbr>fulfil" in page
    assert "3 dead letters" in plain(page)
    assert "b\nc\nd" in page
    assert f'href="/handlings/{issue.last_id}"' in page


async def test_every_kind_of_failure_has_a_page_of_its_own(app, platform):
    await everything(platform)

    for issue in await platform.journal.issues.issues():
        answer = await call(app, "GET", f"/issues/{issue.id}")
        example = await call(
            app, "GET", re.findall(r'href="(/(?:handlings|deliveries|rejections)/[^"]+)"', answer.text)[0]
        )

        assert answer.status == 200
        assert example.status in {200, 303}
    assert (await call(app, "GET", "/issues/iss_unknown")).status == 404


async def test_what_is_resolved_or_muted_moves_to_its_view(app, platform):
    issue = await outage(platform)

    muted = await post(app, f"/issues/{issue.id}", form(state="muted", **{"for": "1d"}))
    assert muted.status == 303
    found = await platform.journal.issues.issue(issue.id)
    assert found.muted_until - platform.journal.now() > timedelta(hours=23)
    assert "orders.<wbr>fulfil" in (await call(app, "GET", "/issues?state=muted")).text

    await post(app, f"/issues/{issue.id}", form(state="resolved"))
    found = await platform.journal.issues.issue(issue.id)
    assert found.state(now=platform.journal.now()) is IssueState.RESOLVED
    assert "orders.<wbr>fulfil" not in (await call(app, "GET", "/issues")).text


@pytest.mark.parametrize(
    "said", [form(state="gone"), form(state="muted"), form(state="muted", **{"for": "9y"})]
)
async def test_only_known_words_are_taken(app, platform, said):
    issue = await outage(platform, 1)

    assert (await post(app, f"/issues/{issue.id}", said)).status == 422


async def test_an_issues_dead_letters_are_replayed_together(app, platform):
    issue = await outage(platform)
    dead = await platform.journal.work.dead_letters(issue=issue.id)
    body = "&".join(["do=replay", f"back=/issues/{issue.id}", *(f"id={work.id}" for work in dead)]).encode()

    answer = await post(app, "/dead-letters", body)

    assert answer.headers["location"] == f"/issues/{issue.id}?replayed=3"
    assert "3 dead letters made due again" in plain((await call(app, "GET", answer.headers["location"])).text)
    assert (await platform.journal.work.work(dead[0].id)).state is State.VERIFIED


async def test_a_job_over_all_that_its_target_failed_is_one_click_away(app, platform):
    issue = await outage(platform)
    page = (await call(app, "GET", f"/issues/{issue.id}")).text

    (path,) = re.findall(r'href="(/replays\?[^"]*)"', page)
    form = await call(app, "GET", path.replace("&amp;", "&"))

    assert form.status == 200
    assert issue.target in form.text


async def test_selected_dead_letters_are_discarded(app, platform):
    await outage(platform)
    dead = await platform.journal.work.dead_letters()

    answer = await post(app, "/dead-letters", f"do=discard&id={dead[0].id}&back=//evil.example".encode())

    assert answer.headers["location"] == "/dead-letters?discarded=1"
    assert len(await platform.journal.work.dead_letters()) == 2


async def test_nothing_selected_is_said(app, platform):
    await outage(platform)

    answer = await post(app, "/dead-letters", b"do=replay")

    assert answer.status == 422
    assert "Nothing is selected" in answer.text


async def test_an_issues_id_is_found_by_the_search(app, platform):
    issue = await outage(platform)

    answer = await call(app, "GET", f"/search?q={issue.id}")

    assert answer.headers["location"] == f"/issues/{issue.id}"
