"""Live pages in a real browser: what comes is there without loading the page again."""

import asyncio

import pytest

from tests.browser.serving import serving
from tests.journal_scenes import Scene, everything

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LOADED = "window.notReloaded = true"


async def opened(page, url, *, live=True):
    await page.goto(url)
    await page.evaluate(LOADED)
    if live:
        await page.locator("#live[data-state=open]").wait_for()


async def rows_of(page):
    return await page.locator("main tbody tr .row-link").count()


async def hide(page, *, hidden):
    """Make the tab say that it is hidden, as another tab in front of it does."""
    word = "hidden" if hidden else "visible"
    await page.evaluate(
        f"""() => {{
          Object.defineProperty(document, 'hidden', {{ value: {str(hidden).lower()}, configurable: true }});
          Object.defineProperty(document, 'visibilityState', {{ value: '{word}', configurable: true }});
          document.dispatchEvent(new Event('visibilitychange'));
        }}"""
    )


async def test_the_first_event_arrives_live(browser, platform):
    async with serving(platform) as url:
        page = await browser.new_page()
        await opened(page, url + "/")
        assert "Send yourself a first webhook" in await page.locator("main").inner_text()

        await Scene(platform=platform).event(event_type="first")

        await page.get_by_role("heading", name="Traffic through the journal").wait_for()
        assert (await page.title()).startswith("Overview")
        await page.close()


async def test_a_row_comes_in_place_and_its_state_changes_in_place(browser, platform):
    scene = Scene(platform=platform)
    await scene.event(event_type="before")
    async with serving(platform) as url:
        page = await browser.new_page()
        await opened(page, url + "/events")
        await page.evaluate("document.querySelector('tbody tr').dataset.mine = 'kept'")

        await scene.event("orders.sync", event_type="after")
        await page.get_by_role("link", name="after").wait_for()
        for claim in await scene.claims():
            await scene.succeed(claim)
        await page.locator("tbody tr").first.get_by_text("Completed").wait_for()

        assert await page.evaluate("window.notReloaded")
        assert await rows_of(page) == 2
        await page.close()


async def test_new_rows_wait_in_a_pill_while_one_reads_further_down(browser, platform):
    scene = Scene(platform=platform)
    for number in range(40):
        await scene.event(event_type=f"type_{number}")
    async with serving(platform) as url:
        page = await browser.new_page(viewport={"width": 1000, "height": 500})
        await opened(page, url + "/events")
        await page.evaluate("scrollTo(0, 900)")
        seen = await page.evaluate(
            "document.querySelector('tbody tr:nth-child(20)').getBoundingClientRect().top"
        )

        await scene.event(event_type="new_one")
        await scene.event(event_type="new_two")
        await page.get_by_role("button", name="2 new").wait_for()
        place = await page.evaluate(
            "document.querySelector('tbody tr:nth-child(20)').getBoundingClientRect().top"
        )
        assert (place, await rows_of(page)) == (seen, 40)
        await page.get_by_role("button", name="2 new").click()

        await page.get_by_role("link", name="new_two").wait_for()
        assert await rows_of(page) == 42
        assert await page.evaluate("scrollY") == 0
        await page.close()


async def test_a_hidden_tab_holds_no_stream_and_catches_up(browser, platform):
    scene = Scene(platform=platform)
    await scene.event(event_type="before")
    async with serving(platform) as url:
        page = await browser.new_page()
        await opened(page, url + "/events")

        await hide(page, hidden=True)
        async with asyncio.timeout(20):
            while platform.live.viewers:  # noqa: ASYNC110 - the server notices by itself
                await asyncio.sleep(0.02)
        await scene.event(event_type="meanwhile")
        assert await rows_of(page) == 1
        await hide(page, hidden=False)

        await page.get_by_role("link", name="meanwhile").wait_for()
        assert await page.evaluate("window.notReloaded")
        await page.close()


async def test_nothing_moves_while_text_is_selected(browser, platform):
    scene = Scene(platform=platform)
    await scene.event(event_type="before")
    async with serving(platform) as url:
        page = await browser.new_page()
        await opened(page, url + "/events")
        await page.evaluate("getSelection().selectAllChildren(document.querySelector('main h1'))")

        await scene.event(event_type="meanwhile")
        await page.locator("#live .rate", has_text="/s").wait_for()
        assert await rows_of(page) == 1
        await page.evaluate("getSelection().removeAllRanges()")

        await page.get_by_role("link", name="meanwhile").wait_for()
        await page.close()


async def test_it_is_paused_by_a_key_and_goes_on_by_it(browser, platform):
    scene = Scene(platform=platform)
    await scene.event(event_type="before")
    async with serving(platform) as url:
        page = await browser.new_page()
        await opened(page, url + "/events")
        await page.keyboard.press("p")
        assert await page.locator("#live").inner_text() == "Paused"

        async with page.expect_event("console", lambda said: said.text == "heard"):
            await page.evaluate("document.addEventListener('live:change', () => console.log('heard'))")
            await scene.event(event_type="meanwhile")
        assert await rows_of(page) == 1
        await page.keyboard.press("p")

        await page.get_by_role("link", name="meanwhile").wait_for()
        await page.close()


async def test_after_the_server_was_away_it_goes_on_where_it_was(browser, platform):
    scene = Scene(platform=platform)
    await scene.event(event_type="before")
    async with serving(platform) as url:
        page = await browser.new_page()
        await opened(page, url + "/events")
        for viewer in list(platform.live._viewers):
            viewer.end()
        await page.locator("#live[data-state=lost]").wait_for()
        await scene.event(event_type="meanwhile")

        await page.get_by_role("link", name="meanwhile").wait_for()
        await page.locator("#live[data-state=open]").wait_for()
        assert await page.evaluate("window.notReloaded")
        await page.close()


async def test_an_open_fold_and_the_focus_stay(browser, platform):
    await everything(platform)
    async with serving(platform) as url:
        page = await browser.new_page()
        await opened(page, url + "/")
        await page.locator("details.as-table summary").first.click()
        await page.evaluate("document.activeElement.blur()")

        async with page.expect_event("console", lambda said: said.text == "updated"):
            await page.evaluate("document.addEventListener('live:updated', () => console.log('updated'))")
            await Scene(platform=platform).event(event_type="another")

        assert await page.locator("details.as-table[open]").count() == 1
        await page.close()


async def test_without_scripts_there_is_nothing_live_to_see(browser, platform):
    await everything(platform)
    async with serving(platform) as url:
        context = await browser.new_context(java_script_enabled=False)
        page = await context.new_page()
        await page.goto(url + "/events")

        assert not await page.locator("#live").is_visible()
        assert await rows_of(page)
        await context.close()


async def test_the_live_tail_flows_and_is_walked_by_keyboard(browser, platform):
    scene = Scene(platform=platform)
    async with serving(platform) as url:
        page = await browser.new_page()
        await opened(page, url + "/live?show=received")
        for number in range(5):
            await scene.event(event_type=f"flow_{number}")
            await page.get_by_role("link", name=f"flow_{number}").wait_for()
        assert await page.locator("#tail-lines li").first.inner_text() != ""

        await page.keyboard.press("j")
        await page.keyboard.press("Enter")

        await page.wait_for_url(f"{url}/events/evt_*")
        assert "flow_4" in await page.locator("h1").inner_text()
        await page.close()


async def test_the_keys_are_listed_and_lead_where_they_say(browser, platform):
    ids = await everything(platform)
    async with serving(platform) as url:
        page = await browser.new_page()
        await page.goto(f"{url}/events/{ids['dead']}")

        await page.keyboard.press("?")
        await page.get_by_role("heading", name="Keyboard").wait_for()
        assert await page.locator("#keys dt").count() > 10
        await page.keyboard.press("Escape")
        assert not await page.locator("#keys").is_visible()
        await page.keyboard.press("r")
        assert "replay" in (await page.evaluate("document.activeElement.outerHTML")).lower()
        await page.keyboard.press("g")
        await page.keyboard.press("l")
        await page.wait_for_url(f"{url}/live")
        await page.close()


async def test_what_comes_live_can_never_become_markup(browser, platform):
    hostile = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
    async with serving(platform) as url:
        page = await browser.new_page()
        for path in ("/live", "/events"):
            await opened(page, url + path)
            scene = Scene(platform=platform)
            event = await scene.event("orders.sync", event_type=f"{path[1:]} {hostile}", provider="github")
            for claim in await scene.claims():
                await scene.die(claim)
            await page.locator(f"main a[href='/events/{event.id}']").wait_for()

            assert await page.title() != "run"
            assert await page.locator("main img, main script").count() == 0
        await page.close()
