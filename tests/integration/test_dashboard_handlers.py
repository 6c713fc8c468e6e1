"""Handlers and sources on the dashboard: how they do, how they are set up, and pausing them."""

import pytest

from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.server.application import create_app
from tests.asgi_call import call
from tests.integration.test_dashboard import ingest, plain
from tests.integration.test_dashboard_issues import form, outage, post
from tests.journal_scenes import Scene, everything, open_platform, rejected


@pytest.fixture
async def platform(tmp_path):
    with get_webhook_registry().emptied():
        async with open_platform(tmp_path) as opened:
            yield opened


@pytest.fixture
def app(platform):
    return create_app(platform, ingest=ingest)


def register(event="push", provider="github"):
    def on_push(event):
        return {"done": True}

    get_webhook_registry().create_processor(provider).on(event)(on_push)
    (name,) = (
        handler.name
        for processor in get_webhook_registry()
        if processor.provider == provider
        for handlers in processor.handlers.values()
        for handler in handlers
    )
    return name


async def run(platform, name, *, fails):
    await Scene(platform=platform).event(name.split(":", 2)[-1], max_attempts=1)
    scene = Scene(platform=platform)
    for claim in await scene.claims():
        if fails:
            await scene.die(claim, error_code="raised", error_message="KeyError: 'id'")
        else:
            await scene.succeed(claim)


async def page_of(app, path):
    answer = await call(app, "GET", path)
    assert answer.status == 200, path
    return plain(answer.text)


async def test_a_handler_is_listed_with_how_it_does(app, platform):
    name = register()
    assert "Not run in 24 h" in await page_of(app, "/handlers")
    await run(platform, name, fails=False)
    await run(platform, name, fails=True)

    page = await page_of(app, "/handlers")

    assert "1 failed run in 24 h" in page
    assert "on_push" in page


async def test_its_page_says_how_it_is_run_and_why_it_fails(app, platform):
    name = register()
    await run(platform, name, fails=True)

    page = await page_of(app, f"/handlers/{name.replace('<', '%3C').replace('>', '%3E')}")

    for said in ("It fails: KeyError", "then dead letter", "events run side by side", "Dead letters1"):
        assert said in page


async def test_a_handler_is_paused_and_resumed_where_one_looks_at_it(app, platform):
    name = register()
    path = f"/handlers/{name.replace('<', '%3C').replace('>', '%3E')}"

    answer = await post(app, "/gates", form(target=name, do="pause", back=path))

    assert answer.headers["location"] == path
    assert "Nothing more begins until it is resumed" in await page_of(app, path)
    await post(app, "/gates", form(target=name, do="resume", rate="2.5", back=path))
    gate = await platform.journal.gates.gate(name)
    assert (gate.paused_at, gate.resume_rate) == (None, 2.5)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"target": "github:default", "do": "resume", "rate": "fast"}, 422),
        ({"target": "github:default", "do": "resume", "rate": "-1"}, 422),
        ({"target": "ep_unknown", "do": "pause"}, 404),
    ],
)
async def test_what_cannot_be_paused_is_said(app, fields, status):
    assert (await post(app, "/gates", form(**fields))).status == status


async def test_one_is_led_back_to_our_own_pages_only(app):
    answer = await post(
        app, "/gates", form(target="github:default", do="pause", back="//evil.example/sources")
    )

    assert answer.headers["location"] == "/"


async def test_a_handler_that_is_not_registered_is_explained(app, platform):
    issue = await outage(platform)

    page = await page_of(app, f"/handlers/{issue.target}")

    assert "No handler of this name is registered in this process" in page
    assert (await call(app, "GET", "/handlers/github:default:no.such")).status == 404


async def test_a_handler_whose_source_is_closed_never_runs_and_that_is_said(app):
    register(provider="stripe", event="invoice.paid")

    page = await page_of(app, "/handlers")

    assert "set STRIPE_WEBHOOK_SECRET to mount it" in page
    assert "Not mounted" in page


async def test_no_handler_says_what_to_do(app):
    page = await page_of(app, "/handlers")

    assert "webhooks generate-webhook-handler" in page


async def test_every_source_has_a_page_with_its_steps(app, platform):
    for provider, name in platform.sources:
        page = await page_of(app, f"/sources/{provider}/{name}")

        assert "Give" in page
        assert "this address" in page
    assert (await call(app, "GET", "/sources/nobody/default")).status == 404


async def test_a_source_counts_what_it_took_and_refused(app, platform):
    await everything(platform)
    await platform.journal.events.log_rejections([rejected(webhook_name="default", sampled=4)])

    page = await page_of(app, "/sources/github/default")

    assert "Rejected, 24 h4" in page
    assert "Signature mismatch at GitHub" in page
    assert "refused" in await page_of(app, "/sources")


async def test_a_provider_is_found_among_those_that_can_be_added(app):
    page = await page_of(app, "/sources?find=stri")

    assert "STRIPE_WEBHOOK_SECRET" in page
    assert "SHOPIFY_WEBHOOK_SECRET" not in page
    assert "webhooks add-webhook" in await page_of(app, "/sources?find=nosuch")
