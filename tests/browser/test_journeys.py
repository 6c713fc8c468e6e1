"""What people come for, click by click; and that nothing a stranger sends does anything on a page."""

import json

import pytest

from smart_api_integrations.core.issues import IssueKind
from smart_api_integrations.testing.fault_server import FaultServer
from tests.browser.hostile import PAYLOADS
from tests.browser.serving import serving
from tests.browser.test_dashboard_browser import fill, paths_of, plain
from tests.journal_scenes import Scene, everything, open_platform, rejected

axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="axe is not installed")
pytestmark = [pytest.mark.browser, pytest.mark.slow]

SERIOUS = {"serious", "critical"}


class Watched:
    """A page of which everything is noted that must not happen on it."""

    def __init__(self, page, url):
        self.faults: list[str] = []
        page.on("dialog", self._dialog)
        page.on("console", lambda said: self._said(said.text))
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("request", lambda request: self._asked(request.url, url))

    async def _dialog(self, dialog):
        self.faults.append(f"dialog: {dialog.message}")
        await dialog.dismiss()

    def _said(self, text):
        if "Content Security Policy" in text or "Refused to" in text:
            self.faults.append(f"policy: {text}")

    def _asked(self, address, url):
        if not address.startswith((url, "data:")):
            self.faults.append(f"asked: {address}")


async def test_a_failed_webhook_is_three_clicks_from_its_reason(browser, platform):
    await everything(platform)
    async with serving(platform) as url:
        page = await browser.new_page()
        await page.goto(url)

        await (
            page.get_by_role("navigation", name="Main", exact=True).get_by_role("link", name="Issues").click()
        )
        await page.get_by_text("KeyError in orders.sync_invoice").click()
        row = page.locator("details.issue", has_text="orders.sync_invoice")
        await row.get_by_role("link", name="hdl_").first.click()

        await page.wait_for_url(f"{url}/events/evt_*")
        assert "KeyError: 'customer'" in await page.locator("main").inner_text()
        assert 'payload["object"]["customer"]' in await page.locator("main").inner_text()
        await page.close()


async def test_a_forged_request_is_explained_in_two_clicks(browser, platform):
    await everything(platform)
    async with serving(platform) as url:
        page = await browser.new_page()
        await page.goto(url)

        await (
            page.get_by_role("navigation", name="Main", exact=True)
            .get_by_role("link", name="Rejected")
            .click()
        )
        await page.get_by_role("link", name="signature mismatch").first.click()

        said = plain(await page.locator("main").inner_text())
        assert "We could not prove that GitHub sent this, so nothing was run" in said
        assert "Copy the signing secret" in said
        assert "Signature" in said
        await page.close()


async def test_one_dead_letter_is_replayed(browser, platform):
    ids = await everything(platform)
    async with serving(platform) as url:
        page = await browser.new_page()
        await page.goto(f"{url}/events/{ids['dead']}")
        before = await platform.journal.work.dead_letters()

        await page.get_by_role("button", name="Replay it").click()

        await page.wait_for_url(f"{url}/events/{ids['dead']}*")
        assert len(await platform.journal.work.dead_letters()) == len(before) - 1
        assert "Dead letter" not in await page.locator(".event-title").inner_text()
        await page.close()


async def test_all_of_one_cause_are_chosen_with_one_box(browser, platform):
    scene = Scene(platform=platform)
    for _ in range(4):
        await scene.event("orders.fulfil", max_attempts=1)
    for claim in await scene.claims():
        await scene.die(claim, error_code="raised", error_message="KeyError: 'id'")
    (issue,) = await platform.journal.issues.issues(kind=IssueKind.HANDLING)
    async with serving(platform) as url:
        page = await browser.new_page()
        await page.goto(f"{url}/issues/{issue.id}")

        await page.get_by_label("Select all on this page").check()
        await page.get_by_role("button", name="Replay selected").click()

        await page.get_by_text("4\u00a0dead letters made due again").wait_for()
        assert await platform.journal.work.dead_letters() == []
        await page.close()


async def test_a_source_is_set_up_without_documentation(browser, platform):
    async with serving(platform) as url:
        page = await browser.new_page()
        await page.goto(f"{url}/sources")

        await page.get_by_label("Provider", exact=True).fill("stripe")
        await page.get_by_role("button", name="Find").click()
        await page.get_by_role("link", name="Stripe STRIPE_WEBHOOK_SECRET").click()

        said = await page.locator("main").inner_text()
        assert "export STRIPE_WEBHOOK_SECRET" in said
        assert f"{url}/webhooks/stripe" in said
        assert "webhooks trigger stripe" in said
        await page.close()


async def test_an_endpoint_is_added_tested_and_rotated(browser, tmp_path):
    with FaultServer() as receiver:
        async with (
            open_platform(tmp_path, allowed_networks="127.0.0.0/8") as platform,
            serving(platform) as url,
        ):
            page = await browser.new_page()
            await page.goto(f"{url}/endpoints")

            await page.get_by_role("link", name="Add endpoint").first.click()
            await page.get_by_label("URL").fill("https://10.1.2.3/in")
            await page.get_by_label("Types").fill("order.*")
            await page.get_by_role("button", name="Add endpoint").click()
            assert "a private network" in await page.get_by_role("alert").inner_text()
            await page.get_by_label("URL").fill(receiver.url("/status/200"))
            await page.get_by_role("button", name="Add endpoint").click()
            assert "whsec_" in await page.locator("main").inner_text()

            await page.get_by_role("link", name="Send a test").click()
            await page.get_by_role("button", name="Send it").click()
            assert "It answered 200" in await page.get_by_role("status").last.inner_text()

            (endpoint,) = await platform.journal.endpoints.endpoints()
            await page.goto(f"{url}/endpoints/{endpoint.id}")
            await page.get_by_text("Rotate…").click()
            await page.get_by_role("button", name="Both sign for 24 hours").click()
            assert "The new signing secret, shown this once" in await page.locator("main").inner_text()
            await page.close()


async def test_an_event_is_edited_and_run_again(browser, platform):
    ids = await everything(platform)
    async with serving(platform) as url:
        page = await browser.new_page()
        await page.goto(f"{url}/events/{ids['quiet']}")

        await page.get_by_text("Replay", exact=True).first.click()
        await page.get_by_role("link", name="Edited").click()
        await page.get_by_role("textbox", name="Body").fill('{"ref": "refs/heads/mended"}')
        await page.get_by_role("button", name="Run the edited copy").click()

        await page.wait_for_url(f"{url}/events/evt_*")
        said = await page.locator("main").inner_text()
        assert "An edited copy: a person made it here" in said
        assert ids["quiet"] in said
        await page.close()


async def test_a_sample_is_sent_and_a_forged_one_refused(browser, platform):
    async with serving(platform) as url:
        page = await browser.new_page()
        await page.goto(f"{url}/playground/sample")

        await page.get_by_label("Event", exact=True).fill("push")
        await page.get_by_role("button", name="Sign and send").click()
        await page.get_by_role("link", name="See the event").click()
        assert "Verified: this came from GitHub" in await page.locator("main").inner_text()

        await page.goto(f"{url}/playground/sample")
        await page.get_by_label("Forge it").check()
        await page.get_by_role("button", name="Sign and send").click()
        assert "Refused, and nothing was run" in await page.locator("main").inner_text()
        await page.close()


async def test_an_expression_is_tried_on_what_is_stored(browser, platform):
    await Scene(platform=platform).message("order.created", {"total": 12})
    async with serving(platform) as url:
        page = await browser.new_page()
        await page.goto(f"{url}/playground/expression")

        await page.get_by_label("Filter or transformation").fill("data.total > 10")
        await page.get_by_role("button", name="Try it").click()

        assert "As a filter it is true" in await page.locator("main").inner_text()
        await page.close()


async def test_a_hundred_hostile_texts_do_nothing_anywhere(browser, platform):
    assert len(PAYLOADS) >= 100
    scene = Scene(platform=platform)
    paths = ["/", "/events", "/messages", "/rejections", "/issues", "/endpoints", "/dead-letters", "/sources"]
    for number in range(0, len(PAYLOADS), 10):
        texts = PAYLOADS[number : number + 10]
        event = await scene.event(
            f"shop.on{number}",
            max_attempts=1,
            event_type=texts[0],
            action=texts[1],
            event_id=texts[2],
            headers=tuple(("X-Hostile", text) for text in texts),
            body=json.dumps(dict(zip(texts, texts, strict=True))).encode(),
            path=texts[3 % len(texts)],
            query=texts[4 % len(texts)],
        )
        refused = rejected(provider=texts[0], webhook_name=texts[1], reason=texts[2], detail=texts[3])
        await platform.journal.events.log_rejections([refused])
        message = await scene.message("order.created", {text: text for text in texts})
        endpoint = await scene.endpoint(
            "https://a.example/" + str(number),
            "order.*",
            description=" ".join(texts),
            headers={"X-A": texts[5]},
        )
        paths += [f"/events/{event.id}", f"/events/{event.id}?body=raw", f"/events/{event.id}?body=headers"]
        paths += [f"/rejections/{refused.id}", f"/messages/{message.id}", f"/endpoints/{endpoint.id}"]
    for claim in await scene.claims():
        text = PAYLOADS[claim.work.attempt_count]
        await scene.die(claim, error_code="raised", error_message=text, error_detail=text, response_body=text)
    paths += [f"/issues/{issue.id}" for issue in await platform.journal.issues.issues()][:20]

    async with serving(platform) as url:
        page = await browser.new_page()
        watched = Watched(page, url)
        for path in [*paths, *(f"/search?q={text}" for text in PAYLOADS[:8])]:
            await page.goto(url + path)
            assert await page.title() != "run", path

        assert watched.faults == []
        await page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_serious_on_any_page(browser, platform, theme):
    ids = await fill(platform)
    async with serving(platform) as url:
        page = await browser.new_page(color_scheme=theme)
        found = []
        for path in paths_of(ids):
            await page.goto(url + path)
            results = await axe.Axe().run(page)
            found += [
                f"{path}: {each['id']} at {each['nodes'][0]['target']}"
                for each in results.response["violations"]
                if each["impact"] in SERIOUS
            ]

        assert found == []
        await page.close()
